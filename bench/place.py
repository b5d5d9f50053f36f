"""Where the benchmark runs: one sandbox for the controller, a second one for the floor, both its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.account import Used, used
from sandbox import Sandbox
from sandbox.report import Report
from sandbox.server import Server

CRDS = Path(__file__).parent.parent / "crds"
RESULTS = Path(__file__).parent / "results"
COMMAND = (sys.executable, "-m", "ovnloom", "controller")
NORTHD = ("idle", "normal", "stopped")


class Busy(Exception):
    """Another benchmark runs on this machine; figures of both would mean nothing."""


@dataclass(frozen=True)
class Place:
    """Both clusters, up and with the CRDs."""

    real: Sandbox
    floor: Sandbox
    options: Mapping[str, str]
    """Further environment of the controller."""

    @property
    def controller(self) -> Server:
        """The controller as a program of its own; it goes with the sandbox."""
        environment = {
            "OVNLOOM_OVN_NB": self.real.nb,
            "OVNLOOM_KUBECONFIG": str(self.real.kubeconfig),
            "OVNLOOM_LISTEN": "127.0.0.1:0",
            **self.options,
        }
        return Server("ovnloom", COMMAND, self.real.directory, environment)

    @property
    def servers(self) -> tuple[Server, ...]:
        """All that works for a Pod of the controller."""
        return (self.controller, *self.real.servers)

    def used(self) -> Mapping[str, Used]:
        """What each of them used so far, and those of the floor as `floor NAME`."""
        found = {server.name: server.identity for server in self.servers}
        if self.floor.exists:
            found |= {f"floor {server.name}": server.identity for server in self.floor.servers}
        return {name: used(identity.pid) for name, identity in found.items() if identity}

    def stop_controller(self) -> None:
        """It went in order: its Lease is free."""
        self.controller.stop(signal.SIGTERM)


@contextlib.contextmanager
def place(
    nodes: int,
    options: Mapping[str, str],
    report: Report,
    name: str = "bench",
    northd: str = "idle",
    *,
    with_floor: bool = True,
) -> Iterator[Place]:
    """Both sandboxes are up while the context lasts, and gone after it, whatever happens. Raises Busy.

    Without the floor there is one, for what is not compared with it.

    With `northd` "idle" what comes after the northbound database (ovn-northd, the southbound database) works in the
    time that the others leave over, as if it had a machine of its own: older ones compute all flows anew after
    each transaction, and would be all that is measured from some thousand ports on. With "stopped" it doesn't run,
    which tells what it costs the others even so; with "normal" it competes with them.
    """
    with _alone(name):
        found = Place(Sandbox(name), Sandbox(f"{name}-floor"), options)
        try:
            for sandbox in (found.real, found.floor) if with_floor else (found.real,):
                sandbox.down()  # of a run that was killed
                sandbox.up(nodes=nodes, report=report)
                sandbox.kubectl("apply", "--server-side", "-f", str(CRDS))
                _hold_back(sandbox, northd)
                sandbox.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
            yield found
        finally:
            found.real.down()
            found.floor.down()


def _hold_back(sandbox: Sandbox, northd: str) -> None:
    for server in sandbox.ovn.servers:
        if not server.identity or server.name == "ovsdb-nb":
            continue
        if northd == "idle":
            os.sched_setscheduler(server.identity.pid, os.SCHED_IDLE, os.sched_param(0))
        elif northd == "stopped" and server.name == "ovn-northd":
            server.send(signal.SIGSTOP)


@contextlib.contextmanager
def _alone(name: str) -> Iterator[None]:
    RESULTS.mkdir(parents=True, exist_ok=True)
    with (RESULTS / f".lock-{name}").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("another benchmark runs; wait for it, or choose another --name") from None
        yield
