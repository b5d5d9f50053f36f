"""ovsdbapp's replica of the database, which hands every update on as Changes and keeps no rows itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import ovs.db.idl
import ovs.poller
from ovsdbapp.backend.ovs_idl.connection import OvsdbIdl

from ovnloom.northbound.change import Change
from ovnloom.northbound.shape import Shape, Stored, read
from ovnloom.ovn.column import Column

PROBE = 10_000
"""Milliseconds of silence after which a TCP or SSL server is asked whether it lives; it has as long to answer."""
BACKOFF = (1_000, 2_000)
"""Least and most milliseconds between two attempts to connect; the first one after a loss is made at once."""


class Replica(OvsdbIdl):  # type: ignore[misc]  # ovs has no types
    """The state machine of ovs (leader, lock, reconnection, resuming a monitor) with another place for the rows.

    ovs would build an object for each column and rebuild a whole set for each element that comes: with 9,000 ports in a
    switch that is milliseconds a Pod. Two private methods of its are replaced for that; a test with a real server
    notices when a new version of ovs calls them otherwise.
    """

    def __init__(
        self,
        remotes: str,
        schema: Mapping[str, Any],
        emit: Callable[[Change], None],
        reported: Collection[tuple[str, str]] = (),
    ) -> None:
        """Connects when it is run; `schema` is the server's, whose tables and columns that we know are monitored.

        Columns that OVN reports are so only where `reported` names them, by table and column.
        """
        self.shape = Shape.parse(schema)
        self._emit = emit
        self._schema = _comparable(schema)
        self.restarts = 0
        """How often the rows were asked for."""
        chosen = ovs.db.idl.SchemaHelper(schema_json=dict(schema))
        for name, table in self.shape.tables.items():
            wanted = [key for key, column in table.columns.items() if not column.reported or (name, key) in reported]
            chosen.register_columns(name, wanted)
        super().__init__(remotes, chosen, probe_interval=PROBE, leader_only=True)
        self._session.reconnect.set_backoff(*BACKOFF)

    @property
    def is_synced(self) -> bool:
        """Whether all rows were received and updates come."""
        return bool(self.state == self.IDL_S_MONITORING and self._session.is_connected())

    @property
    def is_connected(self) -> bool:
        """Whether some server answers."""
        return bool(self._session.is_connected())

    def fits(self, schema: Mapping[str, Any]) -> bool:
        """Whether the schema is the one that this replica was built from, as far as it matters."""
        return _comparable(schema) == self._schema

    def steal_lock(self, name: str) -> None:
        """The lock is ours as soon as the server hears of it, whoever had it (RFC 7047, 4.1.9); he is told.

        Without a connection it is only asked for when there is one.
        """
        self.set_lock(None)  # a session may ask for a lock only once
        self.lock_name: str | None = name
        self._lock_request_id = self._Idl__do_send_lock_request("steal")

    def restart_fsm(self) -> None:
        """ovs calls this for each new connection, and when the server converted the database to another schema."""
        self.restarts += 1
        super().restart_fsm()

    def forget(self, transaction: ovs.db.idl.Transaction) -> None:
        """Nobody waits for the transaction's reply any more; the connection on which it might come is closed."""
        for key in [key for key, other in self._outstanding_txns.items() if other is transaction]:
            del self._outstanding_txns[key]
        self.force_reconnect()
        self.run()

    def _Idl__clear(self) -> None:  # noqa: N802  # the name that ovs gives it
        self._emit(Change("reset", shape=self.shape))
        super()._Idl__clear()

    def _Idl__do_parse_update(self, updates: Any, version: str, tables: Any) -> None:  # noqa: N802
        if tables is self.server_tables:
            super()._Idl__do_parse_update(updates, version, tables)
            return
        for name, rows in updates.items():
            columns = self.shape.tables[name].columns
            for uuid, update in rows.items():
                self._emit(_change(name, uuid, update, columns))
                self.change_seqno += 1


def _change(table: str, uuid: str, update: Mapping[str, Any], columns: Mapping[str, Column]) -> Change:
    for kind, row in update.items():
        match kind:
            case "initial" | "insert" | "new":
                return Change("insert", table, uuid, _read(row, columns))
            case "modify":
                return Change("modify", table, uuid, _read(row, columns))
            case "old" if "new" in update:
                continue
    return Change("delete", table, uuid)


def _read(row: Mapping[str, Any], columns: Mapping[str, Column]) -> dict[str, Stored]:
    return {name: read(columns[name], value) for name, value in row.items() if name in columns}


def _comparable(schema: Mapping[str, Any]) -> object:
    """What of a schema matters: its names of tables and columns."""
    return {name: frozenset(table["columns"]) for name, table in schema["tables"].items()}


class Transaction(ovs.db.idl.Transaction):  # type: ignore[misc]  # ovs has no types
    """A transaction that remembers the server's answer to each operation."""

    def __init__(self, replica: Replica, operations: list[dict[str, Any]]) -> None:
        super().__init__(replica)
        self.reply: list[Any] | None = None
        """None while there is none."""
        self.asserted = int(bool(replica.lock_name))
        """How many answers come first that are to ovs's own assertion of the lock."""
        for operation in operations:
            self.add_op(operation)

    def _process_reply(self, message: Any) -> None:
        if isinstance(message.result, list):
            self.reply = message.result
        super()._process_reply(message)
