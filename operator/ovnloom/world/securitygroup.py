"""What others see of a SecurityGroup: whether it is there, and by which Port_Group."""

from __future__ import annotations

from ovnloom.api.meta import Key
from ovnloom.api.securitygroup import SecurityGroup
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.security_indexes import SECURITY_GROUPS_OF_PORT_GROUP

TIERS = (0, 1)


def port_group(read: Reader, name: str) -> str | None:
    """View: the Port_Group of a SecurityGroup; None when there is no such SecurityGroup.

    `a-b` and `a.b` would have one Port_Group: the older one has the name that tools know.
    """
    if read.get(SecurityGroup, Key(name)) is None:
        return None
    usual = names.security_port_group(name)
    first = read.find(SECURITY_GROUPS_OF_PORT_GROUP, usual)[0]
    return usual if first.name == name else names.distinct(usual, name)


def is_first_asked(read: Reader, name: str) -> bool:
    """View: the SecurityGroup's rules are asked without another group passing traffic on to them (tier 0)."""
    group = read.get(SecurityGroup, Key(name))
    return group is not None and group.tier == TIERS[0]


def wrong_group(group: SecurityGroup) -> tuple[str, ...]:
    """What is wrong with the group outside of its rules; such a group allows nothing."""
    if group.tier in TIERS:
        return group.malformed
    return (*group.malformed, f"spec.tier is {group.tier}; use 0 or 1")
