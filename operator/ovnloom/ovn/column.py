"""What a column and a table of the northbound database are: the shape of `schema.TABLES`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Atom = Literal["string", "integer", "boolean", "uuid"]
Kind = Literal["scalar", "optional", "set", "map"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how many values of which type it takes (RFC 7047, 3.2 `<type>`).

    `refers` is the table whose rows a uuid column names. A `strong` reference keeps a row of a non-root table alive:
    when the last one goes, ovsdb-server deletes the row, and a row can't be deleted while one names it. A weak one is
    emptied when the row goes.
    `since` is the first OVN version that has the column, None where every version that we support has it.
    `reported` columns are written by OVN: we read them and never compare them with what we want.
    `members` are all values that a set may have, where the connected database says so.
    """

    name: str
    kind: Kind
    key: Atom = "string"
    value: Atom | None = None
    refers: str | None = None
    strength: Literal["strong", "weak"] | None = None
    required: bool = False
    since: str | None = None
    reported: bool = False
    members: frozenset[str] | None = None

    @property
    def default(self) -> str | int | bool | frozenset[str] | Mapping[str, str] | None:
        """What the column holds when nobody has set it (RFC 7047, 5.2.1 insert)."""
        if self.kind == "optional":
            return None
        if self.kind == "set":
            return frozenset()
        if self.kind == "map":
            return {}
        scalars: dict[Atom, str | int | bool] = {"string": "", "integer": 0, "boolean": False, "uuid": ""}
        return scalars[self.key]


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its columns, where its rows hang and by what the plan finds them again.

    `parents` are the strong columns (table, column) of which one must name each row, when the table isn't a root.
    `identity` are the columns that tell two rows with the same parent apart; `unnamed` says that they are found by
    their content and parent and not by a name that is unique in the database.
    """

    name: str
    columns: Mapping[str, Column]
    identity: tuple[str, ...]
    parents: tuple[tuple[str, str], ...] = ()
    unnamed: bool = False

    @property
    def is_root(self) -> bool:
        """Whether a row lives without anyone naming it."""
        return not self.parents

    @property
    def has_external_ids(self) -> bool:
        """Whether a row can carry its owner; otherwise it is known through its parent."""
        return "external_ids" in self.columns

    def columns_referring_to(self, table: str) -> tuple[Column, ...]:
        """The columns that name rows of that table."""
        return tuple(column for column in self.columns.values() if column.refers == table)
