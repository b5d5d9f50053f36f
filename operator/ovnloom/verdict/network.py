"""A database's rows as a network that can be asked: may FROM reach TO?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ovnloom.api.subnet import Subnet
from ovnloom.intent import Member, Owner, Row
from ovnloom.northbound.wanted import Wanted
from ovnloom.ovn import names
from ovnloom.ovn.predicate import IPV4, IPV6, Packet, number
from ovnloom.verdict.balance import Balancers
from ovnloom.verdict.contents import Contents, mapping
from ovnloom.verdict.filter import Filter
from ovnloom.verdict.layout import Address, Layout, Port
from ovnloom.verdict.nat import Nat
from ovnloom.verdict.question import Family, Protocol, Question
from ovnloom.verdict.routing import Routing
from ovnloom.verdict.values import Verdict
from ovnloom.verdict.walk import Walk

_NO_SUBNETS: Mapping[str, Subnet] = {}


class Unknown(LookupError):
    """The question names a port that isn't there or an address that nothing can come from; the message says which."""


class Network:
    """Rows that can be asked. Nothing is computed before a question needs it, and then it is kept."""

    def __init__(self, contents: Contents, subnets: Mapping[str, Subnet] = _NO_SUBNETS) -> None:
        """`subnets` are by name, for what nodes do with a packet that leaves; without them nothing is said of it."""
        self.layout = Layout(contents)
        self.filter = Filter(contents, self.layout)
        self.balancers = Balancers(contents)
        self.routing = Routing(contents, self.layout, self.filter.sets)
        self.nat = Nat(contents)
        self.subnets = subnets
        self._nodes = {
            port: node
            for _, row in contents.table("Port_Group")
            if (node := mapping(row, "external_ids").get(names.KEY_NODE))
            for port in self.filter.groups[row.name]
        }

    @classmethod
    def of(cls, wanted: Wanted, subnets: Mapping[str, Subnet] = _NO_SUBNETS) -> Network:
        """What a pipeline wants (`pipeline.wanted`)."""
        return cls(Contents.of(wanted), subnets)

    @classmethod
    def of_rows(
        cls,
        rows: Iterable[Row],
        members: Iterable[Member] = (),
        owner: Owner | None = None,
        subnets: Mapping[str, Subnet] = _NO_SUBNETS,
    ) -> Network:
        """Any rows, all of one owner or nobody's."""
        return cls(Contents(((owner, row) for row in rows), members), subnets)

    def node(self, port: Port) -> str:
        """The node where the port is, as far as the rows say; empty when they don't."""
        if port.owner is not None and port.owner.kind == "Node":
            return port.owner.key.name
        return self._nodes.get(port.name, "")

    def may(self, source: str, target: str, protocol: Protocol = "tcp", port: int = 0, *, entry: str = "") -> bool:
        """Whether a new connection gets there, whichever way it takes. Raises Unknown."""
        return self.verdict(Question(source, target, protocol, port, entry=entry)).allowed

    def unread(self, verdict: Verdict) -> list[tuple[Row, str]]:
        """The ACLs on a verdict's way that OVN drops there as a whole, and why."""
        places = dict.fromkeys(step.place for branch in verdict.branches for step in branch.steps)
        return [found for place in places for found in self.filter.unread.get(place, ())]

    def verdict(self, question: Question) -> Verdict:
        """What becomes of the connection's first packet. Raises Unknown."""
        source, target = self._port(question.source), self._port(question.target)
        family = self._family(question, source, target)
        start, wanted = self._address(question.source, source, family), self._address(question.target, target, family)
        entry = source or self._entry(question, start)
        sport, dport = question.ports(family)
        packet = Packet(
            inport=entry.name,
            eth_type=IPV4 if family == 4 else IPV6,
            src=start[1],
            dst=wanted[1],
            proto=question.number(family),
            sport=sport,
            dport=dport,
            eth_src=entry.mac,
        )
        walk = Walk(self, family, entry, target)
        return Verdict(question, tuple(walk.start(packet)))

    def _port(self, text: str) -> Port | None:
        found = self.layout.ports.get(text)
        if found is None and not _is_address(text):
            raise Unknown(f"{text} is no port of these rows, and no address")
        return found

    @staticmethod
    def _family(question: Question, source: Port | None, target: Port | None) -> Family:
        ends: list[set[int]] = []
        for text, port in ((question.source, source), (question.target, target)):
            ends.append({one[0] for one in port.addresses} if port else {6 if ":" in text else 4})
        if question.family is not None:
            ends.append({question.family})
        common = set.intersection(*ends)
        if not common:
            raise Unknown(f"{question.source} and {question.target} have no address of one family")
        return 4 if 4 in common else 6

    @staticmethod
    def _address(text: str, port: Port | None, family: Family) -> Address:
        if port is None:
            return family, number(text)[0]
        found = port.address(family)
        assert found is not None  # the family is one that both have
        return found

    def _entry(self, question: Question, start: Address) -> Port:
        """Where a packet from outside comes in: as asked, at the port that has the address, or at any node's."""
        if question.entry:
            found = self.layout.ports.get(question.entry)
            if found is None:
                raise Unknown(f"{question.entry} is no port of these rows")
            return found
        known = self.layout.by_address.get(start)
        if known:
            return known[0]
        for port in self.layout.ports.values():
            if port.owner is not None and port.owner.kind == "Node":
                return port
        raise Unknown(f"{question.source} is outside, and there is no node by whose port its packets come in")


def _is_address(text: str) -> bool:
    try:
        number(text)
    except ValueError:
        return False
    return "." in text or ":" in text
