"""Asking a server for its schema, before there is a connection that is built from it."""

from __future__ import annotations

import errno
import os
from typing import Any

import ovs.jsonrpc
import ovs.poller
import ovs.stream
import ovs.timeval

from ovnloom.errors import Unavailable

DATABASE = "OVN_Northbound"


def remotes_of(remotes: str) -> list[str]:
    """The single remotes of a comma list."""
    return [remote.strip() for remote in remotes.split(",") if remote.strip()]


def fetch_schema(remotes: str, seconds: float, database: str = DATABASE) -> dict[str, Any]:
    """The schema of the first remote that answers; Unavailable when none does in the time each is given."""
    failures = []
    for remote in remotes_of(remotes):
        try:
            return _fetch(remote, ovs.timeval.msec() + int(seconds * 1000), database)
        except Unavailable as unavailable:
            failures.append(str(unavailable))
    raise Unavailable("; ".join(failures) or "no northbound remote is configured; set OVNLOOM_OVN_NB")


def _fetch(remote: str, deadline: int, database: str) -> dict[str, Any]:
    left = max(deadline - ovs.timeval.msec(), 0)
    if not ovs.stream.Stream.is_valid_name(remote):
        raise Unavailable(f"{remote!r} is no remote; use unix:FILE, tcp:IP:PORT or ssl:IP:PORT")
    error, stream = ovs.stream.Stream.open_block(ovs.stream.Stream.open(remote), left)
    if error:
        raise Unavailable(f"{remote}: {os.strerror(error)}")
    rpc = ovs.jsonrpc.Connection(stream)
    try:
        request = ovs.jsonrpc.Message.create_request("get_schema", [database])
        error = rpc.send(request)
        while not error:
            error, reply = rpc.recv()
            if not error and reply.id == request.id:
                if isinstance(reply.result, dict):
                    return reply.result
                raise Unavailable(f"{remote}: it has no database {database}: {reply.error}")
            if error == errno.EAGAIN:
                error = _wait(rpc, deadline)
    finally:
        rpc.close()
    raise Unavailable(f"{remote}: {os.strerror(error) if error > 0 else 'connection closed'}")


def _wait(rpc: Any, deadline: int) -> int:
    """Zero when there is something to do for the connection, else the error that ends it."""
    rpc.run()
    if ovs.timeval.msec() >= deadline:
        return errno.ETIMEDOUT
    poller = ovs.poller.Poller()
    rpc.wait(poller)
    rpc.recv_wait(poller)
    poller.timer_wait_until(deadline)
    poller.block()
    return 0
