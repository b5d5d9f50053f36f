"""Containers keep their network, and get it back, whatever of Docker, the plugin or OVN ends without a word."""

import pytest

from demo.docker_site import DockerHost
from sandbox.errors import CommandError
from sandbox.wait import until
from tests.docker.lab import BLUE, Lab, create, endpoints, pings, refused

pytestmark = pytest.mark.xdist_group("dockers")

IMAGE = "busybox:sandbox"
LONG = pytest.mark.long


def running(host: DockerHost) -> list[str]:
    """The names of the machine's containers that run."""
    return sorted(host.run("ps", "--format", "{{.Names}}").split())


@pytest.fixture(params=[pytest.param(0, id="26.1"), pytest.param(1, id="20.10", marks=LONG)])
def host(lab: Lab, request: pytest.FixtureRequest) -> DockerHost:
    """The machine whose Docker is broken, of each version; the container `peer` is on the other one."""
    lab.network("blue", "--subnet", BLUE)
    lab.site.hosts[1 - request.param].start("peer", "blue", "--ip", "10.77.0.100")
    found: DockerHost = lab.site.hosts[request.param]
    return found


def peer(lab: Lab, host: DockerHost) -> DockerHost:
    """The other machine."""
    return lab.two if host == lab.one else lab.one


@LONG
def test_a_restart_of_dockerd_starts_containers_anew_where_docker_says_so(lab: Lab, host: DockerHost) -> None:
    """Endpoints go and come with other ids; addresses must neither be lost to them nor stay taken."""
    host.start("always", "blue", "--ip", "10.77.0.9", "--restart=always")
    host.start("once", "blue", "--ip", "10.77.0.10")

    host.docker.restart()

    until(lambda: running(host) == ["always"], "the container with --restart")
    lab.reaches(host, "always", "10.77.0.100")
    lab.reaches(peer(lab, host), "peer", "10.77.0.9")
    assert len(endpoints(host)) == 1
    assert peer(lab, host).start("other", "blue", "--ip", "10.77.0.10") == "10.77.0.10"


@pytest.mark.parametrize("how", [pytest.param("restart", marks=LONG), "kill"])
def test_live_restore_leaves_containers_their_network(lab: Lab, host: DockerHost, how: str) -> None:
    """Nothing joins again then: what the plugin knows of the container has to come from somewhere else than Docker."""
    host.docker.configure(live_restore=True)
    host.start("first", "blue", "--ip", "10.77.0.9")
    lab.reaches(host, "first", "10.77.0.100")

    if how == "restart":
        host.docker.stop()
    else:
        host.docker.kill()
    lab.reaches(peer(lab, host), "peer", "10.77.0.9")  # with no dockerd at all
    host.docker.start()

    lab.reaches(host, "first", "10.77.0.100")
    assert "10.77.0.9 is in use by" in refused(
        peer(lab, host), "run", "--rm", "--network=blue", "--ip=10.77.0.9", IMAGE
    )
    host.docker.configure(live_restore=False)
    host.run("rm", "--force", "first")
    assert endpoints(host) == []


@LONG
def test_dockerd_that_was_killed_gives_back_what_its_containers_had(lab: Lab, host: DockerHost) -> None:
    """Without live-restore the next dockerd ends the containers; Leave comes for endpoints of its predecessor."""
    host.start("first", "blue", "--ip", "10.77.0.9")

    host.docker.kill()
    host.docker.start()

    until(lambda: running(host) == [], "the container to be stopped")
    assert endpoints(host) == []
    assert peer(lab, host).start("other", "blue", "--ip", "10.77.0.9") == "10.77.0.9"


def test_a_plugin_that_was_killed_knows_all_when_it_is_back(lab: Lab, host: DockerHost) -> None:
    """What it knows is in the database: packets don't need it, and a new process has nothing else to learn from."""
    host.start("first", "blue", "--ip", "10.77.0.9")
    lab.reaches(host, "first", "10.77.0.100")

    host.plugin.stop()

    assert pings(host, "first", "10.77.0.100")
    host.start_plugin()
    second = host.start("second", "blue")
    assert second != "10.77.0.9"
    lab.reaches(host, "second", "10.77.0.9")
    host.run("rm", "--force", "first", "second")
    assert endpoints(host) == []


@LONG
def test_without_ovn_containers_go_on_and_new_ones_are_told_why_not(lab: Lab, host: DockerHost) -> None:
    """Docker shows its user the plugin's sentence; without one they would look for the fault in Docker."""
    host.start("first", "blue")
    lab.reaches(host, "first", "10.77.0.100")
    lab.site.ovn.stop_nb()

    said = refused(host, "run", "--rm", "--network=blue", IMAGE, "true")
    assert "the northbound database is not connected" in said
    assert pings(host, "first", "10.77.0.100")

    lab.site.ovn.start_nb()
    until(lambda: "northbound" not in attempt(host), "the plugin to be connected again")
    lab.reaches(host, "second", "10.77.0.100")


def attempt(host: DockerHost, *options: str) -> str:
    """Why the container `second` can't start; empty when it runs."""
    host.run("rm", "--force", "second")
    try:
        host.start("second", "blue", *options)
    except CommandError as error:
        return error.stderr
    return ""


@LONG
def test_a_machine_whose_power_was_cut_starts_with_clean_endpoints(lab: Lab, host: DockerHost) -> None:
    """Interfaces are gone, Open vSwitch and Docker have stored theirs: both must be ready for the same containers."""
    host.start("always", "blue", "--ip", "10.77.0.9", "--restart=always")
    host.start("once", "blue", "--ip", "10.77.0.10")

    host.host.kill()
    host.up(lab.site.southbound)

    until(lambda: running(host) == ["always"], "the container with --restart")
    lab.reaches(host, "always", "10.77.0.100")
    assert len(endpoints(host)) == 1
    host.run("rm", "--force", "always", "once")
    assert endpoints(host) == []


@LONG
def test_what_a_docker_that_lost_its_disk_left_behind_goes(lab: Lab, host: DockerHost) -> None:
    """Nobody will ever say Leave for these; what a Docker in use doesn't know twice in a row is nobody's."""
    host.start("first", "blue", "--ip", "10.77.0.9")
    lab.reaches(host, "first", "10.77.0.100")
    (container,) = host.run("ps", "--quiet", "--no-trunc").split()

    host.docker.kill()
    host.docker.run("ctr", "--namespace", "moby", "tasks", "kill", "--signal", "SIGKILL", container)
    host.docker.run("sh", "-c", "rm -rf /var/lib/docker/network /var/lib/docker/containers/*")
    host.docker.start()

    # A Docker that knows none of our networks may be another one; only with the first it is certain what is left over.
    create(host, "blue", "--subnet", BLUE)
    until(lambda: endpoints(host) == [], "the endpoint's port to go")
    until(lambda: attempt(host, "--ip", "10.77.0.9") == "", "the address to be free")
    lab.reaches(host, "second", "10.77.0.100")
