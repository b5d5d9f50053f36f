"""The index by which SecurityGroups whose names differ in `-` and `.` alone find each other."""

from __future__ import annotations

from typing import Any

from ovnloom.api.securitygroup import SecurityGroup
from ovnloom.ovn import names
from ovnloom.world.world import Index

SECURITY_GROUPS_OF_PORT_GROUP = Index(
    "security groups of port group",
    SecurityGroup,
    lambda group: (names.security_port_group(group.name),),
    lambda group: (group.meta.created, group.key),
)

SECURITY_INDEXES: tuple[Index[Any], ...] = (SECURITY_GROUPS_OF_PORT_GROUP,)
