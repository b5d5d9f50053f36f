"""The host's ovn-controller, asked through its control socket."""

from __future__ import annotations

from pathlib import Path

import ovs.unixctl.client

from ovnloom.errors import Unavailable

RUN = "/run/ovn"
CONNECTED = "connected"


def connection(run: str = RUN) -> str:
    """`connected` while it follows the southbound database, else its word for what it does. Raises Unavailable.

    Blocks for milliseconds; called in a thread.
    """
    pid_file = Path(run, "ovn-controller.pid")
    try:
        where = Path(run, f"ovn-controller.{int(pid_file.read_text())}.ctl")
    except (OSError, ValueError) as problem:
        raise Unavailable(f"ovn-controller doesn't run on this host: {pid_file} can't be read: {problem}") from problem
    error, client = ovs.unixctl.client.UnixctlClient.create(str(where))
    if error:
        raise Unavailable(f"ovn-controller doesn't answer on {where}: it has ended, or is starting")
    try:
        error, failure, answer = client.transact("connection-status", [])
    finally:
        client.close()
    if error or failure:
        raise Unavailable(f"ovn-controller doesn't say whether it is connected: {failure or error}")
    return str(answer).strip()
