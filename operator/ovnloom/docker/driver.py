"""NetworkDriver: Docker makes networks and endpoints, and joins containers to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from ovnloom.api.ip import IP
from ovnloom.api.subnet import Subnet
from ovnloom.docker import endpoints, networks, words
from ovnloom.docker.asked import Asked, Interface
from ovnloom.docker.endpoints import Host
from ovnloom.docker.networks import Wanted
from ovnloom.docker.plug import Plugs
from ovnloom.docker.pools import Joined, parse_pool
from ovnloom.docker.site import Site
from ovnloom.docker.state import State, networks_of
from ovnloom.errors import Refused
from ovnloom.settings import DockerSettings

Answer = Mapping[str, Any]


class Driver:
    """The calls of NetworkDriver. Each raises Refused with what its user can change, and Unavailable."""

    def __init__(self, site: Site, settings: DockerSettings, host: Host, plugs: Plugs) -> None:
        self._site = site
        self._settings = settings
        self._host = host
        self._plugs = plugs

    async def capabilities(self, _: Asked) -> Answer:
        """Each dockerd makes the network itself, as without Swarm nobody tells it; OVN connects them all."""
        return {"Scope": "local", "ConnectivityScope": "global"}

    async def create_network(self, asked: Asked) -> Answer:
        """A Subnet is the network."""
        wanted = self._wanted(asked)
        await self._site.change(lambda state: networks.create(state, wanted))
        return {}

    async def delete_network(self, asked: Asked) -> Answer:
        """The Subnet is no network of this host any more."""
        network = asked.needed("NetworkID")
        await self._site.change(lambda state: networks.delete(state, network))
        return {}

    async def create_endpoint(self, asked: Asked) -> Answer:
        """The endpoint has a port in OVN; the answer has what the request left open."""
        network, endpoint, said = asked.needed("NetworkID"), asked.needed("EndpointID"), asked.one("Interface")
        found = (said.address("Address"), said.address("AddressIPv6"))
        addresses = tuple(each for each in found if each is not None)
        options = asked.one("Options")
        labels, groups = _labels(options.text(words.LABELS)), options.text(words.SECURITY_GROUPS)
        wanted = endpoints.Wanted(endpoint, addresses, said.text("MacAddress"), labels, groups)

        def act(state: State) -> IP:
            subnet, _ = networks.of_network(state, network)
            return endpoints.attach(state, subnet.name, wanted, self._host)

        ip = await self._site.change(act)
        return {"Interface": {} if wanted.mac else {"MacAddress": ip.mac}}

    async def operational(self, _: Asked) -> Answer:
        """Docker shows nothing of it."""
        return {"Value": {}}

    async def delete_endpoint(self, asked: Asked) -> Answer:
        """The endpoint has no port and no interface; unknown ones never had."""
        endpoint = asked.needed("EndpointID")
        await self._plugs.pull(endpoint)
        await self._site.change(lambda state: endpoints.detach(state, endpoint))
        return {}

    async def join(self, asked: Asked) -> Answer:
        """There is an interface for the container to be moved into it, connected to the endpoint's port."""
        network, endpoint = asked.needed("NetworkID"), asked.needed("EndpointID")

        def look(state: State) -> tuple[Subnet, Joined, IP, list[Subnet]]:
            subnet, joined = networks.of_network(state, network)
            ip = state.of_endpoint(endpoint)
            if ip is None:
                raise Refused(f"endpoint {endpoint[:12]} is not known to ovnloom; disconnect and connect the container")
            return subnet, joined, ip, [each for each in state.subnets() if each.vpc == subnet.vpc]

        subnet, joined, ip, neighbours = await self._site.read(look)
        mtu = joined.mtu or subnet.mtu or self._settings.docker_mtu
        addresses = tuple(ip_address(text) for text in (ip.v4, ip.v6) if text)
        name = await self._plugs.plug(endpoint, ip.name, ip.mac, mtu, addresses)
        return {"InterfaceName": {"SrcName": name, "DstPrefix": "eth"}, **self._ways(subnet, joined, neighbours)}

    async def leave(self, asked: Asked) -> Answer:
        """The interface is gone; it may have been already."""
        await self._plugs.pull(asked.needed("EndpointID"))
        return {}

    async def nothing(self, _: Asked) -> Answer:
        """Nothing has to be done: published ports are those of Docker's own gateway network."""
        return {}

    async def swarm(self, _: Asked) -> Answer:
        """Networks of Swarm are made by its managers, which don't know Subnets."""
        raise Refused("ovnloom has no networks of Swarm; create the network without --scope swarm, on each host")

    def _ways(self, subnet: Subnet, joined: Joined, neighbours: list[Subnet]) -> Answer:
        gateways = [text for text in subnet.gateway.split(",") if text]
        outside = joined.outside or ("ovn" if self._site.is_cluster else "docker")
        if joined.is_internal:
            return {"DisableGatewayService": True}
        if outside == "ovn":
            return {**{_key(gateway): gateway for gateway in gateways}, "DisableGatewayService": True}
        routes = [
            {"Destination": cidr, "RouteType": 0, "NextHop": gateway}
            for other in neighbours
            # dockerd refuses to connect a container to a network that one of its routes leads to: no route without use.
            if other.name != subnet.name and not subnet.private and not other.private
            for cidr in networks_of(other.cidr_block)
            for gateway in gateways
            if (":" in gateway) == (":" in cidr)
        ]
        return {"StaticRoutes": routes}

    def _wanted(self, asked: Asked) -> Wanted:
        options = asked.one("Options")
        said = asked.known(options.texts(words.GENERIC), words.NETWORK_OPTIONS, "-o")
        found = [*asked.many("IPv4Data"), *asked.many("IPv6Data")]
        cidrs = [str(parse_pool(each.needed("Pool"), "--subnet")) for each in found]
        if not cidrs:
            raise Refused("the network has no pool; use --ipam-driver ovnloom, or another that gives one")
        if len({":" in cidr for cidr in cidrs}) < len(cidrs):
            raise Refused(f"{', '.join(cidrs)} are two of one family; give one --subnet of each at most")
        gateways = [each.address("Gateway") for each in found]
        outside = said.get(words.OUTSIDE, "")
        if outside not in ("", *networks.OUTSIDES):
            raise Refused(f"-o {words.OUTSIDE}={outside[:60]} can't be; use {' or '.join(networks.OUTSIDES)}")
        return Wanted(
            asked.needed("NetworkID"),
            self._host.name,
            tuple(cidrs),
            tuple(_gateway(each, cidr) for each, cidr in zip(gateways, cidrs, strict=True)),
            tuple(text.partition("/")[0] for each in found for text in each.texts("AuxAddresses").values()),
            said.get(words.SUBNET, ""),
            said.get(words.VPC, "") or self._settings.docker_vpc,
            said.get(words.PRIVATE, "true") != "false",
            options.flag(words.INTERNAL),
            outside,
            _mtu(said.get(words.MTU, "")),
        )


def _gateway(said: Interface | None, cidr: str) -> str:
    return str(said.ip if said is not None else parse_pool(cidr, "--subnet")[1])


def _key(gateway: str) -> str:
    return "GatewayIPv6" if ":" in gateway else "Gateway"


def _mtu(text: str) -> int:
    if text and not (text.isdecimal() and 68 <= int(text) <= 65535):
        raise Refused(f"-o {words.MTU}={text[:20]} can't be; write bytes from 68 to 65535")
    return int(text or 0)


def _labels(text: str) -> dict[str, str]:
    """`name=value` with commas between, or a JSON object."""
    if text.startswith("{"):
        try:
            found = json.loads(text)
        except ValueError:
            raise Refused(f"--driver-opt {words.LABELS} is no JSON; write app=web,tier=front") from None
        return {str(key): str(value) for key, value in found.items()}
    pairs = [item.strip().partition("=") for item in text.split(",") if item.strip()]
    for name, equals, _ in pairs:
        if not name or not equals:
            raise Refused(f"--driver-opt {words.LABELS}={text[:60]} can't be read; write app=web,tier=front")
    return {name.strip(): value.strip() for name, _, value in pairs}
