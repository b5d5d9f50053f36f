"""Which OVN a sandbox runs: one that comes from Debian 13, or the machine's own."""

import hashlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from sandbox import places
from sandbox.errors import SandboxError

VARIABLE = "SANDBOX_OVN"
# To be raised when the way of unpacking changes, so that what was unpacked before isn't taken for it.
RECIPE = "2"
OVN = "ovn"
# In the folder of a sandbox.
FILE = "ovn-release"


@dataclass(frozen=True)
class Release:
    """An OVN with the Open vSwitch that belongs to it, or what else `what` says.

    `packages` of the Debian release `suite` bring it, in a folder of its own; a release without any is what the machine
    has installed. Without a C library among them its programs run with the machine's.
    """

    name: str
    suite: str = ""
    packages: tuple[str, ...] = ()
    what: str = OVN

    @property
    def root(self) -> Path:
        """Where the release is once it is fetched: the packages' files, as below /, and `bin`."""
        if not self.packages:
            return Path("/")
        digest = hashlib.sha256(repr((RECIPE, platform.machine(), self.suite, self.packages)).encode())
        return _kept() / f"{self.what}-{self.name}-{digest.hexdigest()[:16]}"

    @property
    def bin(self) -> Path:
        """Where the programs are, those of administrators included."""
        return self.root / "bin"

    @property
    def schemas(self) -> Path:
        """The folder with ovn-nb.ovsschema and ovn-sb.ovsschema."""
        return self.root / "usr" / "share" / "ovn"

    @property
    def fetched(self) -> bool:
        return not self.packages or self.bin.is_dir()

    def environment(self) -> dict[str, str]:
        """The PATH on which this release's programs come first.

        In it is found what Debian keeps out of an ordinary user's PATH: ovsdb-server. Other releases are not in it,
        even when a shell that was set up for a sandbox started us.
        """
        inherited = os.environ.get("PATH", os.defpath).split(":")
        others = [part for part in inherited if not part.startswith(f"{_kept()}/ovn-")]
        return {"PATH": ":".join([*([str(self.bin)] if self.packages else []), *others, "/usr/sbin", "/sbin"])}


OVN_25_03 = Release(
    "25.03",
    "trixie",
    (
        "ovn-central",
        "ovn-common",
        "ovn-host",
        "openvswitch-common",
        "openvswitch-switch",
        # What they link to. All of it, the C library too: the machine's own is older.
        "libbpf1",
        "libc6",
        "libcap-ng0",
        "libcap2",
        "libelf1t64",
        "libevent-2.1-7t64",
        "libgcc-s1",
        "libnuma1",
        "libssl3t64",
        "libudev1",
        "libunbound8",
        "libxdp1",
        "libzstd1",
        "zlib1g",
    ),
)
SYSTEM = Release("system")
ALL = {release.name: release for release in (OVN_25_03, SYSTEM)}


def chosen() -> Release:
    """The one that SANDBOX_OVN names, for sandboxes that aren't up yet."""
    return _named(os.environ.get(VARIABLE) or OVN_25_03.name, VARIABLE)


def recorded(directory: Path) -> Release:
    """The one of the sandbox in `directory`, which keeps it; of a new one the chosen one."""
    try:
        return _named((directory / FILE).read_text().strip(), str(directory / FILE))
    except FileNotFoundError:
        return chosen()


def record(directory: Path, release: Release) -> None:
    """A later run of Python finds the same release."""
    (directory / FILE).write_text(f"{release.name}\n")


def _named(name: str, where: str) -> Release:
    if name not in ALL:
        raise SandboxError(f"{where} says {name!r}, which is no OVN that a sandbox knows; take {' or '.join(ALL)}")
    return ALL[name]


def _kept() -> Path:
    return places.cache() / "programs"
