"""What tests do with two machines that have Docker, and how they see that nothing of it is left."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from demo.docker_site import DRIVER, DockerHost, DockerSite
from sandbox.errors import CommandError
from sandbox.wait import until

BLUE = "10.77.0.0/24"


@dataclass(frozen=True)
class Lab:
    """The machines, one with Docker 26, two with Docker 20."""

    site: DockerSite

    @property
    def one(self) -> DockerHost:
        return self.site.hosts[0]

    @property
    def two(self) -> DockerHost:
        return self.site.hosts[1]

    def network(self, name: str, *options: str) -> None:
        """The network is made on both machines, as without Swarm each has to be told."""
        for host in self.site.hosts:
            create(host, name, *options)

    def reaches(self, host: DockerHost, container: str, address: str) -> None:
        """The container's ping of the address is answered. The first packets may be lost while MACs are asked for."""
        until(lambda: pings(host, container, address), f"{container} to reach {address}", 15)

    def is_silent(self, host: DockerHost, container: str, address: str) -> bool:
        """Whether none of a few pings is answered: the first may be lost in a network that works."""
        return not any(pings(host, container, address) for _ in range(3))

    def mend(self) -> None:
        """Every server runs, whatever a test did to it."""
        if not all(server.alive for server in self.site.ovn.servers):
            self.site.ovn.up()
        for host in self.site.hosts:
            host.start_plugin()
            host.docker.start()

    def clear(self) -> None:
        """No container and no network of ours is left, as Docker sees it."""
        with ThreadPoolExecutor() as both:
            list(both.map(clear, self.site.hosts))

    def traces(self) -> list[str]:
        """What the plugins left in OVN and on the machines."""
        switches = self.site.ovn.nbctl("--bare", "--columns=name", "list", "Logical_Switch").split()
        routers = self.site.ovn.nbctl("--bare", "--columns=name", "list", "Logical_Router").split()
        ports = [port for host in self.site.hosts for port in endpoints(host)]
        links = [line for host in self.site.hosts for line in host.host.run("ip", "-br", "link").splitlines()]
        return [*switches, *routers, *ports, *(line.split("@")[0] for line in links if "_h@" in line or "_c@" in line)]


def clear(host: DockerHost) -> None:
    """No container and no network is left on one machine."""
    if found := host.run("ps", "--all", "--quiet").split():
        host.run("rm", "--force", *found)
    host.run("network", "prune", "--force")


def create(host: DockerHost, name: str, *options: str) -> str:
    """A network of ovnloom's on one machine; its id."""
    return host.run("network", "create", *DRIVER, *options, name)


def pings(host: DockerHost, container: str, address: str) -> bool:
    """Whether one ping is answered."""
    try:
        host.run("exec", container, "ping", "-c1", "-W1", address)
    except CommandError:
        return False
    return True


def refused(host: DockerHost, *words: str) -> str:
    """What `docker` says when it fails. It has to."""
    try:
        printed = host.run(*words)
    except CommandError as error:
        return error.stderr.strip()
    raise AssertionError(f"docker {' '.join(words)} succeeded: {printed}")


def refused_network(host: DockerHost, *options: str) -> str:
    """Why a network can't be made. It mustn't be."""
    return refused(host, "network", "create", *DRIVER, *options, "wrong")


def endpoints(host: DockerHost) -> list[str]:
    """The ports of containers on the machine's br-int."""
    return [port for port in host.switch.vsctl("list-ports", "br-int").split() if port.endswith("_h")]


def routes(host: DockerHost, container: str) -> str:
    """The container's routes of IPv4."""
    return host.run("exec", container, "ip", "route")
