"""The rows of the host's Open vSwitch, as one thread sees them at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import ovs.db.idl

from ovnloom.errors import Refused, Unavailable

DATABASE = "Open_vSwitch"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "Open_vSwitch": ("bridges", "external_ids", "other_config", "ovs_version"),
    "Bridge": ("name", "ports", "mirrors", "datapath_type", "external_ids", "other_config"),
    "Port": ("name", "interfaces", "qos", "tag", "trunks", "external_ids", "other_config"),
    "Interface": (
        "name",
        "type",
        "options",
        "mac",
        "mac_in_use",
        "mtu_request",
        "ofport",
        "error",
        "link_state",
        "ingress_policing_rate",
        "ingress_policing_burst",
        "external_ids",
        "other_config",
    ),
    "QoS": ("type", "queues", "other_config", "external_ids"),
    "Queue": ("other_config", "external_ids"),
    "Mirror": ("name", "select_all", "select_src_port", "select_dst_port", "output_port", "external_ids"),
}
"""What is followed. Counters aren't: vswitchd writes those of every port each few seconds."""
NAMED = frozenset({"Bridge", "Port", "Interface"})
"""Tables in which a name is unique and never changes (ovs-vswitchd.conf.db(5))."""

Row = Any
"""A row of ovs: its columns are attributes, written by assignment, `setkey`, `addvalue` and the like."""


class Replica(ovs.db.idl.Idl):  # type: ignore[misc]  # ovs has no types
    """The copy of ovs, with its rows found by name."""

    def __init__(self, remote: str, schema: Mapping[str, Any]) -> None:
        helper = ovs.db.idl.SchemaHelper(schema_json=dict(schema))
        for table, columns in COLUMNS.items():
            helper.register_columns(table, list(columns))
        self.names: dict[str, dict[str, Row]] = {table: {} for table in NAMED}
        self.bound: dict[str, dict[Any, Row]] = {}
        """Interfaces by their `iface-id`, then by uuid."""
        self._bound_to: dict[Any, str] = {}
        super().__init__(remote, helper)

    @property
    def is_synced(self) -> bool:
        """Whether all rows were received and updates come."""
        return bool(self.state == self.IDL_S_MONITORING and self._session.is_connected() and self.change_seqno)

    def notify(self, event: str, row: Row, updates: Row = None) -> None:  # noqa: ARG002
        """ovs calls this for each change."""
        table = row._table.name  # noqa: SLF001  # ovs has no public word for it
        names = self.names.get(table)
        if names is None:
            return
        if table == "Interface":
            self._bind(row, "" if event == ovs.db.idl.ROW_DELETE else row.external_ids.get("iface-id", ""))
        if event == ovs.db.idl.ROW_DELETE:
            if row.name in names and names[row.name] is row:
                del names[row.name]
        else:
            names[row.name] = row

    def _bind(self, interface: Row, port: str) -> None:
        before = self._bound_to.pop(interface.uuid, "")
        if before:
            self.bound[before].pop(interface.uuid, None)
            if not self.bound[before]:
                del self.bound[before]
        if port:
            self._bound_to[interface.uuid] = port
            self.bound.setdefault(port, {})[interface.uuid] = interface

    def _Idl__clear(self) -> None:  # noqa: N802  # the name that ovs gives it
        self.bound.clear()
        self._bound_to.clear()
        for names in self.names.values():
            names.clear()
        super()._Idl__clear()


class Rows:
    """Reading, and within an edit also writing. It is valid for the call that it was given to, and no longer."""

    def __init__(self, replica: Replica, transaction: Any = None) -> None:
        self._replica = replica
        self._transaction = transaction
        self._added: dict[tuple[str, str], Row] = {}

    @property
    def root(self) -> Row:
        """The only row of the table Open_vSwitch. Raises Unavailable."""
        for row in self._replica.tables["Open_vSwitch"].rows.values():
            return row
        raise Unavailable("the database of Open vSwitch is empty; start its service (ovs-ctl start)")

    def find(self, table: str, name: str) -> Row | None:
        """The Bridge, Port or Interface of a name."""
        found: Row = self._added.get((table, name)) or self._replica.names[table].get(name)
        return found if found is not None and _is_there(found) else None

    def bound(self, port: str) -> list[Row]:
        """The Interfaces whose `iface-id` names this logical port."""
        return [row for row in self._replica.bound.get(port, {}).values() if _is_there(row)]

    def every(self, table: str) -> Iterator[Row]:
        """All rows of a table."""
        for row in list(self._replica.tables[table].rows.values()):
            if _is_there(row):
                yield row

    def insert(self, table: str, name: str = "") -> Row:
        """A new row, without a reference to it yet: who isn't referred to isn't kept by the database."""
        row = self._transaction.insert(self._replica.tables[table])
        if name:
            row.name = name
            self._added[table, name] = row
        return row

    def bridge(self, name: str) -> Row:
        """The bridge of a name. Raises Unavailable: somebody else is about to make it."""
        found = self.find("Bridge", name)
        if found is None:
            raise Unavailable(f"bridge {name} is not there yet; ovn-controller makes it when it starts")
        return found

    def bridge_of(self, port: Row) -> Row | None:
        """The bridge that has a port."""
        return next((bridge for bridge in self.every("Bridge") if port in bridge.ports), None)


Edit = Callable[[Rows], Any]


def _is_there(row: Row) -> bool:
    return row._changes is not None  # noqa: SLF001  # how ovs marks what this transaction deletes


def refused(why: Any) -> Refused:
    """The database said no."""
    return Refused(f"Open vSwitch refused a change: {why}")
