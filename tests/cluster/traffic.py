"""A stream of UDP packets between two Pods, 1000 a second there and back, that counts what it loses."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from demo.tour.place import Pod
from tests.cluster.site import Site

ENDS = Path(__file__).with_name("udp_ends.py")


@dataclass
class Stream:
    """Filled when it has ended."""

    sent: int = 0
    lost: list[float] = field(default_factory=list)
    """When the lost ones were sent, in seconds since the first answer."""
    gap: float = 0.0
    """Seconds without an answer, at most."""

    def __str__(self) -> str:
        where = f" at {self.lost[0]} s to {self.lost[-1]} s" if self.lost else ""
        return f"{self.sent} sent, {len(self.lost)} lost{where}, {self.gap * 1000:.0f} ms without an answer at most"


@contextmanager
def stream(site: Site, near: Pod, far: Pod) -> Iterator[Stream]:
    """Packets flow inside the block; it begins with an answer, so tunnels and neighbours are known."""
    found = Stream()
    for pod in (near, far):
        _prefer(site, pod.node)
    with ExitStack() as stack:
        echo = stack.enter_context(_end(site, far, "echo"))
        ping = stack.enter_context(_end(site, near, "ping", far.address, _line(echo)))
        assert _line(ping) == "ready"
        yield found
        said, _ = ping.communicate("end\n", timeout=60)
        for name, value in json.loads(said).items():
            setattr(found, name, value)


def _prefer(site: Site, node: str) -> None:
    """Its Open vSwitch gets a CPU when it needs one: on a machine with much to do it would drop what it is late for."""
    identity = site.switch(site.sandbox.host(node)).switch.identity
    if identity is not None:
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, identity.pid, -10)


@contextmanager
def _end(site: Site, pod: Pod, *words: str) -> Iterator["subprocess.Popen[str]"]:
    pipe = subprocess.PIPE
    command = ("nsenter", f"--net={site.netns(pod)}", "--", sys.executable, str(ENDS), *words)
    with site.sandbox.host(pod.node).popen(*command, stdin=pipe, stdout=pipe) as running:
        try:
            yield running
        finally:
            running.kill()


def _line(running: "subprocess.Popen[str]") -> str:
    assert running.stdout is not None
    return running.stdout.readline().strip()
