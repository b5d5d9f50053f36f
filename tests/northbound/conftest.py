"""The controller's side of a real northbound database."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from time import monotonic

import pytest

from ovnloom.intent import Intent, Owner
from ovnloom.northbound import text
from ovnloom.northbound.apply import write
from ovnloom.northbound.change import Touched
from ovnloom.northbound.connection import Connection
from ovnloom.northbound.edits import Plan
from ovnloom.northbound.mirror import Mirror
from ovnloom.northbound.plan import plan
from ovnloom.northbound.reply import Outcome
from ovnloom.northbound.wanted import Wanted

PATIENCE = 30
"""Seconds after which a test says that what it waits for doesn't happen."""


@dataclass
class Controller:
    """A connection with the mirror that follows it and what is wanted."""

    address: str
    timeout: float = 10
    mirror: Mirror = field(default_factory=Mirror)
    wanted: Wanted = field(default_factory=Wanted)

    def __post_init__(self) -> None:
        self._woken = threading.Event()
        self.connection = Connection(self.address, self._woken.set, timeout=self.timeout)

    def until(self, condition: Callable[[], object], what: str) -> Touched:
        """The condition holds, after as many changes as it takes; who was touched by them."""
        all_touched = Touched()
        end = monotonic() + PATIENCE
        while True:
            self._woken.clear()
            touched = self.mirror.apply(self.connection.drain())
            all_touched.owners |= touched.owners
            all_touched.elements |= touched.elements
            all_touched.was_reset |= touched.was_reset
            if condition():
                return all_touched
            if not self._woken.wait(end - monotonic()):
                pytest.fail(f"{PATIENCE} s and still not: {what}; the connection is {self.connection.state}")

    def start(self) -> "Controller":
        self.connection.start()
        self.until(lambda: self.connection.state in ("synced", "locked"), "synced")
        return self

    def lock(self) -> "Controller":
        self.connection.take_lock("ovnloom")
        self.until(lambda: self.connection.has_lock, "locked")
        return self

    def want(self, owner: Owner, intent: Intent) -> Outcome:
        """The owner wants this from now on, and it was tried to write it."""
        again = self.wanted.replace(owner, intent)
        return self.run({owner} | again)

    def run(self, owners: Iterable[Owner]) -> Outcome:
        outcome = write(plan(owners, self.wanted, self.mirror), self.connection)
        self.mirror.apply(self.connection.drain())
        for owner in outcome.written:
            self.wanted.settled(owner)
        return outcome

    def everything(self) -> Plan:
        return plan({*self.wanted.owners(), *self.mirror.owners()}, self.wanted, self.mirror)

    @property
    def is_as_wanted(self) -> bool:
        return self.everything().is_empty and text.rows(self.wanted) == text.mirror_rows(self.mirror)


@pytest.fixture
def controllers() -> Iterator[Callable[..., Controller]]:
    """Makes controllers, which are stopped after the test."""
    made: list[Controller] = []

    def make(address: str, timeout: float = 10) -> Controller:
        made.append(Controller(address, timeout))
        return made[-1].start()

    yield make
    for controller in made:
        controller.connection.stop()
