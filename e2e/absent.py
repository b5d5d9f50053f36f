"""What this machine's kernel lacks, so that no network could pass the specs that need it."""

import socket
from dataclasses import dataclass


@dataclass(frozen=True)
class Absent:
    """A feature, as specs are labelled, and how its absence was seen."""

    label: str
    reason: str
    proof: str


def absent() -> tuple[Absent, ...]:
    """Asked of the kernel now: a machine that has the feature runs its specs."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError as error:
        proof = f"socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP): {error.strerror}"
        return (Absent("Feature:SCTPConnectivity", "the kernel has no SCTP: servers in Pods can't even start", proof),)
    return ()
