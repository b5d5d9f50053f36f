"""What the load balancers of a database do, as OVN does it: read from rows alone (ovn-nb(5), Load_Balancer)."""

from collections.abc import Mapping
from typing import Any

from ovnloom.intent import Ref
from ovnloom.northbound.wanted import Wanted
from tests.service.reference import DROP, REJECT, Answer, Place

DROPPED = {"127.0.0.1:9", "[ff00::]:9"}
"""Backends that each OVN router drops: loopback and reserved multicast (ovn-northd(8), IP Input)."""


def tables(wanted: Wanted, vpc: str, chassis: str) -> dict[Place, Answer]:
    """What becomes of a packet that a Pod on the chassis sends to each address of the Vpc's load balancers."""
    rows = {row.ref: row for _, row in wanted.all_rows()}
    group = Ref("Load_Balancer_Group", f"ovnloom:Vpc/{vpc}")
    variables: dict[str, Any] = {
        str(key): wanted.value(Ref("Chassis_Template_Var", chassis), "variables", key)
        for key in wanted.elements(Ref("Chassis_Template_Var", chassis), "variables")
    }
    found: dict[Place, Answer] = {}
    for member in wanted.elements(group, "load_balancer"):
        assert isinstance(member, Ref)
        columns: Mapping[str, Any] = rows[member].columns
        for vip, backends in _vips(columns).items():
            if _is_template(columns):
                vip = _expanded(vip, variables, columns["options"]["address-family"] == "ipv6")
                backends = _expanded(backends, variables, is_v6=False)
            address, _, port = vip.rpartition(":")
            place = (address.strip("[]"), int(port), str(columns["protocol"]).upper())
            assert place not in found, f"{place} is served twice"
            chosen = frozenset(filter(None, backends.split(",")))
            found[place] = DROP if chosen & DROPPED else chosen or REJECT
    return found


def _vips(columns: Mapping[str, Any]) -> Mapping[str, str]:
    found: Mapping[str, str] = columns["vips"]
    return found


def _is_template(columns: Mapping[str, Any]) -> bool:
    return bool(columns["options"].get("template") == "true")


def _expanded(text: str, variables: Mapping[str, Any], is_v6: bool) -> str:
    """The text with its variable replaced: a variable stands for an address or for backends, never for both."""
    if not text.startswith("^"):
        return text
    name, colon, port = text[1:].partition(":")
    value = variables[name]
    return f"{f'[{value}]' if is_v6 else value}{colon}{port}"
