"""Owners and intents as Subnets, Pods and policies would have them, short."""

from ovnloom.api.meta import Key
from ovnloom.intent import Intent, Member, Owner, Parent, Ref, Row
from ovnloom.ovn.identity import identity


def subnet(name: str) -> Owner:
    return Owner("Subnet", Key(name))


def pod(name: str) -> Owner:
    return Owner("Pod", Key(name, "ns"))


def policy(name: str) -> Owner:
    return Owner("NetworkPolicy", Key(name, "ns"))


def switch(name: str, **other_config: str) -> Intent:
    """A Subnet's switch."""
    return Intent(rows=(Row("Logical_Switch", name, {"name": name, "other_config": other_config}),))


def port(name: str, on: str, *groups: str, ip: str = "10.0.0.2") -> Intent:
    """A Pod's port on a switch, in some port groups."""
    columns = {"name": name, "addresses": frozenset({f"00:00:00:00:00:01 {ip}"}), "external_ids": {"ls": on}}
    row = Row("Logical_Switch_Port", name, columns, Parent("Logical_Switch", on, "ports"))
    return Intent(rows=(row,), members=tuple(Member(Ref("Port_Group", group), "ports", row.ref) for group in groups))


def group(name: str, *priorities: int, action: str = "drop") -> Intent:
    """A port group with an ACL for each priority."""
    return Intent(rows=(Row("Port_Group", name, {"name": name}), *(acl(name, number, action) for number in priorities)))


def acl(group: str, priority: int, action: str = "drop", **more: object) -> Row:
    """An ACL of a port group."""
    columns = {"direction": "to-lport", "priority": priority, "match": f"outport == @{group}", "action": action, **more}
    return Row("ACL", identity("ACL", columns, group, "Port_Group"), columns, Parent("Port_Group", group, "acls"))
