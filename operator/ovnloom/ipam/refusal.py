"""Why an address was not given: values, not exceptions, because the caller reports them to the user.

`reason` is the CamelCase word of the Event and condition and never changes; `sentence` says what to do.
"""

from dataclasses import dataclass
from typing import ClassVar

from ovnloom.ipam.address import Family, address_text


@dataclass(frozen=True, slots=True)
class Exhausted:
    """No address of that family is left (in that IPPool, or in the Subnet outside its IPPools)."""

    reason: ClassVar[str] = "NoAvailableAddress"
    family: Family
    pool: str | None = None

    @property
    def sentence(self) -> str:
        """What is wrong and what to do."""
        where = f"IPPool {self.pool}" if self.pool else "the Subnet, outside its IPPools,"
        return f"{where} has no free IPv{self.family} address; delete Pods or reserved IPs, or add addresses"


@dataclass(frozen=True, slots=True)
class Taken:
    """The address is in use by another holder."""

    reason: ClassVar[str] = "AddressConflict"
    family: Family
    address: int
    by: str

    @property
    def sentence(self) -> str:
        """What is wrong and what to do."""
        return f"{address_text(self.family, self.address)} is in use by {self.by}; choose another address"


@dataclass(frozen=True, slots=True)
class IsGateway:
    """The address is the Subnet's gateway."""

    reason: ClassVar[str] = "AddressConflict"
    family: Family
    address: int

    @property
    def sentence(self) -> str:
        """What is wrong and what to do."""
        return f"{address_text(self.family, self.address)} is the Subnet's gateway; choose another address"


@dataclass(frozen=True, slots=True)
class Outside:
    """The address is not usable in the Subnet: outside its CIDR, or its network or broadcast address."""

    reason: ClassVar[str] = "AddressOutOfRange"
    family: Family
    address: int
    first: int
    last: int

    @property
    def sentence(self) -> str:
        """What is wrong and what to do."""
        first, last = address_text(self.family, self.first), address_text(self.family, self.last)
        return f"{address_text(self.family, self.address)} can't be used in the Subnet; choose one of {first} to {last}"


@dataclass(frozen=True, slots=True)
class NoFamily:
    """The Subnet has no CIDR of that family."""

    reason: ClassVar[str] = "InvalidIPFamily"
    family: Family

    @property
    def sentence(self) -> str:
        """What is wrong and what to do."""
        return f"the Subnet has no IPv{self.family} CIDR; ask for the other family or add a CIDR to spec.cidrBlock"


@dataclass(frozen=True, slots=True)
class NoPool:
    """The Subnet has no IPPool of that name."""

    reason: ClassVar[str] = "NoIPPool"
    pool: str

    @property
    def sentence(self) -> str:
        """What is wrong and what to do."""
        return f"IPPool {self.pool} is not a pool of the Subnet; create it or name another"


@dataclass(frozen=True, slots=True)
class HoldsAnother:
    """The holder already has another address of that family; a living interface is never re-addressed."""

    reason: ClassVar[str] = "AddressConflict"
    family: Family
    address: int
    holds: int

    @property
    def sentence(self) -> str:
        """What is wrong and what to do."""
        holds, asked = address_text(self.family, self.holds), address_text(self.family, self.address)
        return f"{asked} was asked for by an interface that has {holds}; delete its IP object first"


@dataclass(frozen=True, slots=True)
class TakenMac:
    """The MAC is in use by another port of the cluster."""

    reason: ClassVar[str] = "AddressConflict"
    mac: str
    by: str

    @property
    def sentence(self) -> str:
        """What is wrong and what to do."""
        return f"MAC {self.mac} is in use by {self.by}; choose another or leave it out"


Refusal = Exhausted | Taken | IsGateway | Outside | NoFamily | NoPool | HoldsAnother
