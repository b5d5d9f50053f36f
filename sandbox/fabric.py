"""The network between hosts: a Linux bridge of this machine, with an address of it in each family."""

import json
import os
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from sandbox import client
from sandbox.errors import CommandError, SandboxError

Family = Literal["ipv4", "ipv6", "dual"]
FILE = "fabric"
# One for each network 172.30.N.0/24.
MOST = 256
# The bridge itself is .1; hosts come after this.
RESERVED = 10
MOST_HOSTS = 200


@dataclass(frozen=True)
class Fabric:
    """The fabric of what is kept in `directory`. It takes the first number that no other fabric of this machine has.

    The number makes the name of the bridge and its networks, so fabrics of several sandboxes and tests never meet.
    """

    directory: Path
    family: Family = "dual"

    @property
    def number(self) -> int:
        """Raises SandboxError while there is none."""
        found = self._recorded
        if found is None:
            raise SandboxError(f"{self.directory} has no fabric; bring it up first")
        return found

    @property
    def bridge(self) -> str:
        return f"fabric{self.number}"

    @property
    def underlay(self) -> str:
        """A second bridge, without any address: the provider's network, to which hosts have a second interface."""
        return f"underlay{self.number}"

    @property
    def addresses(self) -> tuple[str, ...]:
        """The bridge's own: where this machine is reached from the hosts, IPv4 first."""
        return self.of_host(1 - RESERVED)

    def of_host(self, number: int) -> tuple[str, ...]:
        """The addresses of host NUMBER, IPv4 first."""
        last = RESERVED + number
        found = {"ipv4": f"172.30.{self.number}.{last}", "ipv6": f"fd00:172:30:{self.number}::{last}"}
        return tuple(str(ip_address(text)) for family, text in found.items() if self.family in ("dual", family))

    @property
    def alive(self) -> bool:
        return self._recorded is not None and self._is_ours(self.bridge)

    def up(self) -> None:
        """The two bridges are there and have this machine's addresses."""
        if self.alive:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        self._claim()
        self._link("add", self.underlay)
        for each in (self.bridge, self.underlay):
            client.output("ip", "link", "set", each, "up")
        for address in self.addresses:
            # Nobody else can have it, and a server wants to bind it at once.
            words = ["nodad"] if ":" in address else []
            client.output("ip", "address", "replace", with_length(address), "dev", self.bridge, *words)

    def down(self) -> None:
        """The bridges are gone, with the networks of this machine that led to them."""
        if self._recorded is not None:
            # The fabric goes last: whoever gets its name next makes an underlay, too.
            for each in (self.underlay, self.bridge):
                if self._is_ours(each):
                    client.output("ip", "link", "delete", each)
            self._file.unlink()

    def _claim(self) -> None:
        """The bridge is ours: the kernel gives a name to one only. A fabric that lost its bridge takes it anew."""
        recorded = self._recorded
        for number in range(MOST) if recorded is None else [recorded]:
            if recorded is None and _is_routed(number):
                continue
            self._file.write_text(json.dumps(number) + "\n")
            try:
                self._link("add", self.bridge)
            except CommandError as error:
                if "File exists" not in str(error):
                    raise
            else:
                return
        if recorded is not None:
            raise SandboxError(
                f"fabric{recorded} is somebody else's by now; take down what was on it, then bring it up"
            )
        self._file.unlink(missing_ok=True)
        raise SandboxError(f"all {MOST} fabrics, 172.30.0.0/24 to 172.30.255.0/24, are taken: `ip route` shows by whom")

    def _link(self, verb: str, bridge: str) -> None:
        """Name and owner come in one go, so that none is left without the other."""
        batch = f"link {verb} {bridge} type bridge\nlink set {bridge} alias {self._alias}\n"
        client.output("ip", "-batch", "-", stdin=batch)

    def _is_ours(self, bridge: str) -> bool:
        try:
            return Path(f"/sys/class/net/{bridge}/ifalias").read_text().strip() == self._alias
        except FileNotFoundError:
            return False

    @property
    def _alias(self) -> str:
        """The kernel keeps 255 bytes: the end of a long path says more."""
        return os.fsencode(self.directory.absolute())[-255:].decode(errors="replace").replace(" ", "_")

    @property
    def _recorded(self) -> int | None:
        try:
            return int(self._file.read_text())
        except (FileNotFoundError, ValueError):
            return None

    @property
    def _file(self) -> Path:
        return self.directory / FILE


def with_length(address: str) -> str:
    """The address with the length of a fabric's prefix, as `ip` wants it."""
    return f"{address}/{64 if ':' in address else 24}"


def _is_routed(number: int) -> bool:
    """Whether this machine already has something in that network, a leftover or a real one."""
    return bool(client.output("ip", "-4", "route", "show", "root", f"172.30.{number}.0/24").strip())
