"""The schema by hand, against the file that OVN brings."""

import json
from pathlib import Path
from typing import Any

import pytest

from ovnloom.ovn.column import Column, Table
from ovnloom.ovn.identity import identity
from ovnloom.ovn.schema import TABLES

SCHEMA_FILES = {
    "installed": Path("/usr/share/ovn/ovn-nb.ovsschema"),
    "25.03": Path(__file__).parents[1] / "schemas" / "ovn-nb-25.03.ovsschema",
}


@pytest.fixture(scope="module", params=SCHEMA_FILES)
def installed(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The tables of the northbound schema of an OVN: the installed one, and the newest that we know."""
    return json.loads(SCHEMA_FILES[request.param].read_text())["tables"]  # type: ignore[no-any-return]  # JSON


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_column_is_what_ovn_says(table: Table, installed: dict[str, Any]) -> None:
    """A wrong type would be refused by ovsdb-server, together with the whole transaction."""
    columns = installed[table.name]["columns"]
    for column in table.columns.values():
        if column.name not in columns:
            assert column.since, f"{table.name}.{column.name} is not in the schema"
            continue
        *ours, is_required = shape(column)
        *theirs, must_have = declared(columns[column.name]["type"])
        assert ours == theirs, f"{table.name}.{column.name}"
        assert is_required or not must_have, f"{table.name}.{column.name}"  # newer OVN may want less, never more


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_rows_hang_where_ovn_says(table: Table, installed: dict[str, Any]) -> None:
    """ovsdb-server deletes a row of a non-root table as soon as no strong reference names it."""
    strong = {
        (name, column)
        for name, other in installed.items()
        for column, described in other["columns"].items()
        if isinstance(described["type"], dict)
        for key in [described["type"].get("key")]
        if isinstance(key, dict) and key.get("refTable") == table.name and key.get("refType") == "strong"
    }

    assert table.is_root == installed[table.name].get("isRoot", False)
    if not table.is_root:
        assert set(table.parents) == strong


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_identity_names_columns_that_exist(table: Table) -> None:
    """The plan finds rows by these; a misspelt one would make every row a stranger."""
    assert {part.partition(":")[0] for part in table.identity} <= set(table.columns)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_named_tables_have_unique_names_or_none_of_ours_collide(table: Table, installed: dict[str, Any]) -> None:
    """Where OVN has a unique index, the identity must not be finer than it, or two rows of ours would clash."""
    for index in installed[table.name].get("indexes", []):
        assert set(table.identity) <= set(index)


def test_an_acl_is_found_by_what_it_does() -> None:
    """ACL names are optional, cut to 63 characters and not unique."""
    columns = {"direction": "to-lport", "priority": 1001, "match": "ip4 && tcp", "action": "allow"}

    assert identity("ACL", columns, "blue", "Logical_Switch") == "Logical_Switch:blue to-lport 1001 0 ip4 && tcp"
    assert identity("ACL", columns, "blue", "Port_Group") != identity("ACL", columns, "blue", "Logical_Switch")
    assert identity("ACL", {**columns, "tier": 0}, "blue", "Port_Group") == identity(
        "ACL", columns, "blue", "Port_Group"
    )


def test_a_route_without_a_policy_is_one_by_destination() -> None:
    """Kube-OVN writes dst-ip, ovn-nbctl leaves it out: the same route must not exist twice."""
    route = {"ip_prefix": "0.0.0.0/0", "nexthop": "100.64.0.1"}

    implied = identity("Logical_Router_Static_Route", route, "ovn-cluster")
    spelt = identity("Logical_Router_Static_Route", {**route, "policy": ["dst-ip"], "route_table": ""}, "ovn-cluster")

    assert implied == spelt == "ovn-cluster - dst-ip 0.0.0.0/0 100.64.0.1"


def test_dhcp_options_are_found_by_switch_and_family() -> None:
    """Their rows have no name, and a change of the CIDR must change the row instead of making another."""
    before = {"cidr": "10.0.0.0/24", "external_ids": {"ls": "blue", "vendor": "kube-ovn"}}
    after = {"cidr": "10.1.0.0/24", "external_ids": {"ls": "blue", "ovnloom.io/owner": "Subnet/blue"}}
    six = {"cidr": "fd00::/64", "external_ids": {"ls": "blue"}}

    assert identity("DHCP_Options", before) == identity("DHCP_Options", after) == "blue - IPv4"
    assert identity("DHCP_Options", six) == "blue - IPv6"


def test_a_named_row_is_its_name() -> None:
    """Kube-OVN's tools and ours name the same row alike."""
    assert identity("Logical_Switch_Port", {"name": "web-0.default"}, "blue", "Logical_Switch") == "web-0.default"
    assert identity("NB_Global", {}) == "."


def declared(described: Any) -> tuple[object, ...]:
    """A `<type>` of RFC 7047 as (kind, key type, value type, table, strength, whether one value is needed)."""
    if isinstance(described, str):
        return "scalar", described, None, None, None, False
    key, value = described["key"], described.get("value")
    fewest, most = described.get("min", 1), described.get("max", 1)
    atom = key if isinstance(key, dict) else {"type": key}
    kind = "map" if value else "set" if most == "unlimited" else "optional" if fewest == 0 else "scalar"
    value_type = value["type"] if isinstance(value, dict) else value
    required = kind == "set" and fewest > 0
    strength = atom.get("refType", "strong") if atom.get("refTable") else None
    return kind, atom["type"], value_type, atom.get("refTable"), strength, required


def shape(column: Column) -> tuple[object, ...]:
    """The same of a column of ours."""
    return column.kind, column.key, column.value, column.refers, column.strength, column.required
