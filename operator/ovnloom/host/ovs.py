"""The host's Open vSwitch: one connection for the life of the process, edits that wait together go as one transaction.

A process like `ovs-vsctl` for each question costs milliseconds of CPU and, with hundreds of Pods at a time, the memory
of the host.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Any, Generic, NoReturn, TypeVar

import ovs.db.idl
import ovs.poller

from ovnloom import log
from ovnloom.errors import Unavailable
from ovnloom.host.ovs_rows import DATABASE, Replica, Rows, refused
from ovnloom.northbound.schema_request import fetch_schema

logger = log.get("ovs")

REMOTE = "unix:/run/openvswitch/db.sock"
RETRY = 0.5
"""Seconds between two attempts to connect."""
SCHEMA_SECONDS = 5.0
COMMIT_SECONDS = 30.0
LONG = 3600.0
AWAY_PAUSE = 1.0
"""Seconds between two looks at an Open vSwitch that is away."""
NOT_CONNECTED = "Open vSwitch is not connected; see whether ovsdb-server runs on this host"

Answer = TypeVar("Answer")


@dataclass(eq=False, slots=True)
class _Wish(Generic[Answer]):
    """One call from the event loop that the thread answers."""

    act: Callable[[Rows], Answer]
    future: asyncio.Future[Answer]
    loop: asyncio.AbstractEventLoop

    def answer(self, value: Answer) -> None:
        self._tell(self._answer, value)

    def fail(self, problem: BaseException) -> None:
        self._tell(self._fail, problem)

    def _tell(self, act: Callable[[Any], None], what: Any) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever asked
            self.loop.call_soon_threadsafe(act, what)

    def _answer(self, value: Answer) -> None:
        if not self.future.done():
            self.future.set_result(value)

    def _fail(self, problem: BaseException) -> None:
        if not self.future.done():
            self.future.set_exception(problem)


class OpenVSwitch:
    """The database of one Open vSwitch. Its coroutines may be called from any event loop."""

    def __init__(self, remote: str = REMOTE, changed: Callable[[], None] = lambda: None) -> None:
        """`changed` is called, from a thread, when the connection comes or goes."""
        self._remote = remote
        self._changed = changed
        self._edits: deque[_Wish[Any]] = deque()
        self._asked: deque[_Wish[Any]] = deque()
        """Questions that are new; the thread moves those that have no answer yet to `_questions`."""
        self._questions: list[_Wish[Any]] = []
        self._stopping = threading.Event()
        self._is_connected = False
        self._alarm, self._alarm_end = os.pipe()
        os.set_blocking(self._alarm, False)
        os.set_blocking(self._alarm_end, False)
        self._thread = threading.Thread(target=self._run, name="ovs", daemon=True)

    @property
    def is_connected(self) -> bool:
        """Whether all rows are known and edits can be made."""
        return self._is_connected

    def start(self) -> None:
        """The connection is made, and made again whenever it is lost."""
        self._thread.start()

    def stop(self) -> None:
        """The connection is closed; what waits is answered with Unavailable."""
        self._stopping.set()
        self._alert()
        if self._thread.is_alive():
            self._thread.join()
        for end in (self._alarm, self._alarm_end):
            os.close(end)

    async def edit(self, change: Callable[[Rows], Answer]) -> Answer:
        """The change is in the database; edits that wait at the same time share a transaction.

        `change` may be called more than once, so it only looks at rows and writes rows, in a thread of its own. Raises
        Unavailable, Refused, and what `change` raises; nothing of it is written then.
        """
        return await self._wish(self._edits, change)

    async def read(self, look: Callable[[Rows], Answer]) -> Answer:
        """What `look` finds, as of now. Raises Unavailable."""
        found = await self._wish(self._asked, lambda rows: (look(rows),))
        return found[0]

    async def until(self, ask: Callable[[Rows], Answer | None], seconds: float) -> Answer:
        """The first answer that isn't None: `ask` is called after each change. Raises TimeoutError, Unavailable."""
        async with asyncio.timeout(seconds):
            found = await self._wish(self._asked, ask)
        assert found is not None
        return found

    async def follow(self, look: Callable[[Rows], object], wake: Callable[[], None]) -> NoReturn:
        """`wake` is called now, after each change of what `look` finds, and when Open vSwitch is back."""
        while True:
            try:
                seen = await self.read(look)
                wake()
                await self.until(partial(_differs, look, seen), LONG)
            except TimeoutError:
                continue
            except Unavailable:
                await asyncio.sleep(AWAY_PAUSE)

    def _wish(self, queue: deque[_Wish[Any]], act: Callable[[Rows], Answer]) -> asyncio.Future[Answer]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        if self._stopping.is_set():
            future.set_exception(Unavailable(NOT_CONNECTED))
        queue.append(_Wish(act, future, loop))
        self._alert()
        return future

    def _alert(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):  # full: it will wake up anyway; closed: it has stopped
            os.write(self._alarm_end, b"x")

    # From here on in the thread.

    def _run(self) -> None:
        told = ""
        while not self._stopping.is_set():
            try:
                self._live()
            except Unavailable as problem:
                if str(problem) != told:
                    logger.warning("Open vSwitch can't be reached", reason=str(problem))
                told = str(problem)
            except Exception:  # a bug may have lost an update: start over with a new copy
                logger.exception("connection to Open vSwitch failed and starts over")
            else:
                told = ""
            finally:
                self._set_connected(False)
                self._drop()
            self._stopping.wait(RETRY)
        self._drop()

    def _live(self) -> None:
        """Serves one connection until it is lost."""
        replica = Replica(self._remote, fetch_schema(self._remote, SCHEMA_SECONDS, DATABASE))
        was_synced, seen = False, -1
        try:
            while not self._stopping.is_set():
                replica.run()
                if was_synced and not replica.is_synced:
                    raise Unavailable("the connection was lost")
                if replica.is_synced:
                    was_synced = True
                    self._set_connected(True)
                    while self._edits:
                        self._write(replica)
                    self._ask(replica, is_news=replica.change_seqno != seen)
                    seen = replica.change_seqno
                self._block(replica)
        finally:
            replica.close()

    def _block(self, replica: Replica, deadline: float | None = None) -> None:
        poller = ovs.poller.Poller()
        replica.wait(poller)
        if deadline is not None:
            poller.timer_wait(max(int((deadline - monotonic()) * 1000), 1))
        elif replica.is_synced and (self._edits or self._asked):
            poller.immediate_wake()
        poller.fd_wait(self._alarm, ovs.poller.POLLIN)
        poller.block()
        with contextlib.suppress(BlockingIOError):
            os.read(self._alarm, 4096)

    def _ask(self, replica: Replica, *, is_news: bool) -> None:
        due = [self._asked.popleft() for _ in range(len(self._asked))]
        if is_news:
            due += self._questions
            self._questions = []
        rows = Rows(replica)
        for wish in due:
            if wish.future.done():
                continue
            try:
                found = wish.act(rows)
            except Exception as problem:  # noqa: BLE001  # it is raised where the question was asked
                wish.fail(problem)
                continue
            if found is None:
                self._questions.append(wish)
            else:
                wish.answer(found)
        self._questions = [wish for wish in self._questions if not wish.future.done()]

    def _write(self, replica: Replica) -> None:
        batch = [wish for wish in (self._edits.popleft() for _ in range(len(self._edits))) if not wish.future.done()]
        if len(batch) > 1 and self._commit(replica, batch):
            return
        for wish in batch:
            self._commit(replica, [wish], is_last=True)

    def _commit(self, replica: Replica, batch: list[_Wish[Any]], *, is_last: bool = False) -> bool:
        """Whether all of the batch is written; when it is the last try, those that aren't are told."""
        deadline = monotonic() + COMMIT_SECONDS
        while True:
            transaction = ovs.db.idl.Transaction(replica)
            try:
                rows = Rows(replica, transaction)
                answers = [wish.act(rows) for wish in batch]
            except Exception as problem:  # noqa: BLE001  # it is raised where the edit was asked for
                transaction.abort()
                if is_last:
                    batch[0].fail(problem)
                return False
            status = self._finish(replica, transaction, deadline)
            if status in (transaction.SUCCESS, transaction.UNCHANGED):
                for wish, answer in zip(batch, answers, strict=True):
                    wish.answer(answer)
                return True
            if status != transaction.TRY_AGAIN or monotonic() > deadline or not replica.is_synced:
                if is_last:
                    is_lost = not replica.is_synced or status in (transaction.TRY_AGAIN, transaction.INCOMPLETE)
                    batch[0].fail(Unavailable(NOT_CONNECTED) if is_lost else refused(transaction.get_error()))
                return False

    def _finish(self, replica: Replica, transaction: Any, deadline: float) -> Any:
        status = transaction.commit()
        while status == transaction.INCOMPLETE:
            replica.run()
            status = transaction.commit()
            if status != transaction.INCOMPLETE:
                break
            if monotonic() > deadline or self._stopping.is_set():
                replica.force_reconnect()
                replica.run()
                break
            self._block(replica, deadline)
        return status

    def _set_connected(self, is_connected: bool) -> None:
        if is_connected != self._is_connected:
            self._is_connected = is_connected
            logger.info("Open vSwitch is connected" if is_connected else "Open vSwitch is not connected any more")
            self._changed()

    def _drop(self) -> None:
        """Whoever waits is told: he knows whether to ask again."""
        for queue in (self._edits, self._asked):
            while queue:
                queue.popleft().fail(Unavailable(NOT_CONNECTED))
        for wish in self._questions:
            wish.fail(Unavailable(NOT_CONNECTED))
        self._questions = []


def _differs(look: Callable[[Rows], object], seen: object, rows: Rows) -> bool | None:
    return True if look(rows) != seen else None
