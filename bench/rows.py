"""What a database would answer to a plan for rows that weren't there: changes for the mirror."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from ovnloom.northbound.change import Change
from ovnloom.northbound.edits import Plan
from ovnloom.northbound.operations import Written
from ovnloom.northbound.shape import read
from ovnloom.ovn.column import Column
from ovnloom.ovn.schema import TABLES


def written(plan: Plan) -> Iterator[Change]:
    """The changes of a plan that only inserts rows and adds elements; any other raises NotImplementedError."""
    operations = Written(plan).operations
    named = {op["uuid-name"]: str(uuid.uuid4()) for op in operations if op["op"] == "insert"}
    for op in operations:
        known = TABLES[op["table"]].columns
        match op:
            case {"op": "insert", "row": row}:
                columns = {name: _read(known[name], value, named) for name, value in row.items()}
                yield Change("insert", op["table"], named[op["uuid-name"]], columns)
            case {"op": "mutate", "where": [[_, _, [_, at]]], "mutations": [[name, "insert", value]]}:
                yield Change("modify", op["table"], named.get(at, at), {name: _read(known[name], value, named)})
            case {"op": "mutate", "where": [[_, _, [_, at]]], "mutations": [[name, "delete", value]]}:
                yield Change("modify", op["table"], named.get(at, at), {name: _read(known[name], value, named)})
            case _:
                raise NotImplementedError(f"the plan of an empty database has {op['op']}")


def _read(column: Column, json: Any, named: Mapping[str, str]) -> Any:
    value = read(column, json)
    if column.key != "uuid" or value is None:
        return value
    return {named.get(each, each) for each in value} if isinstance(value, set) else named.get(value, value)
