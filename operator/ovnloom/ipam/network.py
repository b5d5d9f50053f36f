"""The CIDRs of a Subnet."""

from collections.abc import Iterator
from dataclasses import dataclass

from ovnloom.ipam.address import BITS, Family, Pair, address_text, parse_address
from ovnloom.ipam.malformed import Malformed
from ovnloom.ipam.ranges import Span


@dataclass(frozen=True, slots=True)
class Network:
    """One CIDR with its host bits cleared."""

    family: Family
    address: int
    prefix: int

    def __str__(self) -> str:
        return f"{address_text(self.family, self.address)}/{self.prefix}"

    @property
    def last_address(self) -> int:
        """The address with all host bits set (the broadcast address of IPv4)."""
        return self.address | (1 << BITS[self.family] - self.prefix) - 1

    @property
    def usable(self) -> Span:
        """First and last address that an interface may have.

        Neither network nor last address, for both families; /31 and /127 have both their addresses (RFC 3021,
        RFC 6164), /32 and /128 their only one.
        """
        if BITS[self.family] - self.prefix <= 1:
            return self.address, self.last_address
        return self.address + 1, self.last_address - 1

    @property
    def size(self) -> int:
        """How many addresses are usable."""
        first, last = self.usable
        return last - first + 1

    @property
    def default_gateway(self) -> int:
        """The first usable address: what spec.gateway is when the user leaves it empty."""
        return self.usable[0]

    def __contains__(self, number: int) -> bool:
        """Whether an address of the same family lies in the CIDR, network and broadcast address included."""
        return self.address <= number <= self.last_address

    def overlaps(self, other: "Network") -> bool:
        """Whether an address is in both."""
        return self.family == other.family and self.address <= other.last_address and other.address <= self.last_address


@dataclass(frozen=True, slots=True)
class Networks:
    """The CIDRs of a Subnet: one, or one of each family. Its text is canonical: IPv4 first."""

    v4: Network | None = None
    v6: Network | None = None

    def __str__(self) -> str:
        return ",".join(str(network) for network in self)

    def __iter__(self) -> Iterator[Network]:
        return (network for network in (self.v4, self.v6) if network is not None)

    def of(self, family: Family) -> Network | None:
        """The CIDR of that family, or None."""
        return self.v4 if family == 4 else self.v6

    @property
    def families(self) -> tuple[Family, ...]:
        """The families that the Subnet has, IPv4 first."""
        return tuple(network.family for network in self)

    @property
    def protocol(self) -> str:
        """`IPv4`, `IPv6` or `Dual`, as spec.protocol says it; empty without a CIDR."""
        return {(4,): "IPv4", (6,): "IPv6", (4, 6): "Dual"}.get(self.families, "")

    @property
    def default_gateway(self) -> Pair:
        """The first usable address of each CIDR."""
        return Pair(
            self.v4.default_gateway if self.v4 else None,
            self.v6.default_gateway if self.v6 else None,
        )

    def overlaps(self, other: "Networks") -> bool:
        """Whether the CIDRs of one family have an address in common."""
        return any(mine.overlaps(theirs) for mine in self for theirs in other)


def parse_network(text: str) -> Network:
    """One CIDR; host bits are cleared (`10.16.0.5/16` is 10.16.0.0/16)."""
    stripped = text.strip()
    address, slash, length = stripped.partition("/")
    if not slash:
        raise Malformed(stripped, "has no prefix length", "write a CIDR like 10.16.0.0/16 or fd00::/112")
    family, number = parse_address(address)
    bits = BITS[family]
    if not (length.isascii() and length.isdigit()) or (length[0] == "0" and len(length) > 1):
        raise Malformed(stripped, "is not a network", "write the prefix length as a number, like 10.16.0.0/16")
    if len(length) > 3 or int(length) > bits:
        raise Malformed(stripped, "is not a network", f"use a prefix of at most {bits}")
    prefix = int(length)
    host = bits - prefix
    return Network(family, number >> host << host, prefix)


def parse_cidr_block(text: str) -> Networks:
    """spec.cidrBlock: one CIDR, or one of each family with a comma, in either order.

    Raises Malformed that names the part at fault.
    """
    if not text.strip():
        raise Malformed(text, "is empty", "write a CIDR like 10.16.0.0/16 or 10.16.0.0/16,fd00::/112")
    found: dict[Family, Network] = {}
    for item in text.split(","):
        network = parse_network(item)
        if network.family in found:
            raise Malformed(
                item.strip(), f"is a second IPv{network.family} network", "write at most one CIDR of each family"
            )
        found[network.family] = network
    return Networks(found.get(4), found.get(6))


_SPECIAL = tuple(
    (parse_network(cidr), use)
    for cidr, use in (
        ("255.255.255.255/32", "limited broadcast"),
        ("224.0.0.0/4", "multicast"),
        ("127.0.0.0/8", "loopback"),
        ("0.0.0.0/32", "the unspecified address"),
        ("169.254.0.0/16", "link-local"),
        ("::/128", "the unspecified address"),
        ("::1/128", "loopback"),
        ("ff00::/8", "multicast"),
        ("fe80::/10", "link-local"),
    )
)


def special_use(networks: Networks) -> str | None:
    """Why no Subnet may have these CIDRs, in words, or None when they overlap no special-purpose block (RFC 6890)."""
    for network in networks:
        for special, use in _SPECIAL:
            if network.overlaps(special):
                return f"{network} overlaps {special}, which is {use}"
    return None
