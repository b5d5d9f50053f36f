"""What the kernel remembers of UDP, which has no end that would make it forget."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pyroute2 import AsyncNFCTSocket
from pyroute2.netlink.exceptions import NetlinkError
from pyroute2.netlink.nfnetlink.nfctsocket import NFCTAttrTuple

from ovnloom.errors import Unavailable

DST_NAT = 0x20
"""IPS_DST_NAT of linux/netfilter/nf_conntrack_common.h."""
FAMILIES: Mapping[int, int] = {4: socket.AF_INET, 6: socket.AF_INET6}


class Flow(NamedTuple):
    """A client, to whom it sends, and who answers: somebody else where the destination was rewritten."""

    family: int
    source: tuple[str, int]
    to: tuple[str, int]
    by: tuple[str, int]

    @property
    def is_rewritten(self) -> bool:
        return self.to != self.by


class Asked(NamedTuple):
    """Flows to one port, of an address or of any."""

    family: int
    port: int
    address: str = ""


async def forget(is_stale: Callable[[Flow], bool], *asked: Asked) -> int:
    """The next packet of each stale flow begins a new one; how many there were.

    The kernel only tells of flows that are `asked` for; without that, of all whose destination was rewritten.
    """
    count = 0
    for family, number in FAMILIES.items():
        questions = [_question(number, each) for each in asked if each.family == family]
        if not asked:
            questions.append({"status": DST_NAT, "status_mask": DST_NAT})
        try:
            async with AsyncNFCTSocket(number) as kernel:
                for question in questions:
                    found = [flow async for message in await kernel.dump(**question) for flow in _read(family, message)]
                    for flow in filter(is_stale, found):
                        count += await _delete(kernel, number, flow)
        except (NetlinkError, OSError) as problem:
            raise Unavailable(f"conntrack: {problem}") from problem
    return count


def _question(family: int, asked: Asked) -> dict[str, Any]:
    address = {"daddr": asked.address} if asked.address else {}
    return {"tuple_orig": NFCTAttrTuple(family, proto=socket.IPPROTO_UDP, dport=asked.port, **address)}


async def _delete(kernel: AsyncNFCTSocket, family: int, flow: Flow) -> int:
    (source, sport), (to, dport) = flow.source, flow.to
    which = NFCTAttrTuple(family, saddr=source, daddr=to, proto=socket.IPPROTO_UDP, sport=sport, dport=dport)
    try:
        await kernel.entry("del", tuple_orig=which)
    except NetlinkError as problem:
        if problem.code != errno.ENOENT:
            raise
        return 0
    return 1


def _read(family: int, message: Any) -> Iterator[Flow]:
    there, back = message.get_attr("CTA_TUPLE_ORIG"), message.get_attr("CTA_TUPLE_REPLY")
    if there is None or back is None:
        return
    if there.get_attr("CTA_TUPLE_PROTO").get_attr("CTA_PROTO_NUM") != socket.IPPROTO_UDP:
        return
    yield Flow(family, _end(family, there, "SRC"), _end(family, there, "DST"), _end(family, back, "SRC"))


def _end(family: int, found: Any, side: str) -> tuple[str, int]:
    address = found.get_attr("CTA_TUPLE_IP").get_attr(f"CTA_IP_V{family}_{side}")
    return address, found.get_attr("CTA_TUPLE_PROTO").get_attr(f"CTA_PROTO_{side}_PORT")
