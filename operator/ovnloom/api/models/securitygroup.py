"""The SecurityGroup of `kubeovn.io/v1`, complete."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ovnloom.api.models import cel
from ovnloom.api.models.kind import ConditionItem, Kind, Model, Name, Names, Rule, checked

Port = Annotated[int, Field(ge=0, le=65535)]
MOST_RULES = 2048
VERSION = "self.ipVersion == 'ipv6'"


def _is(field: str) -> str:
    return f"(isIP(self.{field}) || isCIDR(self.{field}))"


def _has(field: str) -> str:
    return f"has(self.{field}) && self.{field} > 0"


def _address(field: str) -> tuple[Rule, Rule]:
    written = cel.is_set(field)
    return (
        Rule(
            f"!({written}) || {_is(field)}",
            f"{field} is neither an address nor a network; write 10.16.0.5 or 10.16.0.0/16",
            f"'{field} ' + self.{field} + ' is neither an address nor a network; write 10.16.0.5 or 10.16.0.0/16'",
            f".{field}",
        ),
        Rule(
            f"!({written}) || !has(self.ipVersion) || self.{field}.contains(':') == ({VERSION})",
            f"{field} is not of the family that ipVersion says; change one of them",
            field_path=f".{field}",
        ),
    )


def _range(field: str) -> Rule:
    both = f"({_has(field + 'Min')}) && ({_has(field + 'Max')})"
    neither = f"!({_has(field + 'Min')}) && !({_has(field + 'Max')})"
    return Rule(
        f"({neither}) || (({both}) && self.{field}Min <= self.{field}Max)",
        f"{field}Min and {field}Max are no range; write both, the lower one first",
        field_path=f".{field}Min",
    )


RULE = (
    Rule(
        "!has(self.protocol) || !(self.protocol in ['tcp', 'udp']) || "
        f"(({_has('portRangeMin')}) && ({_has('portRangeMax')}))",
        "portRangeMin and portRangeMax are needed for tcp and udp; write 1 and 65535 for all ports",
        field_path=".portRangeMin",
    ),
    _range("portRange"),
    _range("sourcePortRange"),
    *_address("remoteAddress"),
    *_address("localAddress"),
    Rule(
        f"self.remoteType != 'address' || ({cel.is_set('remoteAddress')})",
        "remoteAddress is needed when remoteType is address; write 0.0.0.0/0 or ::/0 for everybody",
        field_path=".remoteAddress",
    ),
    Rule(
        f"self.remoteType != 'securityGroup' || ({cel.is_set('remoteSecurityGroup')})",
        "remoteSecurityGroup is needed when remoteType is securityGroup; name the group",
        field_path=".remoteSecurityGroup",
    ),
)


class SecurityGroupRule(Model):
    """What is done with some traffic between the group's Pods and others."""

    model_config = ConfigDict(json_schema_extra=checked(*RULE))

    ip_version: Literal["ipv4", "ipv6"]
    protocol: Literal["all", "icmp", "tcp", "udp"]
    priority: int = Field(ge=1, le=16384)
    """The rule with the lowest number counts. Give rules that contradict each other different ones."""
    remote_type: Literal["address", "securityGroup"]
    """Whether the others are known by their address or by their group."""
    remote_address: str = Field("", max_length=64)
    """Address or network of the others."""
    remote_security_group: Name = ""
    """SecurityGroup of the others."""
    local_address: str = Field("", max_length=64)
    """Only traffic with this address or network on the Pod's side."""
    port_range_min: Port = 0
    """First destination port; needed for tcp and udp."""
    port_range_max: Port = 0
    """Last destination port."""
    source_port_range_min: Port = 0
    """First source port; all when left out."""
    source_port_range_max: Port = 0
    """Last source port."""
    policy: Literal["allow", "drop", "pass"]
    """pass leaves it to the Pod's groups of tier 1."""


class SecurityGroupSpec(Model):
    """What the user wants."""

    model_config = ConfigDict(
        json_schema_extra=checked(
            *(
                Rule(
                    f"!has(self.tier) || self.tier == 0 || !has(self.{rules}) || "
                    f"self.{rules}.all(r, r.policy != 'pass')",
                    "pass has no meaning in spec.tier 1, after which comes no other; use allow or drop, or tier 0",
                    field_path=f".{rules}",
                )
                for rules in ("ingressRules", "egressRules")
            )
        )
    )

    ingress_rules: tuple[SecurityGroupRule, ...] = Field((), max_length=MOST_RULES)
    """Traffic to the Pods of the group."""
    egress_rules: tuple[SecurityGroupRule, ...] = Field((), max_length=MOST_RULES)
    """Traffic from them."""
    allow_same_group_traffic: bool = False
    """Pods of the group reach each other where no rule says otherwise."""
    tier: int = Field(0, ge=0, le=1)
    """Rules of groups in tier 1 count for traffic that one in tier 0 passes on."""


class SecurityGroupStatus(Model):
    """What came of it."""

    port_group: str = ""
    """Name of the port group in OVN."""
    allow_same_group_traffic: bool = False
    ingress_md5: str = Field("", alias="ingressMd5")
    """Changes when ingressRules do."""
    egress_md5: str = Field("", alias="egressMd5")
    """Changes when egressRules do."""
    ingress_last_sync_success: bool = False
    """Every rule of ingressRules is in force."""
    egress_last_sync_success: bool = False
    """Every rule of egressRules is in force."""
    conditions: tuple[ConditionItem, ...] = ()


class SecurityGroup(Kind):
    """What may reach some Pods, and what these may reach; Pods name their groups in an annotation."""

    names = Names(plural="security-groups", singular="security-group", short=("sg",))

    kind: Literal["SecurityGroup"] = "SecurityGroup"
    spec: SecurityGroupSpec = SecurityGroupSpec()
    status: SecurityGroupStatus = SecurityGroupStatus()
