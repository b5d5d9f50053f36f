"""When Subnets say how many of their addresses are in use: at once, and then at most once an interval each."""

from __future__ import annotations

import asyncio
from time import monotonic

from ovnloom.controller.report import Reporter
from ovnloom.pipeline import Pipeline


class UsageTimer:
    """Coalesces the changes of a Subnet's usage, so that a burst of Pods is a few writes of one status."""

    def __init__(self, pipeline: Pipeline, reporter: Reporter, wake: asyncio.Event, interval: float) -> None:
        """`interval` in seconds."""
        self._pipeline = pipeline
        self._reporter = reporter
        self._wake = wake
        self._interval = interval
        self._last: dict[str, float] = {}
        self._is_set = False

    def look(self) -> None:
        """Subnets whose usage changed have it said, or a time is set at which they will."""
        changed = self._pipeline.books.changed
        if not changed:
            return
        now = monotonic()
        later = now + self._interval
        for subnet in list(changed):
            due = self._last.get(subnet, -self._interval) + self._interval
            if due <= now:
                del changed[subnet]
                self._last[subnet] = now
                self._reporter.report_usage(subnet)
            else:
                later = min(later, due)
        if changed and not self._is_set:
            self._is_set = True
            asyncio.get_running_loop().call_later(later - now, self._ring)

    def _ring(self) -> None:
        self._is_set = False
        self._wake.set()
