"""Which running program a recorded pid means, so that a recycled pid is never taken for it."""

import os
import select
import signal
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@cache
def boot() -> str:
    """Start times count from the boot, so they mean something only together with its id."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def started(pid: int) -> int | None:
    """When the program started, in clock ticks since the boot; None when it is gone or a zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in brackets and may hold spaces and brackets itself: proc(5).
    state, *fields = stat[stat.rindex(")") + 2 :].split()
    return None if state in "ZX" else int(fields[18])


@dataclass(frozen=True)
class Identity:
    """One run of one program."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "Identity | None":
        """The identity of what runs under this pid now; None when nothing does."""
        ticks = started(pid)
        return None if ticks is None else cls(pid, ticks, boot())

    @classmethod
    def parse(cls, text: str) -> "Identity | None":
        """What `str` wrote; None for a file that was cut short by a crash."""
        match text.split():
            case [pid, ticks, boot_id] if pid.isdigit() and ticks.isdigit():
                return cls(int(pid), int(ticks), boot_id)
        return None

    def __str__(self) -> str:
        return f"{self.pid} {self.started} {self.boot}"

    @property
    def alive(self) -> bool:
        return self.boot == boot() and started(self.pid) == self.started

    def end(self, how: signal.Signals, patience: float) -> bool:
        """It has got the signal, and is gone within `patience` seconds: says whether it is gone.

        The pidfd is opened before the start time is compared, so the signal can't reach another program that got the
        pid in between.
        """
        try:
            pidfd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if not self.alive:
                return True
            signal.pidfd_send_signal(pidfd, how)
            gone, _, _ = select.select([pidfd], [], [], patience)
            return bool(gone)
        except ProcessLookupError:
            return True
        finally:
            os.close(pidfd)
