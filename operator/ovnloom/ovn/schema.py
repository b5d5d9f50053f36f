"""The tables and columns of OVN's northbound database that ovnloom uses (ovn-nb(5)), as values.

Written by hand from ovn-nb.ovsschema of OVN 23.03, against which a test checks it; what only newer versions have says
since when. A column that the connected database lacks is left out when rows are written.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ovnloom.ovn.column import Atom, Column, Table


def _text(name: str, *, since: str | None = None) -> Column:
    return Column(name, "scalar", since=since)


def _number(name: str, *, since: str | None = None, reported: bool = False) -> Column:
    return Column(name, "scalar", "integer", since=since, reported=reported)


def _flag(name: str) -> Column:
    return Column(name, "scalar", "boolean")


def _maybe(name: str, key: Atom = "string", *, since: str | None = None, reported: bool = False) -> Column:
    return Column(name, "optional", key, since=since, reported=reported)


def _texts(name: str, *, required: bool = False, since: str | None = None, reported: bool = False) -> Column:
    return Column(name, "set", required=required, since=since, reported=reported)


def _map(name: str, *, since: str | None = None, reported: bool = False) -> Column:
    return Column(name, "map", value="string", since=since, reported=reported)


def _owns(name: str, table: str, *, required: bool = False) -> Column:
    return Column(name, "set", "uuid", refers=table, strength="strong", required=required)


def _names(name: str, table: str, *, since: str | None = None) -> Column:
    return Column(name, "set", "uuid", refers=table, strength="weak", since=since)


def _names_one(name: str, table: str, *, since: str | None = None) -> Column:
    return Column(name, "optional", "uuid", refers=table, strength="weak", since=since)


def _holds_one(name: str, table: str) -> Column:
    return Column(name, "optional", "uuid", refers=table, strength="strong")


def _table(
    name: str,
    *columns: Column,
    identity: tuple[str, ...] = ("name",),
    parents: tuple[tuple[str, str], ...] = (),
    unnamed: bool = False,
) -> Table:
    return Table(name, MappingProxyType({column.name: column for column in columns}), identity, parents, unnamed)


_OPTIONS: Final = _map("options")
_EXTERNAL_IDS: Final = _map("external_ids")
_NAME: Final = _text("name")
_LOAD_BALANCER: Final = _names("load_balancer", "Load_Balancer")
_LOAD_BALANCER_GROUP: Final = _owns("load_balancer_group", "Load_Balancer_Group")

_ALL: Final = (
    _table(
        "NB_Global",
        _NAME,
        _number("nb_cfg"),
        _number("nb_cfg_timestamp", reported=True),
        _number("sb_cfg", reported=True),
        _number("sb_cfg_timestamp", reported=True),
        _number("hv_cfg", reported=True),
        _number("hv_cfg_timestamp", reported=True),
        _OPTIONS,
        _flag("ipsec"),
        _EXTERNAL_IDS,
        identity=(),
    ),
    _table(
        "Logical_Switch",
        _NAME,
        _owns("ports", "Logical_Switch_Port"),
        _owns("acls", "ACL"),
        _LOAD_BALANCER,
        _LOAD_BALANCER_GROUP,
        _map("other_config"),
        _EXTERNAL_IDS,
    ),
    _table(
        "Logical_Switch_Port",
        _NAME,
        _text("type"),
        _OPTIONS,
        _maybe("parent_name"),
        _maybe("tag_request", "integer"),
        _maybe("tag", "integer"),
        _texts("addresses"),
        _maybe("dynamic_addresses", reported=True),
        _texts("port_security"),
        _maybe("up", "boolean", reported=True),
        _maybe("enabled", "boolean"),
        _names_one("dhcpv4_options", "DHCP_Options"),
        _names_one("dhcpv6_options", "DHCP_Options"),
        _holds_one("ha_chassis_group", "HA_Chassis_Group"),
        _EXTERNAL_IDS,
        parents=(("Logical_Switch", "ports"),),
    ),
    _table(
        "Logical_Router",
        _NAME,
        _owns("ports", "Logical_Router_Port"),
        _owns("static_routes", "Logical_Router_Static_Route"),
        _owns("policies", "Logical_Router_Policy"),
        _owns("nat", "NAT"),
        _maybe("enabled", "boolean"),
        _LOAD_BALANCER,
        _LOAD_BALANCER_GROUP,
        _OPTIONS,
        _EXTERNAL_IDS,
    ),
    _table(
        "Logical_Router_Port",
        _NAME,
        _texts("networks", required=True),
        _text("mac"),
        _maybe("peer"),
        _maybe("enabled", "boolean"),
        _owns("gateway_chassis", "Gateway_Chassis"),
        _holds_one("ha_chassis_group", "HA_Chassis_Group"),
        _OPTIONS,
        _map("ipv6_ra_configs"),
        _texts("ipv6_prefix", reported=True),
        _map("status", since="23.06", reported=True),
        _EXTERNAL_IDS,
        parents=(("Logical_Router", "ports"),),
    ),
    _table(
        "Logical_Router_Policy",
        _number("priority"),
        _text("match"),
        _text("action"),
        _maybe("nexthop"),
        _texts("nexthops"),
        _names("bfd_sessions", "BFD", since="24.03"),
        _OPTIONS,
        _EXTERNAL_IDS,
        identity=("priority", "match"),
        parents=(("Logical_Router", "policies"),),
        unnamed=True,
    ),
    _table(
        "Logical_Router_Static_Route",
        _text("route_table"),
        _maybe("policy"),
        _text("ip_prefix"),
        _text("nexthop"),
        _maybe("output_port"),
        _names_one("bfd", "BFD"),
        _OPTIONS,
        _EXTERNAL_IDS,
        identity=("route_table", "policy", "ip_prefix", "nexthop"),
        parents=(("Logical_Router", "static_routes"),),
        unnamed=True,
    ),
    _table(
        "NAT",
        _text("type"),
        _text("external_ip"),
        _maybe("external_mac"),
        _text("external_port_range"),
        _text("logical_ip"),
        _maybe("logical_port"),
        _holds_one("allowed_ext_ips", "Address_Set"),
        _holds_one("exempted_ext_ips", "Address_Set"),
        _names_one("gateway_port", "Logical_Router_Port", since="22.06"),
        _OPTIONS,
        _EXTERNAL_IDS,
        identity=("type", "external_ip", "logical_ip", "external_port_range"),
        parents=(("Logical_Router", "nat"),),
        unnamed=True,
    ),
    _table("Port_Group", _NAME, _names("ports", "Logical_Switch_Port"), _owns("acls", "ACL"), _EXTERNAL_IDS),
    _table("Address_Set", _NAME, _texts("addresses"), _EXTERNAL_IDS),
    _table(
        "ACL",
        _maybe("name"),
        _number("priority"),
        _text("direction"),
        _text("match"),
        _text("action"),
        _number("tier", since="23.06"),
        _flag("log"),
        _maybe("severity"),
        _maybe("meter"),
        _number("label"),
        _OPTIONS,
        _EXTERNAL_IDS,
        identity=("direction", "priority", "tier", "match"),
        parents=(("Logical_Switch", "acls"), ("Port_Group", "acls")),
        unnamed=True,
    ),
    _table(
        "DHCP_Options",
        _text("cidr"),
        _OPTIONS,
        _EXTERNAL_IDS,
        identity=("external_ids:ls", "external_ids:port", "cidr:family"),
        unnamed=True,
    ),
    _table(
        "Load_Balancer",
        _NAME,
        _map("vips"),
        _maybe("protocol"),
        _owns("health_check", "Load_Balancer_Health_Check"),
        _map("ip_port_mappings"),
        _texts("selection_fields"),
        _OPTIONS,
        _EXTERNAL_IDS,
    ),
    _table("Load_Balancer_Group", _NAME, _LOAD_BALANCER),
    _table("Chassis_Template_Var", _text("chassis"), _map("variables"), _EXTERNAL_IDS, identity=("chassis",)),
    _table(
        "Load_Balancer_Health_Check",
        _text("vip"),
        _OPTIONS,
        _EXTERNAL_IDS,
        identity=("vip",),
        parents=(("Load_Balancer", "health_check"),),
        unnamed=True,
    ),
    _table(
        "Gateway_Chassis",
        _NAME,
        _text("chassis_name"),
        _number("priority"),
        _OPTIONS,
        _EXTERNAL_IDS,
        parents=(("Logical_Router_Port", "gateway_chassis"),),
    ),
    _table("HA_Chassis_Group", _NAME, _owns("ha_chassis", "HA_Chassis"), _EXTERNAL_IDS),
    _table(
        "HA_Chassis",
        _text("chassis_name"),
        _number("priority"),
        _EXTERNAL_IDS,
        identity=("chassis_name",),
        parents=(("HA_Chassis_Group", "ha_chassis"),),
        unnamed=True,
    ),
    _table(
        "BFD",
        _text("logical_port"),
        _text("dst_ip"),
        _maybe("min_tx", "integer"),
        _maybe("min_rx", "integer"),
        _maybe("detect_mult", "integer"),
        _maybe("status", reported=True),
        _OPTIONS,
        _EXTERNAL_IDS,
        identity=("logical_port", "dst_ip"),
    ),
    _table(
        "Meter",
        _NAME,
        _text("unit"),
        _owns("bands", "Meter_Band", required=True),
        _maybe("fair", "boolean"),
        _EXTERNAL_IDS,
    ),
    _table(
        "Meter_Band",
        _text("action"),
        _number("rate"),
        _number("burst_size"),
        _EXTERNAL_IDS,
        identity=("action",),
        parents=(("Meter", "bands"),),
        unnamed=True,
    ),
)

TABLES: Final[Mapping[str, Table]] = MappingProxyType({table.name: table for table in _ALL})
"""Every table that we read or write, by name."""

ACTIONS_SINCE: Final[Mapping[str, str]] = MappingProxyType({"pass": "23.06"})
"""ACL actions that only newer OVN has, and since when (ovn-nb(5), ACL `action`, `tier`)."""
