"""IpamDriver: Docker asks for pools and addresses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ovnloom.docker import endpoints, networks, pools, words
from ovnloom.docker.asked import Asked
from ovnloom.docker.endpoints import Host
from ovnloom.docker.pools import Pool
from ovnloom.docker.site import Site
from ovnloom.docker.state import State, networks_of
from ovnloom.errors import Refused
from ovnloom.settings import DockerSettings

LOCAL, GLOBAL = "ovnloom-local", "ovnloom-global"
Answer = Mapping[str, Any]
LENGTHS = {4: 24, 6: 64}
"""Prefix lengths of networks for which no --subnet was given."""


class Ipam:
    """The calls of IpamDriver. Each raises Refused with what its user can change, and Unavailable."""

    def __init__(self, site: Site, settings: DockerSettings, host: Host) -> None:
        self._site = site
        self._settings = settings
        self._host = host

    async def capabilities(self, _: Asked) -> Answer:
        """The MAC says who asks for an address; without it a repeated request couldn't be told from another's."""
        return {"RequiresMACAddress": True, "RequiresRequestReplay": True}

    async def spaces(self, _: Asked) -> Answer:
        """The names of address spaces are ours to choose; Vpcs are what keeps addresses apart."""
        return {"LocalDefaultAddressSpace": LOCAL, "GlobalDefaultAddressSpace": GLOBAL}

    async def request_pool(self, asked: Asked) -> Answer:
        """A pool's id and CIDR. Only one that Docker leaves to us is written down, so that nobody else gets it."""
        space = asked.text("AddressSpace")
        if space not in ("", LOCAL, GLOBAL):
            raise Refused(f"AddressSpace {space[:60]!r} is none of ovnloom's; use {LOCAL}")
        options = asked.known(asked.texts("Options"), words.IPAM_OPTIONS, "--ipam-opt")
        name, vpc = options.get(words.SUBNET, ""), options.get(words.VPC, "")
        wanted, among = asked.text("Pool"), asked.text("SubPool")
        cidr = str(pools.parse_pool(wanted, "--subnet")) if wanted else ""
        part = str(pools.parse_pool(among, "--ip-range")) if among else ""
        is_six = asked.flag("V6") or ":" in cidr
        if part and not cidr and not name:
            raise Refused(f"--ip-range {part} needs a --subnet that it is in")
        if name:
            cidr = await self._site.read(lambda state: _cidr_of(state, name, cidr, is_six=is_six))
        elif not cidr:
            cidr = await self._site.change(lambda state: self._reserve(state, vpc, is_six=is_six))
        pool = Pool(cidr, name, vpc, part)
        if part and not _contains(cidr, part):
            raise Refused(f"--ip-range {part} is not in --subnet {cidr}; give a part of it")
        return {"PoolID": pool.id, "Pool": pool.cidr, "Data": {}}

    async def release_pool(self, asked: Asked) -> Answer:
        """A Subnet that became no network is gone."""
        pool = Pool.parse(asked.needed("PoolID"))
        await self._site.change(lambda state: self._unreserve(state, pool))
        return {}

    async def request_address(self, asked: Asked) -> Answer:
        """The gateway, an address that Docker keeps for itself, or that of an endpoint."""
        pool, wanted, options = Pool.parse(asked.needed("PoolID")), asked.address("Address"), asked.texts("Options")
        mac, host = options.get(words.MAC, ""), self._host
        if wanted is not None and wanted.ip not in pool.network and not await self._is_alias(pool):
            raise Refused(f"address {wanted.ip} is not in {pool.cidr}; give one that is")
        if options.get(words.ADDRESS_TYPE) == words.GATEWAY:
            found = await self._site.read(lambda state: endpoints.gateway(state, pool, wanted, host.name))
        elif mac:
            found = await self._site.change(lambda state: endpoints.request(state, pool, wanted, mac, host))
        elif wanted is not None:
            found = await self._site.read(lambda state: endpoints.reserve(state, pool, wanted, host.name))
        else:
            raise Refused(f"Options has no {words.MAC}; ovnloom gives an address to an endpoint with a MAC only")
        return {"Address": found, "Data": {}}

    async def release_address(self, asked: Asked) -> Answer:
        """The address is free; it may have been already."""
        pool, address = Pool.parse(asked.needed("PoolID")), asked.address("Address")
        if address is None:
            raise Refused("Address is missing; say which one is given back")
        await self._site.change(lambda state: endpoints.release(state, pool, str(address.ip), self._host))
        return {}

    async def _is_alias(self, pool: Pool) -> bool:
        def look(state: State) -> bool:
            try:
                return pool.cidr not in networks_of(pools.find(state, pool, self._host.name).cidr_block)
            except Refused:
                return False

        return await self._site.read(look)

    def _reserve(self, state: State, vpc: str, *, is_six: bool) -> str:
        family = 6 if is_six else 4
        among = next((each for each in self._settings.docker_pools.split(",") if (":" in each) == is_six), "")
        if not among:
            raise Refused(f"no --subnet was given, and OVNLOOM_DOCKER_POOLS has none of IPv{family}; give one")
        found = str(pools.next_free(state, among.strip(), LENGTHS[family]))
        first = str(pools.parse_pool(found, "--subnet")[1])
        vpc = vpc or self._settings.docker_vpc
        wanted = networks.Wanted("", self._host.name, (found,), (first,), vpc=vpc)
        networks.make(state, networks.name_of(found, vpc), wanted)
        return found

    def _unreserve(self, state: State, pool: Pool) -> None:
        try:
            found = pools.find(state, pool, self._host.name)
        except Refused:
            return
        networks.drop_unused(state, found.name)


def _cidr_of(state: State, name: str, cidr: str, *, is_six: bool) -> str:
    subnet = state.subnet(name)
    if subnet is None:
        if cidr:
            return cidr
        raise Refused(f"--ipam-opt {words.SUBNET}={name}: no such Subnet; create it, or give a --subnet for it")
    theirs = [each for each in networks_of(subnet.cidr_block) if (":" in each) == is_six]
    if not theirs or cidr not in ("", *theirs):
        raise Refused(f"--subnet {cidr or '(IPv6)'} is not that of Subnet {name} ({subnet.cidr_block}); leave it out")
    return theirs[0]


def _contains(cidr: str, part: str) -> bool:
    outer, inner = pools.parse_pool(cidr, "--subnet"), pools.parse_pool(part, "--ip-range")
    return outer.version == inner.version and inner[0] in outer and inner[-1] in outer
