"""What a crash leaves behind goes, and nothing else does: with a real dockerd, which is asked."""

from collections.abc import Iterator

import pytest

from demo.docker_site import DockerSite
from sandbox.docker_engine import DOCKER_26_1
from sandbox.images import others
from sandbox.wait import until
from tests.docker.conftest import HOME
from tests.docker.dialogue import Network, Plugin
from tests.docker.lab import create
from tests.leftover import sandbox_name

IMAGE = "busybox:sandbox"

pytestmark = pytest.mark.xdist_group("dockers")


@pytest.fixture
def site() -> Iterator[DockerSite]:
    """One machine whose plugin looks twice a second."""
    found = DockerSite(HOME / sandbox_name("sweep"), (DOCKER_26_1,), {"OVNLOOM_DOCKER_SWEEP": "0.5"})
    try:
        found.up(others.busybox(lambda _: None))
        yield found
    finally:
        found.down()


def test_what_docker_does_not_know_goes_and_what_it_knows_stays(site: DockerSite) -> None:
    """A dockerd that was killed may have forgotten a network, an endpoint and an address, each at another moment."""
    (host,) = site.hosts
    create(host, "blue", "--subnet", "10.77.0.0/24")
    kept = host.start("kept", "blue")
    plugin = Plugin(host.host, site.ovn.nb)
    lost = Network.create(plugin, "10.78.0.0/24")
    endpoint = lost.endpoint()
    endpoint.start("lost")
    lost.address("02:42:0a:4e:00:99")
    plugin.call("/IpamDriver.RequestPool", {"AddressSpace": "ovnloom-local", "Pool": ""})

    until(lambda: "10.78.0.0" not in records(site), "the network that Docker doesn't know to go")

    until(lambda: "10-200-0-0" not in records(site), "the pool that became no network to go")
    assert f"{endpoint.id[:12]}_h" not in host.host.run("ip", "-br", "link")
    assert "docker-10-77-0-0-24" in site.ovn.nbctl("ls-list")
    assert host.run("exec", "kept", "hostname", "-i") == kept
    assert kept in records(site)


def test_the_labels_of_a_container_become_those_of_its_endpoint(site: DockerSite) -> None:
    """Policies select by them; a network driver isn't told them, so they are asked for."""
    (host,) = site.hosts
    create(host, "blue", "--subnet", "10.77.0.0/24")
    opts = 'name=blue,"driver-opt=ovnloom.labels=tier=front"'

    host.run(
        "run",
        "--detach",
        "--name",
        "web",
        "--label",
        "app=web",
        "--label",
        "tier=back",
        "--network",
        opts,
        IMAGE,
        "sleep",
        "99",
    )

    until(lambda: '"app": "web"' in said(site), "the container's labels")
    assert '"tier": "front"' in said(site)  # what the endpoint was given itself wins


def said(site: DockerSite) -> str:
    """The records, with the quotes of JSON within JSON left alone."""
    return records(site).replace("\\", "")


def records(site: DockerSite) -> str:
    """All that the plugins have written down."""
    return site.ovn.nbctl("--bare", "--columns=external_ids", "list", "DHCP_Options")
