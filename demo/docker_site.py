"""Two machines with Docker on one OVN: each has a dockerd, and beside it `ovnloom docker`."""

import json
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from demo.controller import OVNLOOM
from sandbox import Fabric, Host, OpenVswitch, Ovn
from sandbox.docker import Docker
from sandbox.docker_engine import DOCKER_20_10, DOCKER_26_1, Engine
from sandbox.errors import CommandError
from sandbox.host import recorded, remove
from sandbox.images.archive import Contents
from sandbox.inside import Inside
from sandbox.wait import until_ready

SOCKET = "/run/docker/plugins/ovnloom.sock"
DRIVER = ("--driver", "ovnloom", "--ipam-driver", "ovnloom")


@dataclass(frozen=True)
class DockerHost:
    """A machine with dockerd and the plugin; `settings` are of the plugin's environment."""

    host: Host
    engine: Engine
    settings: Mapping[str, str]

    @property
    def docker(self) -> Docker:
        return Docker(self.host, self.engine)

    @property
    def switch(self) -> OpenVswitch:
        return OpenVswitch(self.host)

    @property
    def plugin(self) -> Inside:
        """`ovnloom docker`; its log is logs/ovnloom-docker.log of the host's directory."""
        return self.host.server("ovnloom-docker", OVNLOOM, "docker", environment=self.settings)

    def up(self, southbound: str) -> None:
        """Docker answers, and the networks of its driver `ovnloom` are OVN's."""
        self.host.up()
        self.switch.up()
        self.switch.join(southbound)
        self.start_plugin()
        self.docker.up()

    def start_plugin(self) -> None:
        """The plugin answers; one that ran before stays."""
        if self.plugin.alive:
            return
        self.host.path("/run/docker/plugins").mkdir(parents=True, exist_ok=True)
        self.plugin.start()
        until_ready(self.plugin, self._answers)

    def run(self, *words: str, seconds: float = 60.0) -> str:
        """What `docker` prints."""
        return self.docker.run("docker", *words, seconds=seconds).strip()

    def start(self, name: str, network: str, *options: str, image: str = "busybox:sandbox") -> str:
        """A container of this name runs until it is stopped; the answer is its first address in the network."""
        words = ("--detach", "--init", "--stop-timeout=0", "--name", name, "--network", network)
        self.run("run", *words, *options, image, "sleep", "infinity")
        return self.address(name, network)

    def address(self, name: str, network: str, field: str = "IPAddress") -> str:
        """What Docker says of a container in a network."""
        found = json.loads(self.run("inspect", "--format={{json .NetworkSettings.Networks}}", name))
        return str(found[network][field])

    def _answers(self) -> bool:
        words = ("--silent", "--fail", "--unix-socket", SOCKET, "--request", "POST", "http://plugin/Plugin.Activate")
        try:
            return "IpamDriver" in self.host.run("curl", *words)
        except CommandError:
            return False


@dataclass(frozen=True)
class DockerSite:
    """The machines and the OVN of one directory, which is gone after `down`."""

    directory: Path
    engines: tuple[Engine, ...] = (DOCKER_26_1, DOCKER_20_10)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def fabric(self) -> Fabric:
        return Fabric(self.directory / "fabric")

    @property
    def ovn(self) -> Ovn:
        return Ovn(self.directory / "ovn")

    @cached_property
    def hosts(self) -> tuple[DockerHost, ...]:
        """docker-1, docker-2, …, each with its version of Docker."""
        said = {"OVNLOOM_OVN_NB": self._databases[0], "OVNLOOM_LOG_FORM": "text", **self.settings}
        return tuple(
            DockerHost(Host(self.fabric, number, f"docker-{number}"), engine, said)
            for number, engine in enumerate(self.engines, 1)
        )

    def up(self, *images: Contents) -> None:
        """All machines are up and have these images."""
        self.fabric.up()
        self.ovn.up()

        def bring_up(each: DockerHost) -> None:
            each.up(self.southbound)
            for image in images:
                each.docker.load(image)

        with ThreadPoolExecutor() as together:
            list(together.map(bring_up, self.hosts))

    def down(self) -> None:
        """No server, no container and no file is left."""
        for host in recorded(self.fabric):
            host.kill()
        self.ovn.down()
        remove(self.fabric)
        shutil.rmtree(self.directory, ignore_errors=True)

    @property
    def southbound(self) -> str:
        """Where ovn-controllers find their database."""
        return self._databases[1]

    @cached_property
    def _databases(self) -> tuple[str, str]:
        """Where the hosts reach them."""
        address = self.fabric.addresses[0]
        return self.ovn.nb_tcp(address), self.ovn.sb_tcp(address)
