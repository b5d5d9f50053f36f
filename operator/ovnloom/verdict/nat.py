"""Address translation at routers that have a gateway."""

from __future__ import annotations

from typing import NamedTuple

from ovnloom.intent import Owner, Row
from ovnloom.verdict.contents import Contents
from ovnloom.verdict.layout import Address, Net, Router, RouterPort, net


class Rule(NamedTuple):
    """A NAT row: what is inside, and by which address it is known outside."""

    inside: Net
    outside: Net
    row: Row
    owner: Owner | None


class Nat:
    """The rules of all routers. A router without a gateway has no place to apply them, so there they do nothing."""

    def __init__(self, contents: Contents) -> None:
        self._incoming: dict[str, list[Rule]] = {}
        self._outgoing: dict[str, list[Rule]] = {}
        for owner, row in contents.table("NAT"):
            if row.parent is None:
                continue
            kind = str(row.columns.get("type"))
            rule = Rule(net(str(row.columns.get("logical_ip"))), net(str(row.columns.get("external_ip"))), row, owner)
            if kind in ("dnat", "dnat_and_snat"):
                self._incoming.setdefault(row.parent.name, []).append(rule)
            if kind in ("snat", "dnat_and_snat"):
                self._outgoing.setdefault(row.parent.name, []).append(rule)
        for rules in self._outgoing.values():
            rules.sort(key=lambda rule: -rule.inside.prefix)

    def incoming(self, entry: RouterPort, address: Address) -> Rule | None:
        """The rule that turns the destination into an address inside."""
        rules = self._incoming.get(entry.router.name)
        if not rules or not _applies(entry.router, entry):
            return None
        return next((rule for rule in rules if (rule.outside.family, rule.outside.address) == address), None)

    def outgoing(self, exit_: RouterPort, address: Address) -> Rule | None:
        """The rule that turns the source into an address outside: of several the narrowest."""
        rules = self._outgoing.get(exit_.router.name)
        if not rules or not _applies(exit_.router, exit_):
            return None
        return next((rule for rule in rules if address in rule.inside), None)


def _applies(router: Router, port: RouterPort) -> bool:
    """On a router with a chassis of its own at every port; else where the gateway is."""
    return router.has_gateway and (port.is_gateway or not any(one.is_gateway for one in router.ports.values()))
