"""dockerd on a host is a real one: containers, restarts and faults are those of any machine, and nothing is left."""

from pathlib import Path

import pytest

from sandbox import Fabric, Host
from sandbox.docker import Docker
from sandbox.docker_engine import ALL
from sandbox.images import others

IMAGE = "busybox:sandbox"


@pytest.fixture(params=sorted(ALL))
def docker(request: pytest.FixtureRequest, fabric: Fabric) -> Docker:
    """A dockerd with busybox, of each version that there is."""
    host = Host(fabric, 1, "docker-1")
    host.up()
    found = Docker(host, ALL[request.param])
    found.up()
    found.load(others.busybox(lambda _: None))
    return found


def running(docker: Docker) -> list[str]:
    """The names of its containers that run."""
    return docker.run("docker", "ps", "--format", "{{.Names}}").split()


def test_containers_live_as_docker_says_and_leave_no_trace(docker: Docker) -> None:
    """What is tested with a dockerd that behaves differently from everybody's proves nothing."""
    version = docker.run("docker", "version", "--format", "{{.Server.Version}}")
    assert version.startswith(docker.engine.name)
    docker.run("docker", "run", "--detach", "--name=web", "--init", IMAGE, "httpd", "-f", "-p", "80")
    address = docker.run("docker", "inspect", "--format={{.NetworkSettings.IPAddress}}", "web").strip()
    ask = "until wget -O- $0 2>&1 | grep -q 404; do usleep 10000; done"
    docker.run("docker", "run", "--rm", IMAGE, "sh", "-c", ask, address)
    assert docker.run("docker", "exec", "web", "hostname").strip() != docker.host.name
    (container,) = docker.run("docker", "ps", "--quiet", "--no-trunc").split()
    groups = [path for path in Path("/sys/fs/cgroup").glob("**/docker/*") if path.name == container]
    assert groups

    docker.restart(live_restore=True)
    assert running(docker) == ["web"]
    docker.kill()
    docker.start()
    assert running(docker) == ["web"]
    docker.restart(live_restore=False)
    assert running(docker) == []
    docker.run("docker", "start", "web")
    docker.host.kill()

    assert [path for path in groups if path.exists()] == []
    assert [path.parent for path in groups if path.parent.exists() and not any(path.parent.glob("*/"))] == []


def test_two_hosts_have_a_docker_each(fabric: Fabric) -> None:
    """A network between two Docker hosts is only tested when they share nothing but the fabric."""
    both = [Docker(Host(fabric, number, f"docker-{number}")) for number in (1, 2)]
    for each in both:
        each.host.up()
        each.up()
        each.run("docker", "network", "create", "same")
        each.run("mkdir", "-p", "/run/docker/plugins")
    ids = {each.run("docker", "network", "inspect", "--format={{.Id}}", "same") for each in both}
    assert len(ids) == 2
    both[0].run("touch", "/run/docker/plugins/mark")
    assert both[1].run("ls", "/run/docker/plugins") == ""

    both[0].down()

    left = both[0].host.run("ps", "-e", "-o", "comm=")
    assert "dockerd" not in left
    assert "containerd" not in left
    assert both[1].run("docker", "info", "--format={{.Name}}").strip() == "docker-2"
