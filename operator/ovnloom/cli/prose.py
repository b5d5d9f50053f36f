"""The answer of `ovnloom plan` for people: lines with a style each, which a terminal shows and a file doesn't."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from ovnloom import manifests
from ovnloom.cli.addresses import Address
from ovnloom.cli.answer import summary
from ovnloom.cli.isolation_prose import isolation
from ovnloom.cli.plan import Result
from ovnloom.cli.some import SHOWN, some
from ovnloom.intent import Owner, Problem
from ovnloom.northbound.budget import Stop
from ovnloom.northbound.edits import AddElement, Delete, Edit, Insert, RemoveElement, Update
from ovnloom.northbound.show import show
from ovnloom.pipeline import RANKS

STYLES = {"+": "green", "-": "red", "~": "yellow", "=": "", "!": "bold red"}


class Line(NamedTuple):
    """One line and how a terminal shows it."""

    text: str
    style: str = ""


BLANK = Line("")


def prose(result: Result) -> Iterator[Line]:
    """The whole answer; sections that have nothing to say are left out."""
    yield from _about(result)
    yield from _section("Addresses", _addresses(result.addresses))
    yield from _section("Isolation", _isolation(result))
    yield from _section("Objects", _objects(result.step.objects))
    yield from _section("Rows", _rows(result.step.operations))
    yield from _section("Problems", _problems(result, are_new=True))
    yield from _section("Problems that are solved", _said(result.solved))
    yield from _section("Problems that were there before", _limited(list(_problems(result, are_new=False))))
    held = [Line(f"  {owner}: its rows stay as they are until its problem is solved") for owner in result.held]
    yield from _section("Held", held)
    yield from _section("Waiting", _waiting(result))
    yield from _section("Without these files", _pending(result))
    yield from _section("Stopped", _stopped(result.step.stop or result.pending.stop))
    yield BLANK
    yield _summary(result)


def _about(result: Result) -> Iterator[Line]:
    why = f" ({result.against.why}; choose by --against)" if result.against.why else ""
    yield Line(f"Against {result.against.kind}{why}", "bold")
    yield Line(f"  objects: {result.objects}")
    yield Line(f"  rows: {result.rows}")
    if not result.has_files:
        yield Line("  question: what the controller has yet to write, as there are no files")
    if result.is_deletion:
        where = "" if result.against.has_cluster else ", taken to be there,"
        yield Line(f"  question: what if the objects of the files{where} were deleted")
    for expansion in result.expansions:
        if expansion.coming:
            names = [body["metadata"]["name"] for body in expansion.coming]
            made_up = "" if expansion.given.kind == "StatefulSet" else ", under made-up names"
            exist = f"{expansion.there} of its Pods exist, these don't" if expansion.there else "its Pods don't exist"
            yield Line(f"  {expansion.given}: {exist} yet{made_up}: {some(names)}")
    if result.ignored:
        yield Line(f"  ignored, no row depends on them: {some([str(given) for given in result.ignored])}", "dim")
    for note in result.notes:
        yield Line(f"  note: {note}")


def _section(title: str, lines: Iterable[Line]) -> Iterator[Line]:
    found = list(lines)
    if found:
        yield BLANK
        yield Line(title, "bold")
        yield from found


def _addresses(found: Sequence[Address]) -> Iterator[Line]:
    if not found:
        return
    signs = {"gets": "+", "keeps": "=", "changes": "~", "frees": "-"}
    cells = [
        (signs[one.verb], str(one.owner), one.network, one.subnet, ",".join(one.ips), one.mac, one.verb)
        for one in found
    ]
    header = (" ", "OBJECT", "NIC", "SUBNET", "IP", "MAC", "")
    widths = [max(len(row[place]) for row in (header, *cells)) for place in range(len(header))]
    for row in (header, *cells):
        text = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield Line(f"  {text}".rstrip(), "dim" if row is header else STYLES[row[0]])


def _isolation(result: Result) -> Iterator[Line]:
    for sign, words in isolation(result.isolation):
        yield Line(f"  {sign} {words}" if sign else f"  {words}", STYLES[sign] if sign else "")


def _objects(found: Iterable[manifests.Edit]) -> Iterator[Line]:
    """Kubernetes objects that the controller writes itself."""
    for edit in found:
        what, why = f"{edit.table.kind} {edit.key}", f"for {edit.owner}: {edit.reason}"
        sign = "-" if isinstance(edit, manifests.Remove) else "~" if edit.uid else "+"
        yield Line(f"  {sign} {what} {why}", STYLES[sign])


def _rows(operations: Iterable[Edit]) -> Iterator[Line]:
    owners: dict[Owner, list[Edit]] = {}
    for edit in operations:
        owners.setdefault(edit.owner, []).append(edit)
    for owner in sorted(owners, key=lambda owner: (RANKS.get(owner.kind, 0), owner)):
        yield Line(f"  {owner}", "bold")
        for edit in owners[owner]:
            yield from _edit(edit)


def _edit(edit: Edit) -> Iterator[Line]:
    row = f"{edit.table} {edit.name}"
    match edit:
        case Insert():
            where = f" in {edit.parent.table} {edit.parent.name}" if edit.parent else ""
            yield Line(f"    + {row}{where}: {edit.reason}", STYLES["+"])
            for name in sorted(edit.columns):
                shown = show(edit.columns[name])
                if name != "external_ids":
                    yield Line(f"        {name}: {shown}")
        case Update():
            yield Line(f"    ~ {row}: {edit.reason}", STYLES["~"])
        case Delete():
            along = f" with {edit.children} rows in it" if edit.children else ""
            yield Line(f"    - {row}{along}: {edit.reason}", STYLES["-"])
        case AddElement():
            yield Line(f"    + {row} {edit.column} += {_element(edit.element)}: {edit.reason}", STYLES["+"])
        case RemoveElement():
            yield Line(f"    - {row} {edit.column} -= {_element(edit.element)}: {edit.reason}", STYLES["-"])


def _element(element: object) -> str:
    return "=".join(element) if type(element) is tuple else show(element)


def _problems(result: Result, *, are_new: bool) -> Iterator[Line]:
    chosen = {
        owner: tuple(problem for problem in said if result.is_new(owner, problem) == are_new)
        for owner, said in result.problems.items()
    }
    style = STYLES["!"] if are_new else ""
    return _said(chosen, style)


def _said(problems: Mapping[Owner, tuple[Problem, ...]], style: str = "") -> Iterator[Line]:
    for owner, said in problems.items():
        for problem in said:
            yield Line(f"  {owner}: {problem.reason}: {problem.message}", style)


def _limited(lines: list[Line]) -> list[Line]:
    rest = [Line(f"  and {len(lines) - SHOWN} more; -o json has all")] if len(lines) > SHOWN else []
    return lines[:SHOWN] + rest


def _waiting(result: Result) -> Iterator[Line]:
    for ref, owners in sorted(result.step.waiting.items()):
        yield Line(f"  {ref.table} {ref.name} is missing; it is waited for by {some([str(o) for o in sorted(owners)])}")


def _pending(result: Result) -> Iterator[Line]:
    if not result.against.has_cluster:
        return
    if result.pending.operations:
        yield Line(
            f"  the controller has yet to write, whatever becomes of the files: {_counts(result.pending.operations)}"
        )
        refs = dict.fromkeys(f"{edit.owner}" for edit in result.pending.operations)
        yield Line(f"  for {some(list(refs))}; -o json has the rows")
    gets = result.pending_addresses
    if gets:
        yield Line(f"  {len(gets)} addresses have yet to be given or freed: {some([str(one.owner) for one in gets])}")


def _stopped(stop: Stop | None) -> Iterator[Line]:
    if stop is not None:
        yield Line(f"  {stop}", STYLES["!"])
        yield Line("  The controller would not do that unasked: it says in an Event how to approve it.")


def _counts(operations: Iterable[Edit]) -> str:
    found = summary(operations)
    return f"{found['insert']} to insert, {found['change']} to change, {found['delete']} to delete"


def _summary(result: Result) -> Line:
    if not result.has_changes:
        return Line("Plan: no changes.", "bold")
    return Line(f"Plan: {_counts(result.step.operations)}.", "bold")
