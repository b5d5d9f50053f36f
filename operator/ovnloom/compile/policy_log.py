"""Which ACLs of a NetworkPolicy are logged, and at what rate: its annotations."""

from __future__ import annotations

from dataclasses import dataclass

from ovnloom.api.networkpolicy import NetworkPolicy
from ovnloom.compile.rows import Log, child
from ovnloom.intent import Parent, Problem, Row, Value
from ovnloom.ovn import names
from ovnloom.world.problem import idle, shown

ENABLE, ACTIONS, RATE = (
    f"ovn.kubernetes.io/{word}" for word in ("enable_log", "log_acl_actions", "acl_log_meter_rate")
)
KNOWN = {"drop": "drop", "allow": "allow", "allow-related": "allow"}
DIRECTIONS: tuple[names.Direction, ...] = ("ingress", "egress")


@dataclass(frozen=True, slots=True)
class Logging:
    """What a policy logs: some actions, within the rate of a Meter for each direction."""

    actions: frozenset[str] = frozenset()
    meters: tuple[tuple[str, str], ...] = ()
    rows: tuple[Row, ...] = ()

    def of(self, action: str, direction: str, name: str) -> Log | None:
        """How an ACL with this action is logged; None: it isn't."""
        return Log(name, dict(self.meters).get(direction, "")) if action in self.actions else None


def logging(policy: NetworkPolicy, group: str, problems: list[Problem]) -> Logging:
    """The policy's wish, its Meters included; what can't be read counts as not said, and is told."""
    if policy.annotations.get(ENABLE) != "true":
        return Logging()
    actions = set()
    for item in filter(None, map(str.strip, policy.annotations.get(ACTIONS, "drop").split(","))):
        if item in KNOWN:
            actions.add(KNOWN[item])
        else:
            problems.append(idle("UnknownLogAction", f"annotation {ACTIONS} has {shown(item)}; use drop and allow"))
    rate = policy.annotations.get(RATE, "")
    if not rate:
        return Logging(frozenset(actions))
    if not (rate.isascii() and rate.isdigit() and 0 < int(rate) <= 2**32 - 1):
        problems.append(idle("UnknownLogRate", f"annotation {RATE} is {shown(rate)}; use packets a second, like 10"))
        return Logging(frozenset(actions))
    meters = tuple((direction, names.log_meter(group, direction)) for direction in DIRECTIONS)
    rows = tuple(row for _, meter in meters for row in _meter(meter, int(rate)))
    return Logging(frozenset(actions), meters, rows)


def _meter(name: str, rate: int) -> tuple[Row, Row]:
    band: dict[str, Value] = {"action": "drop", "rate": rate, "burst_size": 1}
    return (
        Row("Meter", name, {"name": name, "unit": "pktps", "fair": True}),
        child("Meter_Band", Parent("Meter", name, "bands"), band),
    )
