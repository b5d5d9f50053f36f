"""Leftovers of crashes: what this host has in OVN, and its Docker hasn't. They go when that is certain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from ovnloom import log
from ovnloom.api.subnet import Subnet
from ovnloom.docker import dockerd, networks, pools, words
from ovnloom.docker.dockerd import Known
from ovnloom.docker.plug import Plugs
from ovnloom.docker.site import Site
from ovnloom.docker.state import State
from ovnloom.errors import Refused, Unavailable

logger = log.get("docker")


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Each with all that makes it this one: what was made anew under an old name isn't what was seen before."""

    ips: frozenset[tuple[str, str, str]] = frozenset()
    """Name, endpoint and uid of IPs."""
    networks: frozenset[tuple[str, str]] = frozenset()
    """Subnet and annotation of networks."""
    interfaces: frozenset[str] = frozenset()
    """Endpoints that have one."""

    def __and__(self, other: Leftovers) -> Leftovers:
        return Leftovers(self.ips & other.ips, self.networks & other.networks, self.interfaces & other.interfaces)

    def __bool__(self) -> bool:
        return bool(self.ips or self.networks or self.interfaces)


def leftovers(state: State, host: str, interfaces: list[str], known: Known) -> Leftovers:
    """What of this host Docker doesn't know. Of other hosts nothing is said: their Docker wasn't asked.

    A Docker that knows none of this host's networks may be another one, or have lost its disk: nothing is certain then.
    """
    there = {pools.annotation(network) for network in known.networks}
    if there.isdisjoint(_annotations(state, host)):
        return Leftovers()
    mine = [ip for ip in state.ips() if ip.node_name == host and state.is_endpoints(ip)]
    return Leftovers(
        frozenset(
            (ip.name, ip.endpoint, ip.uid)
            for ip in mine
            if ip.endpoint not in known.endpoints and ip.mac not in known.macs
        ),
        frozenset(
            (subnet.name, key) for subnet in state.subnets() for key in _networks(subnet, host) if key not in there
        ),
        frozenset(endpoint for endpoint in interfaces if endpoint not in known.endpoints),
    )


def _annotations(state: State, host: str) -> frozenset[str]:
    return frozenset(key for subnet in state.subnets() for key in _networks(subnet, host))


def _networks(subnet: Subnet, host: str) -> Iterator[str]:
    """The annotations by which a Subnet is a network of this host, or was reserved for one."""
    yield from (key for key, one in pools.joined(subnet).items() if one.host == host)
    if subnet.annotations.get(words.PENDING) == host:
        yield words.PENDING


def remove(state: State, found: Leftovers) -> None:
    """They are gone, and Subnets that were made for them alone."""
    for name, endpoint, uid in found.ips:
        ip = state.ip(name)
        if ip is not None and (ip.endpoint, ip.uid) == (endpoint, uid):
            state.remove("IP", name)
            networks.drop_unused(state, ip.subnet)
    for name, key in found.networks:
        subnet = state.subnet(name)
        if subnet is not None and key in subnet.annotations:
            state.annotate("Subnet", name, {key: None})
            networks.drop_unused(state, name)


class Sweep:
    """Looks now and then; what was left over in two looks after another is removed.

    Between an address and its endpoint, and between a network and Docker's own record of it, less than a minute passes:
    dockerd gives up on a call before.
    """

    def __init__(self, site: Site, plugs: Plugs, host: str, api: str, seconds: float) -> None:
        self._site = site
        self._plugs = plugs
        self._host = host
        self._api = api
        self._seconds = seconds

    async def run(self) -> None:
        """For ever, until cancelled."""
        before = Leftovers()
        while True:
            await asyncio.sleep(self._seconds)
            try:
                now = await self._look()
                certain = before & now
                if certain:
                    await self._remove(certain)
                before = now
            except (Unavailable, Refused) as problem:
                before = Leftovers()
                logger.debug("nothing is removed", reason=str(problem))

    async def _look(self) -> Leftovers:
        interfaces = await self._plugs.there()
        known = await dockerd.ask(self._api)
        return await self._site.read(lambda state: leftovers(state, self._host, interfaces, known))

    async def _remove(self, found: Leftovers) -> None:
        for endpoint in sorted(found.interfaces):
            await self._plugs.pull(endpoint)
        await self._site.change(lambda state: remove(state, found))
        logger.info(
            "leftovers removed",
            addresses=sorted(name for name, _, _ in found.ips),
            networks=sorted(name for name, _ in found.networks),
            interfaces=len(found.interfaces),
        )
