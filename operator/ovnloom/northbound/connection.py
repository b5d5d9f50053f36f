"""The connection to the northbound database: one thread that owns it, changes out, transactions in."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Collection
from time import monotonic
from typing import Any, Literal

import ovs.db.idl
import ovs.poller
import ovs.stream

from ovnloom import log as logs
from ovnloom import metrics
from ovnloom.errors import Unavailable
from ovnloom.northbound import stream_json
from ovnloom.northbound.change import Change
from ovnloom.northbound.replica import Replica, Transaction
from ovnloom.northbound.reply import Reply, read_reply
from ovnloom.northbound.schema_request import fetch_schema
from ovnloom.northbound.task import Task

log = logs.get("northbound")

State = Literal["connecting", "syncing", "synced", "locked"]
STATES: tuple[State, ...] = ("connecting", "syncing", "synced", "locked")
"""No server; rows are being received; the mirror follows; and we hold the lock, so that we may write."""
NOT_CONNECTED = "the northbound database is not connected"
RETRY = 1.0
"""Seconds between two attempts to get a schema."""


class Connection:
    """The northbound database as a stream of changes that takes transactions.

    Everything may be called from any thread. `wake` is called from the connection's thread whenever there are changes
    to drain or the state is another one; it must return at once.
    """

    def __init__(
        self,
        remotes: str,
        wake: Callable[[], None],
        *,
        timeout: float = 30,
        reported: Collection[tuple[str, str]] = (),
    ) -> None:
        """`remotes` is a comma list of `unix:`, `tcp:` and `ssl:`; `timeout` is in seconds, for one transaction.

        `reported` are columns, with their tables, of which changes are wanted although OVN writes them.
        """
        self._remotes = remotes
        self._wake_caller = wake
        self._timeout = timeout
        self._reported = reported
        self._guard = threading.Lock()
        self._received: list[Change] = []  # by the thread alone
        self._changes: list[Change] = []
        self._tasks: deque[Task] = deque()
        self._stopping = threading.Event()
        self._lock_name = ""
        self._state: State = "connecting"
        self._alarm, self._alarm_end = os.pipe()
        os.set_blocking(self._alarm, False)
        os.set_blocking(self._alarm_end, False)
        self._thread = threading.Thread(target=self._run, name="northbound", daemon=True)

    def start(self) -> None:
        """The connection is made and kept, whatever happens; its first change is a reset."""
        stream_json.install()
        self._thread.start()

    def stop(self) -> None:
        """The connection is closed, its lock free; waiting transactions are answered `unavailable`."""
        self._stopping.set()
        self._alert()
        if self._thread.is_alive():
            self._thread.join()
        for end in (self._alarm, self._alarm_end):
            os.close(end)

    @property
    def state(self) -> State:
        """What the connection can do now."""
        return self._state

    @property
    def has_lock(self) -> bool:
        """Whether this process may write; the server has the last word at each transaction."""
        return self._state == "locked"

    @property
    def has_changes(self) -> bool:
        """Whether `drain` would answer with anything."""
        return bool(self._changes)

    def drain(self) -> list[Change]:
        """The changes since the last call. A reset always comes together with the rows that follow it."""
        with self._guard:
            changes, self._changes = self._changes, []
        return changes

    def take_lock(self, name: str) -> None:
        """The lock becomes ours, whoever has it: a leader that is frozen would never give it back.

        Only who holds the Lease may call this. `has_lock` tells when the lock is ours; from now on every transaction
        fails that the server gets while it isn't. Who was robbed of it gets it back only by calling this again. After a
        reconnection it is asked for without force, so a leader that doesn't get it then calls this again, too.
        """
        self._lock_name = name
        self._submit(Task(lambda replica: replica.steal_lock(name)))

    def release_lock(self) -> None:
        """Somebody else may take the lock."""
        self._lock_name = ""
        self._submit(Task(lambda replica: replica.set_lock(None)))

    def commit(self, operations: list[dict[str, Any]]) -> Reply:
        """The server's answer to one transaction; waits for it, at most the timeout.

        Its changes can be drained when this returns. A transaction that got no answer in time is dropped with the
        connection, so that what it did or didn't is seen before anything else is written.
        """
        deadline = monotonic() + self._timeout
        replies: list[Reply] = []
        task = Task(lambda replica: replies.append(self._transact(replica, operations, deadline)))
        self._submit(task)
        if not task.wait(self._timeout) and task.cancel():
            return Reply("unavailable", f"the connection was busy for {self._timeout:g} s")
        task.wait(None)
        return replies[0] if replies else Reply("unavailable", NOT_CONNECTED)

    def _submit(self, task: Task) -> None:
        self._tasks.append(task)
        if self._stopping.is_set() or not self._thread.is_alive():
            self._drop_tasks()
        self._alert()

    def _alert(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):  # full: it will wake up anyway; closed: it has stopped
            os.write(self._alarm_end, b"x")

    # From here on in the thread.

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._live()
            except Unavailable as unavailable:
                log.warning("northbound database can't be reached", reason=str(unavailable))
            except Exception:  # a bug may have lost an update: start over with a new copy
                log.exception("northbound connection failed and starts over")
            else:
                continue
            finally:
                self._received.clear()
                self._set_state("connecting")
                self._drop_tasks()
            self._stopping.wait(RETRY)
        self._drop_tasks()

    def _live(self) -> None:
        """Serves one replica until the server has another schema."""
        schema = fetch_schema(self._remotes, self._timeout)
        replica = Replica(self._remotes, schema, self._received.append, self._reported)
        if self._lock_name:
            replica.set_lock(self._lock_name)
        checked = 1
        try:
            while not self._stopping.is_set():
                replica.run()
                self._publish(replica)
                if replica.is_synced and replica.restarts > checked:
                    checked = replica.restarts
                    if not replica.fits(fetch_schema(self._remotes, self._timeout)):
                        return
                self._work(replica)
                self._block(replica, None)
        finally:
            replica.close()

    def _block(self, replica: Replica, deadline: float | None) -> None:
        """Waits for the server, for somebody who wants something, or for the deadline."""
        poller = ovs.poller.Poller()
        replica.wait(poller)
        if deadline is not None:
            poller.timer_wait(max(int((deadline - monotonic()) * 1000), 1))
        elif self._tasks:
            poller.immediate_wake()
        poller.fd_wait(self._alarm, ovs.poller.POLLIN)
        poller.block()
        with contextlib.suppress(BlockingIOError):
            os.read(self._alarm, 4096)

    def _work(self, replica: Replica) -> None:
        while self._tasks:
            task = self._tasks.popleft()
            if task.begin():
                try:
                    task.act(replica)
                finally:
                    self._publish(replica)
                    task.finish()

    def _transact(self, replica: Replica, operations: list[dict[str, Any]], deadline: float) -> Reply:
        if not replica.is_synced:
            return Reply("unavailable", NOT_CONNECTED)
        transaction = Transaction(replica, operations)
        status = transaction.commit()
        while status == transaction.INCOMPLETE:
            replica.run()
            status = transaction.commit()
            if status != transaction.INCOMPLETE:
                break
            if monotonic() >= deadline or self._stopping.is_set():
                replica.forget(transaction)
                return Reply("unavailable", f"the northbound database didn't answer within {self._timeout:g} s")
            self._block(replica, deadline)
        if transaction.reply is not None:
            return read_reply(transaction.reply, transaction.asserted)
        if status == transaction.NOT_LOCKED:
            return Reply("unavailable", f"the lock {replica.lock_name!r} is somebody else's")
        if status in (transaction.SUCCESS, transaction.UNCHANGED):
            return Reply("ok")
        return Reply("unavailable", f"the connection was lost: {transaction.get_error()}")

    def _publish(self, replica: Replica) -> None:
        if not replica.is_connected:
            state: State = "connecting"
        elif not replica.is_synced:
            state = "syncing"
        else:
            state = "locked" if replica.lock_name and replica.has_lock else "synced"
        if self._received:
            with self._guard:
                self._changes.extend(self._received)
            self._received.clear()
            self._wake_caller()
        self._set_state(state)

    def _set_state(self, state: State) -> None:
        if state == self._state:
            return
        self._state = state
        log.info("northbound connection has another state", state=state)
        for each in STATES:
            metrics.idl_state.labels(each).set(each == state)
        self._wake_caller()

    def _drop_tasks(self) -> None:
        while self._tasks:
            with contextlib.suppress(IndexError):
                self._tasks.popleft().finish()


def use_certificates(private_key: str, certificate: str, authority: str) -> None:
    """`ssl:` remotes of this process are asked with this key and certificate, and must be signed by the authority.

    The arguments are names of files. ovs has one set of them for the whole process.
    """
    ovs.stream.Stream.ssl_set_private_key_file(private_key)
    ovs.stream.Stream.ssl_set_certificate_file(certificate)
    ovs.stream.Stream.ssl_set_ca_cert_file(authority)
