"""Files that are no snapshot."""

import hashlib
import json
from pathlib import Path

import pytest

from ovnloom.errors import Refused
from ovnloom.intent import Ref
from ovnloom.northbound.snapshot import load, parse

SCHEMA = {
    "name": "OVN_Northbound",
    "version": "7.0.0",
    "tables": {"Logical_Switch": {"columns": {"name": {"type": "string"}, "other_config": {"type": {}}}}},
}


def log(*records: object) -> bytes:
    """A file as ovsdb-server writes it (ovsdb(5))."""
    bodies = [json.dumps(record).encode() + b"\n" for record in records]
    return b"".join(b"OVSDB JSON %d %s\n%s" % (len(body), _sha1(body), body) for body in bodies)


def _sha1(body: bytes) -> bytes:
    return hashlib.sha1(body, usedforsecurity=False).hexdigest().encode()


def test_rows_follow_from_full_and_from_different_records() -> None:
    """Older servers write whole columns, newer ones differences."""
    mirror = parse(
        log(
            SCHEMA,
            {"Logical_Switch": {"u": {"name": "a", "other_config": ["map", [["x", "1"], ["y", "2"]]]}}},
            {"Logical_Switch": {"u": {"other_config": ["map", [["x", "1"], ["z", "3"]]]}}, "_is_diff": True},
            {"Logical_Switch": {"u": {"name": "b"}}, "_comment": "rename"},
            {"Logical_Switch": {"v": {"name": "c"}}},
            {"Logical_Switch": {"v": None}},
        )
    )

    assert mirror.row("Logical_Switch", "u") == {"name": "b", "other_config": {"y": "2", "z": "3"}}
    assert mirror.all(Ref("Logical_Switch", "c")) == ()
    assert "external_ids" not in mirror.columns("Logical_Switch")


def test_a_record_that_was_being_written_is_left_out() -> None:
    """The file may be copied under a running server."""
    whole = log(SCHEMA, {"Logical_Switch": {"u": {"name": "a"}}})

    assert list(parse(whole[:-5]).places()) == []


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "no OVSDB database"),
        (b"hello", "no OVSDB database"),
        (log({**SCHEMA, "name": "Open_vSwitch"}), "a database 'Open_vSwitch'"),
        (b"OVSDB CLUSTER 2 " + b"0" * 40 + b"\n{}", "ovsdb-client backup"),
        (log(SCHEMA, {}).replace(b"7.0.0", b"7.0.1"), "record at byte 0 is damaged"),
    ],
)
def test_what_is_no_snapshot_is_told(tmp_path: Path, raw: bytes, words: str) -> None:
    """The user gave the wrong file; the message says which would be right."""
    path = tmp_path / "nb"
    path.write_bytes(raw)

    with pytest.raises(Refused, match=words):
        load(path)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A typing mistake in a path."""
    with pytest.raises(Refused, match="No such file"):
        load(tmp_path / "missing")
