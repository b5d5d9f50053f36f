"""What a pipeline wants and says, as text to review: rows, addresses, problems and reports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from ovnloom.api.ip import IP
from ovnloom.compile.registry import COMPILERS
from ovnloom.intent import Intent, Owner, Ref, Report
from ovnloom.northbound import text
from ovnloom.northbound.wanted import Wanted
from ovnloom.pipeline import Pipeline
from ovnloom.world.graph import Reader

Blocks = dict[str, list[str]]
"""By heading the lines below it."""


def account(pipeline: Pipeline, with_held: bool = True) -> dict[str, Blocks]:
    """By section its blocks. Rows of held owners follow from what was there before, so they can be left out."""
    intents = dict(sorted(pipeline.intents()))
    return {
        "rows": _split(text.rows(pipeline.wanted if with_held else _without_held(pipeline))),
        "objects": dict(_objects(pipeline, with_held)),
        "addresses": {line: [] for line in _addresses(pipeline)},
        "problems": {line: [] for owner, intent in intents.items() for line in _problems(pipeline, owner, intent)},
        "reports": {str(owner): lines for owner, intent in intents.items() if (lines := list(_report(intent.report)))},
    }


def render(found: Mapping[str, Blocks], quiet: Mapping[str, Blocks]) -> str:
    """The account without the blocks that the quiet cluster has as well; what only that has is named."""
    lines: list[str] = []
    for section, blocks in found.items():
        usual = quiet[section]
        differing = {heading: block for heading, block in blocks.items() if usual.get(heading) != block}
        lost = usual.keys() - blocks.keys()
        if not differing and not lost:
            continue
        lines += ["", f"# {section}"] if lines else [f"# {section}"]
        for heading, block in differing.items():
            lines += [heading, *block]
        lines += [f"(without) {heading}" for heading in sorted(lost)]
    return "\n".join(lines) + "\n" if lines else "as usual\n"


def missed(pipeline: Pipeline) -> Iterator[str]:
    """Owners whose last compile isn't what a compile says now: somebody wasn't queued."""
    owners = {owner for owner, _ in pipeline.intents()} | set(pipeline.wanted.owners())
    for owner in sorted(owners):
        now = COMPILERS[owner.kind](Reader(pipeline.graph), owner.key)
        if now.is_held != pipeline.wanted.is_held(owner):
            yield f"{owner} should be {'held' if now.is_held else 'compiled'}"
        elif not now.is_held and (
            now.rows != pipeline.wanted.rows(owner) or set(now.members) != set(pipeline.wanted.members(owner))
        ):
            yield f"{owner} wants other rows by now"


def _without_held(pipeline: Pipeline) -> Wanted:
    found = Wanted()
    for owner in pipeline.wanted.owners():
        if not pipeline.wanted.is_held(owner):
            found.replace(owner, Intent(pipeline.wanted.rows(owner), pipeline.wanted.members(owner)))
    return found


def _split(rows: str) -> Blocks:
    blocks: Blocks = {}
    for line in rows.splitlines():
        if line.startswith("  "):
            blocks[heading].append(line)  # noqa: F821 # a heading comes first
        else:
            heading = line
            blocks[heading] = []
    return blocks


def _objects(pipeline: Pipeline, with_held: bool) -> Iterator[tuple[str, list[str]]]:
    """Kubernetes objects that owners need, as manifests."""
    for owner, manifest in sorted(pipeline.manifests.wanted(), key=lambda found: (found[1].kind, found[1].key)):
        if pipeline.wanted.is_held(owner) and not with_held:
            continue
        whose = "several" if manifest.is_shared else owner
        heading = f"{manifest.api_version} {manifest.kind} {manifest.key} for {whose}"
        yield heading, [f"  {line}" for line in yaml.safe_dump(_thawed(manifest.content)).splitlines()]


def _thawed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _thawed(each) for key, each in value.items()}
    return [_thawed(each) for each in value] if isinstance(value, list | tuple) else value


def _addresses(pipeline: Pipeline) -> Iterator[str]:
    for _, ip in sorted(pipeline.world.tables[IP].items()):
        words = [ip.name, ip.ip_address or "-", ip.mac or "-", ip.subnet]
        words += [f"on {ip.node_name}"] if ip.node_name else []
        words += [f"for {ip.pod_type}"] if ip.pod_type else []
        words += ["reserved"] if ip.reserved else []
        words += ["deleting"] if ip.deleting else []
        yield " ".join(words)


def _problems(pipeline: Pipeline, owner: Owner, intent: Intent) -> Iterator[str]:
    held = " (held)" if intent.is_held else ""
    for problem in pipeline.problems(owner, intent):
        yield f"{owner}{held} {problem.condition}: {problem.reason}: {problem.message}"


def _report(report: Report) -> Iterator[str]:
    for name, value in sorted(report.spec.items()):
        yield f"  spec.{name}: {_plain(value)}"
    for name, value in sorted(report.status.items()):
        if value not in ("", []):  # most of the status is empty most of the time
            yield f"  status.{name}: {_plain(value)}"
    for name, value in sorted(report.annotations.items()):
        yield f"  {name}: {'(absent)' if value is None else value}"
    for name, value in sorted(report.labels.items()):
        yield f"  label {name}: {'(absent)' if value is None else value}"
    for node, is_ready, reason, message in report.nodes:
        yield f"  Ready on {node}: {is_ready} {reason}{': ' if message else ''}{message}"
    if report.ready:
        yield f"  ready: {report.ready}"
    if report.blockers:
        yield f"  waits: {report.blockers}"


def _plain(value: Any) -> str:
    if isinstance(value, Ref):
        return f"UUID of {value.table} {value.name}"
    return str(value)
