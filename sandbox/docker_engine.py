"""Which Docker a sandbox runs: Debian's, unpacked beside the machine's own system."""

from dataclasses import dataclass
from pathlib import Path

from sandbox.release import Release


@dataclass(frozen=True)
class Engine(Release):
    """A dockerd with its command line. containerd and runc are the machine's: a runtime executes itself by its path."""

    what: str = "docker"

    def libraries(self) -> dict[str, str]:
        """The environment in which it finds the libraries that came with it."""
        found = sorted({str(path.parent) for path in self.root.glob("**/*.so.*")})
        return {"LD_LIBRARY_PATH": ":".join(found)} if found else {}

    def options(self, runtime: Path) -> dict[str, object]:
        """For daemon.json. Addresses of Docker's own bridges are none that a fabric has."""
        return {
            "containerd": "/run/containerd/containerd.sock",
            "runtimes": {"sandbox": {"path": str(runtime)}},
            "default-runtime": "sandbox",
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "storage-driver": "overlay2",
            "iptables": False,
            "ip6tables": False,
            "bip": "172.17.0.1/24",
            "default-address-pools": [{"base": "10.201.0.0/16", "size": 24}],
        }


# The packages of Debian 13 run with the C library of Debian 12.
DOCKER_26_1 = Engine("26.1", "trixie", ("docker.io", "docker-cli", "tini"))
DOCKER_20_10 = Engine("20.10", "bookworm", ("docker.io", "tini", "libdevmapper1.02.1"))
ENGINE = DOCKER_26_1
ALL = {engine.name: engine for engine in (DOCKER_26_1, DOCKER_20_10)}
