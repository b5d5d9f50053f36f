"""By what a row is found again: the `name` of an Intent's Row, made from its columns alone."""

from collections.abc import Mapping

from ovnloom.ovn.schema import TABLES


def identity(table: str, columns: Mapping[str, object], parent: str = "", parent_table: str = "") -> str:
    """The text that no other row of the table has: its name, or else its parent's name and what sets it apart there.

    `parent` is the identity of the row whose column holds this one, `parent_table` that row's table; both may be left
    out for tables whose rows have a name of their own. Two rows with equal text say the same to OVN, so a plan may
    update one instead of replacing it. Parts are separated by blanks, an empty one is `-`; a match comes last.
    Raises KeyError for a table that we don't use.
    """
    described = TABLES[table]
    parts = [_part(column, columns) for column in described.identity]
    if described.unnamed and described.parents:
        parts.insert(0, f"{parent_table}:{parent}" if len(described.parents) > 1 else parent)
    return " ".join(part or "-" for part in parts) or "."


def _part(column: str, columns: Mapping[str, object]) -> str:
    name, _, key = column.partition(":")
    value = columns.get(name)
    if column == "cidr:family":
        return "IPv6" if ":" in str(value) else "IPv4"
    if key:
        return str(value.get(key, "")) if isinstance(value, Mapping) else ""
    if column == "policy":  # ovn-nb(5), Logical_Router_Static_Route: without a policy the route is by destination
        return _text(value) or "dst-ip"
    if column == "tier":
        return _text(value) or "0"
    return _text(value)


def _text(value: object) -> str:
    """A scalar as text; an optional column may come as None, or as the IDL has it: a sequence of at most one."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple, set, frozenset)):
        return str(next(iter(value), ""))
    return str(value)
