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


async def forget_rewritten(is_stale: Callable[[Flow], bool]) -> int:
    """The next packet of each stale flow whose destination was rewritten begins a new one; how many there were."""
    return await _forget(is_stale, lambda _: {"status": DST_NAT, "status_mask": DST_NAT})


async def forget_unwritten(address: str, port: int) -> int:
    """The same for flows that went to this very address before anybody rewrote it."""
    family = FAMILIES[6 if ":" in address else 4]

    def asked(each: int) -> dict[str, Any] | None:
        if each != family:
            return None
        return {"tuple_orig": NFCTAttrTuple(each, daddr=address, proto=socket.IPPROTO_UDP, dport=port)}

    return await _forget(lambda flow: flow.to == (address, port) and not flow.is_rewritten, asked)


async def _forget(is_stale: Callable[[Flow], bool], ask: Callable[[int], dict[str, Any] | None]) -> int:
    count = 0
    for family, number in FAMILIES.items():
        asked = ask(number)
        if asked is None:
            continue
        try:
            async with AsyncNFCTSocket(number) as kernel:
                found = [flow async for message in await kernel.dump(**asked) for flow in _read(family, message)]
                for flow in filter(is_stale, found):
                    count += await _delete(kernel, number, flow)
        except (NetlinkError, OSError) as problem:
            raise Unavailable(f"conntrack: {problem}") from problem
    return count


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
