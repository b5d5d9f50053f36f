"""Pools of addresses: Docker names one before it says for which network, so a pool's id says all that is known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from ovnloom.api.subnet import Subnet
from ovnloom.docker import words
from ovnloom.docker.state import State, networks_of
from ovnloom.errors import Refused

Network = IPv4Network | IPv6Network
SEPARATOR = "|"


@dataclass(frozen=True, slots=True)
class Pool:
    """What a pool's id says: its CIDR and, where they were given, Vpc, Subnet and the part that is given out."""

    cidr: str
    subnet: str = ""
    vpc: str = ""
    among: str = ""

    @property
    def id(self) -> str:
        return SEPARATOR.join((self.cidr, self.subnet, self.vpc, self.among))

    @property
    def network(self) -> Network:
        return ip_network(self.cidr)

    @classmethod
    def parse(cls, text: str) -> Pool:
        """Raises Refused for an id that isn't ours."""
        parts = text.split(SEPARATOR)
        try:
            if len(parts) == 4 and str(ip_network(parts[0])) == parts[0]:
                return cls(*parts)
        except ValueError:
            pass
        raise Refused(f"pool {text[:60]!r} not found: it is none of ovnloom's; create the network anew")


@dataclass(frozen=True, slots=True)
class Joined:
    """What a Subnet's annotation says of a Docker network: one of a host, of the same id nowhere else."""

    host: str
    pools: tuple[str, ...]
    """Its CIDRs as Docker knows them; another than the Subnet's where Docker wasn't told the Subnet in time."""
    is_internal: bool = False
    outside: str = ""
    mtu: int = 0

    def encode(self) -> str:
        return json.dumps(
            {
                "host": self.host,
                "pools": list(self.pools),
                "internal": self.is_internal,
                "outside": self.outside,
                "mtu": self.mtu,
            }
        )

    @classmethod
    def decode(cls, text: str) -> Joined | None:
        """None for what isn't ours."""
        try:
            found = json.loads(text)
            return cls(
                str(found["host"]),
                tuple(map(str, found["pools"])),
                found.get("internal") is True,
                str(found.get("outside", "")),
                int(found.get("mtu", 0)),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def annotation(network: str) -> str:
    """The key of a Docker network on its Subnet."""
    return words.NETWORK + network[: words.ID_LENGTH]


def joined(subnet: Subnet) -> Mapping[str, Joined]:
    """The Docker networks that a Subnet is, by the key of their annotation."""
    found = {}
    for key, text in subnet.annotations.items():
        if key.startswith(words.NETWORK) and (one := Joined.decode(text)) is not None:
            found[key] = one
    return found


def parse_pool(text: str, where: str) -> Network:
    """A CIDR as Docker gives it. Raises Refused."""
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        raise Refused(f"{where} {text[:60]!r} is no network; write one like 10.77.0.0/24") from None
    if found.prefixlen > found.max_prefixlen - 2:
        raise Refused(f"{where} {text} has no room for a gateway and a container; use a shorter prefix")
    return found


def find(state: State, pool: Pool, host: str) -> Subnet:
    """The Subnet whose addresses a pool has. Raises Refused."""
    if pool.subnet and (named := state.subnet(pool.subnet)) is not None:
        return named
    found = {subnet.name: subnet for subnet in _serving(state, pool)}
    here = [subnet for subnet in found.values() if any(one.host == host for one in joined(subnet).values())]
    chosen = list(found.values()) if len(found) == 1 else here
    if len(chosen) > 1:
        names = ", ".join(sorted(subnet.name for subnet in chosen))
        raise Refused(f"pool {pool.cidr} is that of Subnets {names}; say which by --ipam-opt {words.SUBNET}=NAME")
    if not chosen:
        wrong = f"pool {pool.cidr} not found: no Subnet has it"
        raise Refused(
            f"{wrong}; use -d {words.DRIVER} besides --ipam-driver {words.DRIVER}, or create the network anew"
        )
    return chosen[0]


def _serving(state: State, pool: Pool) -> Iterator[Subnet]:
    for subnet in state.subnets():
        if pool.vpc and subnet.vpc != pool.vpc:
            continue
        known = {*networks_of(subnet.cidr_block), *(cidr for one in joined(subnet).values() for cidr in one.pools)}
        if pool.cidr in known:
            yield subnet


def overlapping(state: State, cidrs: tuple[str, ...], vpc: str, but: str = "") -> Iterator[Subnet]:
    """The Subnets of a Vpc that share addresses with one of the CIDRs."""
    wanted = [ip_network(cidr) for cidr in cidrs]
    for subnet in state.subnets():
        if subnet.vpc != vpc or subnet.name == but:
            continue
        theirs = [ip_network(cidr) for cidr in networks_of(subnet.cidr_block)]
        if any(one.version == other.version and one.overlaps(other) for one in wanted for other in theirs):
            yield subnet


def next_free(state: State, among: str, length: int) -> Network:
    """The first CIDR of that prefix length that no Subnet shares an address with. Raises Refused."""
    taken = [
        ip_network(cidr)
        for subnet in state.subnets()
        for cidr in (*networks_of(subnet.cidr_block), *(pool for one in joined(subnet).values() for pool in one.pools))
    ]
    for candidate in ip_network(among).subnets(new_prefix=length):
        if not any(candidate.version == other.version and candidate.overlaps(other) for other in taken):
            return candidate
    raise Refused(f"no network of /{length} is left in {among}; give one by --subnet, or widen OVNLOOM_DOCKER_POOLS")
