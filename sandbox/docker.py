"""A real dockerd on a host, with a containerd of its own: volumes, plugins and networks are the host's."""

import json
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import client, debian
from sandbox.docker_engine import ENGINE, Engine
from sandbox.errors import CommandError
from sandbox.host import Host
from sandbox.images.archive import Contents, saved
from sandbox.inside import Inside
from sandbox.report import Quiet
from sandbox.wait import until, until_ready

SOCKET = "/run/docker.sock"
CONFIGURATION = "/etc/docker/daemon.json"
# Drops what a machine without CAP_SYS_RESOURCE can't do.
RUNTIME = Path(__file__).with_name("docker-runc")


@dataclass(frozen=True)
class Docker:
    """dockerd of a host that is up. What it stores is on the host's disk: it outlives the daemon, and `Host.kill`."""

    host: Host
    engine: Engine = ENGINE
    # More of daemon.json, from the first `up` on.
    options: Mapping[str, object] = field(default_factory=dict)

    def up(self) -> None:
        """dockerd answers; plugins are what is in /run/docker/plugins of the host."""
        debian.fetch(self.engine, Quiet())
        self.configure()
        self._containerd.start()
        until_ready(self._containerd, lambda: self._succeeds("ctr", "version"))
        self.start()

    def start(self) -> None:
        """dockerd answers, with the networks and containers that it had; one that ran before stays."""
        if self.daemon.alive:
            return
        self.daemon.start()
        until_ready(self.daemon, lambda: self._succeeds("docker", "info"), 120)

    def down(self) -> None:
        """No container runs, and neither do dockerd and containerd. What was stored goes away with the host."""
        if self.daemon.alive and (found := self.run("docker", "ps", "--quiet").split()):
            self.run("docker", "kill", *found)
        self.stop()
        self._containerd.stop()

    def stop(self) -> None:
        """dockerd has ended as on a shutdown: containers are stopped, with live-restore they go on."""
        self.daemon.stop(signal.SIGTERM, 60)

    def kill(self) -> None:
        """dockerd is gone at once, and cleaned nothing up; containers go on."""
        self.daemon.stop()

    def restart(self, *, live_restore: bool = False) -> None:
        """Another dockerd answers; containers ran on only with live-restore."""
        self.configure(live_restore=live_restore)
        self.stop()
        self.start()

    def configure(self, *, live_restore: bool = False) -> None:
        """Whether containers go on when dockerd ends, from now on."""
        said = {**self.engine.options(RUNTIME), **self.options, "live-restore": live_restore}
        self.host.path(CONFIGURATION).write_text(json.dumps(said, indent=1))
        if self.daemon.alive:
            self.daemon.send(signal.SIGHUP)
            until(lambda: self._restores() == live_restore, "dockerd to read daemon.json")

    def run(self, *command: str | Path, stdin: str | None = None, seconds: float = 60.0) -> str:
        """What the command prints that runs in the host: `docker`, which finds this dockerd, or another."""
        return client.output(*self.host.entered(command), environment=self.environment, stdin=stdin, seconds=seconds)

    def popen(self, *command: str | Path, **options: object) -> "subprocess.Popen[str]":
        """The command runs in the host, and goes on while this program does other things."""
        return self.host.popen(*command, environment=self.environment, **options)

    def load(self, image: Contents) -> None:
        """There is this image, by its name; it is loaded only where it isn't there yet."""
        if not self.run("docker", "images", "--quiet", image.name).strip():
            with tempfile.TemporaryDirectory(prefix="ovnloom-docker-") as directory:
                archive = Path(directory) / "image.tar"
                saved(image, archive)
                self.run("docker", "load", "--input", archive, seconds=300)

    def inspect(self, container: str) -> dict[str, object]:
        """What `docker inspect` says of it."""
        found: list[dict[str, object]] = json.loads(self.run("docker", "inspect", container))
        return found[0]

    @property
    def environment(self) -> dict[str, str]:
        """For programs that run in the host and talk to this dockerd."""
        inherited = self.host.environment
        return {
            **inherited,
            "PATH": f"{self.engine.bin}:{inherited['PATH']}",
            "DOCKER_HOST": f"unix://{SOCKET}",
            "DOCKER_CONFIG": "/etc/docker/client",
        }

    @property
    def daemon(self) -> Inside:
        """dockerd, to be signalled; its log is logs/dockerd.log of the host's directory."""
        words = (f"--config-file={CONFIGURATION}", f"--host=unix://{SOCKET}")
        environment = {**self.environment, **self.engine.libraries()}
        return self.host.server("dockerd", self.engine.bin / "dockerd", *words, environment=environment)

    @property
    def _containerd(self) -> Inside:
        return self.host.server("containerd", "containerd")

    def _restores(self) -> bool:
        return self.run("docker", "info", "--format", "{{.LiveRestoreEnabled}}").strip() == "true"

    def _succeeds(self, *command: str) -> bool:
        try:
            self.run(*command)
        except CommandError:
            return False
        return True
