"""ovnloom as a managed plugin: Docker itself runs it, from the image's files and packaging/docker/config.json."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.docker_site import DockerHost, DockerSite
from sandbox.docker_engine import DOCKER_26_1
from sandbox.images import others, own
from sandbox.report import Quiet
from tests.docker.conftest import HOME
from tests.docker.lab import pings
from tests.leftover import sandbox_name

pytestmark = [pytest.mark.xdist_group("dockers"), pytest.mark.long, pytest.mark.timeout(300)]

CONFIGURATION = Path(__file__).parents[2] / "packaging" / "docker" / "config.json"
NAME = "ovnloom:latest"
"""Of the driver: that of the plugin."""


@pytest.fixture
def site() -> Iterator[DockerSite]:
    """OVN, and room for one machine."""
    found = DockerSite(HOME / sandbox_name("managed"), (DOCKER_26_1,))
    try:
        found.fabric.up()
        found.ovn.up()
        yield found
    finally:
        found.down()


@pytest.fixture
def machine(site: DockerSite) -> DockerHost:
    """A machine with Docker that is a chassis of OVN, without the plugin."""
    (found,) = site.hosts
    found.host.up()
    found.switch.up()
    found.switch.join(site.southbound)
    found.docker.up()
    found.docker.load(others.busybox(lambda _: None))
    return found


def test_docker_runs_the_plugin_and_starts_it_before_containers_that_need_it(
    machine: DockerHost, tmp_path: Path
) -> None:
    """Without an init system's unit it is Docker that has to find the program, its sockets and its rights."""
    shutil.copy(CONFIGURATION, tmp_path)
    (tmp_path / "rootfs").mkdir()
    for layer in own.contents("ovnloom", Quiet()).layers:
        subprocess.run(["tar", "-xf", layer.path, "-C", tmp_path / "rootfs"], check=True)
    machine.run("plugin", "create", "ovnloom", str(tmp_path), seconds=200)
    machine.run("plugin", "set", "ovnloom", f"OVNLOOM_OVN_NB={machine.settings['OVNLOOM_OVN_NB']}")

    machine.run("plugin", "enable", "ovnloom")

    machine.run("network", "create", "--driver", NAME, "--ipam-driver", NAME, "--subnet", "10.77.0.0/24", "blue")
    machine.start("first", "blue", "--restart=always")
    second = machine.start("second", "blue", "--restart=always")
    assert pings(machine, "first", second)
    machine.docker.restart()
    assert pings(machine, "first", machine.address("second", "blue"))
    machine.run("rm", "--force", "first", "second")
    machine.run("network", "rm", "blue")
