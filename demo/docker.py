"""Docker without Kubernetes: two machines, one network, shown by packets."""

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NoReturn

from rich.console import Console

from demo.docker_site import DRIVER, DockerHost, DockerSite
from demo.page import Page
from demo.tour.scene import Seen
from sandbox import SandboxError, places
from sandbox.docker import Docker
from sandbox.errors import CommandError, NotReadyError
from sandbox.host import recorded
from sandbox.images import others
from sandbox.report import Report
from sandbox.wait import until

PATIENCE = 15.0
"""In seconds: the first packets between two machines are lost while they ask for each other's addresses."""
BLUE, RED = "10.77.0.0/24", "10.79.0.0/24"
IMAGE = "busybox:sandbox"


def site() -> DockerSite:
    """The demo's machines, up or not."""
    return DockerSite(places.home().parent / "docker" / "demo")


@dataclass(frozen=True)
class DockerShow:
    """The demo on these machines."""

    site: DockerSite
    out: Console
    report: Report

    def run(self) -> None:
        """All was shown. Raises SandboxError when something isn't as it should be."""
        self._bring_up()
        page, wrong = Page(self.out), 0
        for title, words, scene in (
            ("One network on two machines", "Each dockerd is told once; OVN is what they share.", self._one_network),
            ("Addresses", "Neither dockerd knows the other's containers; none gets an address twice.", self._addresses),
            ("A second network", "Networks are kept apart until a container is connected to both.", self._second),
            ("What ends and comes back", "The plugin remembers nothing: all of it is in OVN.", self._faults),
        ):
            page.title(title, words)
            for seen in scene():
                mark = "[green]✓[/]" if seen.right else "[red]✗[/]"
                self.out.print(f"{mark} ", end="")
                self.out.print(f"{seen.what}: {seen.came or 'no answer'}", markup=False, soft_wrap=True)
                page.prose(f"    {seen.proves}", "dim")
                wrong += not seen.right
        self._go_on(page)
        if wrong:
            raise SandboxError(f"{wrong} of these are not as they should be")

    def _bring_up(self) -> None:
        with self.report.step("two machines with Docker 26.1 and 20.10, one OVN, ovnloom docker on both"):
            self.site.up(others.busybox(lambda _: None))
        for host in self.site.hosts:
            if found := host.run("ps", "--all", "--quiet").split():
                host.run("rm", "--force", *found)
            host.run("network", "prune", "--force")

    def _one_network(self) -> Iterator[Seen]:
        one, two = self.site.hosts
        words = ("network", "create", *DRIVER, "--subnet", BLUE, "blue")
        for host in (one, two):
            came = host.run(*words)[:12]
            yield Seen(
                f"{host.host.name}$ docker {shlex.join(words)}", came, "A logical switch in OVN is it.", bool(came)
            )
        web = one.start("web", "blue", "--ip", "10.77.0.9")
        client = two.start("client", "blue")
        yield self._pings(two, "client", web, f"client on docker-2 ({client}) to web on docker-1 ({web}), in a tunnel.")
        one.run("exec", "--detach", "web", "sh", "-c", "echo it is me, web >/index.html; httpd -p 80 -h /")
        said = self._answer(lambda: two.run("exec", "client", "wget", "-qO-", f"http://{web}"))
        yield Seen("client asks web by HTTP", said, "TCP with its full segments, checksums included.", "web" in said)
        one.start("neighbour", "blue")
        found = one.run("exec", "neighbour", "nslookup", "web").split()
        proves = "Docker's own DNS answers on the machine of the container."
        yield Seen("neighbour asks who web is", web if web in found else "", proves, web in found)

    def _addresses(self) -> Iterator[Seen]:
        _, two = self.site.hosts
        said = _refusal(two, "run", "--rm", "--network", "blue", "--ip", "10.77.0.9", IMAGE)
        proves = "It is web's, on the other machine; the sentence is the plugin's, shown by Docker."
        yield Seen("docker-2$ docker run --ip 10.77.0.9", said, proves, "in use by" in said)
        said = _refusal(two, "network", "create", *DRIVER, "--subnet", "10.77.0.128/25", "part")
        proves = "Two networks of one router can't share addresses."
        yield Seen("docker-2$ docker network create --subnet 10.77.0.128/25", said, proves, "overlap" in said)

    def _second(self) -> Iterator[Seen]:
        one, two = self.site.hosts
        for host in (one, two):
            host.run("network", "create", *DRIVER, "--subnet", RED, "red")
        alone = two.start("alone", "red")
        silent = not _pinged(one, "web", alone)
        yield Seen(
            f"web pings alone ({alone}) in red", "no answer, rightly" if silent else "an answer", "Apart.", silent
        )
        one.run("network", "connect", "red", "web")
        yield self._pings(one, "web", alone, "After `docker network connect red web`, while web runs.")

    def _faults(self) -> Iterator[Seen]:
        one, two = self.site.hosts
        one.plugin.stop()
        yield self._pings(two, "client", "10.77.0.9", "The plugin of docker-1 was killed; packets never needed it.")
        one.start_plugin()
        late = one.start("late", "blue")
        yield self._pings(two, "client", late, "A new plugin knows the network, and which addresses are free.")
        one.docker.configure(live_restore=True)
        one.docker.kill()
        yield self._pings(two, "client", "10.77.0.9", "dockerd of docker-1 was killed, with live-restore.")
        one.docker.start()
        up = one.run("ps", "--format", "{{.Names}}").split()
        yield Seen("docker-1$ docker ps", " ".join(sorted(up)), "A new dockerd found its containers.", "web" in up)
        ports = self.site.ovn.nbctl("--bare", "--columns=addresses", "find", "Logical_Switch_Port", 'type=""').split(
            "\n"
        )
        shown = sum(1 for line in ports if line.strip())
        containers = sum(len(host.run("ps", "--quiet").split()) for host in (one, two)) + 1  # web has two
        yield Seen(
            "ports in OVN", str(shown), "One for each interface of a container, and no other.", shown == containers
        )

    def _pings(self, host: DockerHost, container: str, address: str, proves: str) -> Seen:
        said = self._answer(lambda: "answered" if _pinged(host, container, address) else "")
        return Seen(f"{container} pings {address}", said, proves, bool(said))

    def _answer(self, ask: Callable[[], str]) -> str:
        def attempt() -> str:
            try:
                return ask()
            except CommandError:
                return ""

        try:
            return until(attempt, "an answer", PATIENCE)
        except NotReadyError:
            return ""

    def _go_on(self, page: Page) -> None:
        python = shlex.quote(os.path.relpath(sys.executable))
        database = shlex.quote(self.site.ovn.nb)
        page.title("Go on by hand", "Both machines stay up.")
        lines = (
            f"{python} -m demo on docker-1 docker network inspect blue",
            f"{python} -m demo on docker-2 docker run -ti --rm --network blue {IMAGE}",
            f"{python} -m demo on docker-1 ovs-vsctl show",
            f"ovn-nbctl --db={database} show",
            f"less {shlex.quote(str(self.site.hosts[0].plugin.log))}",
            "make demo-down   # removes all of it",
        )
        page.text("\n".join(lines))


def _pinged(host: DockerHost, container: str, address: str) -> bool:
    try:
        host.run("exec", container, "ping", "-c1", "-W1", address)
    except CommandError:
        return False
    return True


def _refusal(host: DockerHost, *words: str) -> str:
    try:
        host.run(*words)
    except CommandError as error:
        return error.stderr.strip().splitlines()[0]
    return ""


def on(name: str, command: list[str]) -> NoReturn:
    """This program becomes the command, on one of the demo's machines."""
    for each in recorded(site().fabric):
        if each.name == name and each.alive:
            words = each.entered(command)
            os.execvpe(words[0], words, {**os.environ, **Docker(each).environment})
    raise SandboxError(f"no machine {name!r} is up; `make demo-docker` has docker-1 and docker-2")
