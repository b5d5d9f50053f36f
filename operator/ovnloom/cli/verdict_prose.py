"""The answer of `ovnloom verdict` for people."""

from __future__ import annotations

from collections.abc import Iterator

from ovnloom.cli.prose import BLANK, Line
from ovnloom.cli.verdict_question import Judgement, Result
from ovnloom.ovn import names
from ovnloom.verdict import Branch, Step, Verdict
from ovnloom.verdict.contents import mapping
from ovnloom.verdict.layout import text

STYLES = {True: "bold green", False: "bold red"}
STAGES = {"balancer": "load balancer", "policy": "router policy", "after-lb": "from-lport"}


def prose(result: Result) -> Iterator[Line]:
    """What was asked of what, the verdict with each step, before and after the files when they differ."""
    there, judgement = result.situation, result.judgement
    why = f" ({there.against.why}; choose by --against)" if there.against.why else ""
    yield Line(f"Against {there.against.kind}{why}: {there.objects}", "dim")
    for note in result.notes:
        yield Line(f"note: {note}")
    yield BLANK
    headline = f"{judgement.source.label} -> {judgement.target.label}, {judgement.asked}: "
    if judgement.has_changed and judgement.before is not None:
        was, is_ = word(judgement.before), word(judgement.verdicts)
        yield Line(f"{headline}{was} now, {is_} with the files", STYLES[judgement.allowed])
        yield from answer(judgement.before, "Now")
        yield from answer(judgement.verdicts, "With the files")
        return
    same = ", with and without the files" if judgement.before is not None else ""
    yield Line(f"{headline}{word(judgement.verdicts)}{same}", STYLES[judgement.allowed])
    yield from answer(judgement.verdicts)


def word(verdicts: tuple[Verdict, ...]) -> str:
    """The answer of all families and ways in a word or two."""
    if all(verdict.allowed for verdict in verdicts):
        return "allowed"
    if any(verdict.allowed or verdict.is_partly for verdict in verdicts):
        return "allowed in part"
    outcomes = {branch.outcome for verdict in verdicts for branch in verdict.branches}
    if outcomes == {"rejected"}:
        return "rejected"
    return "denied" if outcomes & {"denied", "rejected"} else "not reached"


def answer(verdicts: tuple[Verdict, ...], title: str = "") -> Iterator[Line]:
    """Each step of each way."""
    if title:
        yield BLANK
        yield Line(title, "bold")
    for verdict in verdicts:
        for at, branch in enumerate(verdict.branches):
            heading = []
            if len(verdicts) > 1:
                heading.append("IPv6" if branch.address[0] == 6 else "IPv4")
            if len(verdict.branches) > 1:
                heading.append(f"way {at + 1} of {len(verdict.branches)}")
            if heading:
                yield Line(f"  {', '.join(heading)}: {_outcome(branch)}", STYLES[branch.is_there])
            yield from map(_line, branch.steps)


def _outcome(branch: Branch) -> str:
    if branch.is_there:
        return "allowed"
    if branch.outcome in ("denied", "rejected"):
        return branch.outcome
    return "not reached: it " + ("is lost" if branch.outcome == "lost" else f"ends at {branch.port}")


def _line(step: Step) -> Line:
    return Line(f"    {step.place}: {sentence(step)}")


def sentence(step: Step) -> str:
    """A step in words: what happened, whose row it was, and the row."""
    row = step.row
    if row is None:
        return step.words if step.stage in ("start", "end") else f"{STAGES.get(step.stage, step.stage)}: {step.words}"
    by = f" by {step.owner}" if step.owner is not None else ""
    if row.table == "ACL":
        rule = mapping(row, "external_ids").get(names.KEY_RULE, "")
        name = f" {row.columns['name']}" if row.columns.get("name") else ""
        tier = f"tier {row.columns.get('tier') or 0}, priority {row.columns.get('priority')}"
        direction = row.columns.get("direction")
        where = f"{by} {rule}".rstrip()
        return f"{step.words}{where} ({direction} ACL{name}, {tier}: {row.columns.get('match')})"
    if row.table == "Logical_Router_Policy":
        return f"{step.words}{by} (router policy, priority {row.columns.get('priority')}: {row.columns.get('match')})"
    if step.stage == "route":
        return f"route {step.words}{by}" if row.table == "Logical_Router_Static_Route" else step.words
    if step.stage == "balancer":
        return f"{step.words}{by} (load balancer {row.name})"
    if step.stage == "nat":
        return f"{step.words}{by} (NAT {row.columns.get('type')})"
    return step.words


def final_address(branch: Branch) -> str:
    """The destination at the end, with its port."""
    address = text(branch.address)
    return (f"[{address}]" if ":" in address else address) + (f":{branch.dport}" if branch.dport else "")


def cell(judgement: Judgement) -> str:
    """The verdict in a word, for a matrix."""
    return "yes" if judgement.allowed else "part" if judgement.is_partly else "no"
