"""What a running program has used so far, by the kernel's account."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
KIB = 1024
MIB = 1024 * KIB


@dataclass(frozen=True, slots=True)
class Used:
    """CPU in seconds since the start (user and system), resident memory now and at most, in bytes."""

    cpu: float
    rss: int
    peak: int


def used(pid: int) -> Used:
    """What the program under this pid used; zeros when it is gone (proc(5), /proc/PID/stat and /proc/PID/status)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return Used(0.0, 0, 0)
    fields = stat[stat.rindex(")") + 2 :].split()
    sizes = {
        name: int(rest.split()[0])
        for name, _, rest in (line.partition(":") for line in status.splitlines())
        if name in ("VmRSS", "VmHWM")
    }
    return Used((int(fields[11]) + int(fields[12])) / TICKS, sizes.get("VmRSS", 0) * KIB, sizes.get("VmHWM", 0) * KIB)


def machine() -> float:
    """CPU seconds that all programs of this machine used since it started (proc(5), /proc/stat)."""
    total, *rest = (int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9])
    idle, waiting, steal = rest[2], rest[3], rest[6]
    return (total + sum(rest) - idle - waiting - steal) / TICKS


def own() -> float:
    """CPU seconds of this program."""
    times = os.times()
    return times.user + times.system
