"""A table of Services read as the kernel reads it: who may get a packet, said from the rules' text alone."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Literal

from ovnloom.host.nft import Table
from tests.service.reference import DROP, REJECT, Answer, Place

Source = Literal["pod", "host", "outside"]
FORM = re.compile(
    r"(?:numgen random mod (?P<share>\d+) == 0 )?"
    r"(?:(?P<kept>ip6? saddr @clients/\S+ )?update @clients/\S+ \{ ip6? saddr \} )?"
    r"meta l4proto (?P<protocol>\w+) dnat ip6? to (?:numgen random mod (?P<size>\d+) map \{ (?P<map>.+) \}|(?P<to>\S+))"
)
RANGES = re.compile(r"ip6? saddr != \{ (.+) \} drop")


class Walk:
    """What packets of one source meet in the table."""

    def __init__(self, table: Table, source: Source, client: str = "198.51.100.1") -> None:
        self._chains = {chain.name: [rule.text for rule in chain.rules] for chain in table.chains}
        self._maps = {
            each.name: dict(item.split(" : goto ") for item in each.elements) for each in table.sets if each.value
        }
        self._source = source
        self._client = client

    def at(self, place: Place) -> Answer | None:
        """What becomes of a packet; None where no Service has the address."""
        address, port, protocol = place
        family = ip_address(address).version
        if ip_address(address) == ip_address(0 if family == 4 else "::"):
            chain = self._maps[f"ports{family}"].get(f"{protocol.lower()} . {port}")
        else:
            chain = self._maps[f"addresses{family}"].get(f"{address} . {protocol.lower()} . {port}")
        return None if chain is None else self._chain(chain, protocol.lower())

    def _chain(self, name: str, protocol: str) -> Answer:
        found: set[str] = set()
        shares: list[int] = []
        for text in self._chains[name]:
            if (form := FORM.fullmatch(text)) is not None:
                assert form["protocol"] == protocol
                if form["kept"]:
                    continue
                if form["map"]:
                    items = [item.split(" : ") for item in form["map"].split(", ")]
                    assert [at for at, _ in items] == [str(at) for at in range(int(form["size"]))]
                    return frozenset(_with_port(to) for _, to in items)
                found.add(form["to"])
                shares.append(int(form["share"] or 1))
                continue
            verdict = self._verdict(text, protocol)
            if verdict is not None:
                return verdict
        # Each gets what is due to it of what is left; with affinity there is a second round for who isn't remembered.
        assert shares in (fair := [*range(len(found), 0, -1)], fair * 2)
        return frozenset(found)

    def _verdict(self, text: str, protocol: str) -> Answer | None:
        if text == "drop":
            return DROP
        if "reject" in text:
            return REJECT
        if (ranges := RANGES.fullmatch(text)) is not None:
            client = ip_address(self._client)
            return None if any(client in ip_network(each) for each in ranges[1].split(", ")) else DROP
        condition, _, target = text.rpartition("goto ")
        is_met = (
            not condition
            or (self._source == "pod" and "@here" in condition)
            or (self._source == "host" and condition == "fib saddr type local ")
        )
        return self._chain(target, protocol) if target in self._chains and is_met else None


def _with_port(text: str) -> str:
    address, port = text.split(" . ")
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
