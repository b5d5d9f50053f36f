"""The answers of `ovnloom verdict` and `ovnloom reach` for programs; docs/verdict.md describes each field."""

from __future__ import annotations

import json
from typing import Any

from ovnloom.cli.reach import Matrix
from ovnloom.cli.verdict_prose import cell, final_address, sentence
from ovnloom.cli.verdict_question import Result, Situation
from ovnloom.ovn import names
from ovnloom.verdict import Branch, Step, Verdict
from ovnloom.verdict.contents import mapping
from ovnloom.verdict.layout import text

VERDICT = "ovnloom.io/verdict/v1"
REACH = "ovnloom.io/reach/v1"


def verdict(result: Result) -> str:
    """The whole answer of `verdict`, as JSON."""
    judgement = result.judgement
    before = judgement.before
    found = {
        "schema": VERDICT,
        "against": _against(result.situation),
        "from": judgement.source.label,
        "to": judgement.target.label,
        "protocol": judgement.asked.protocol,
        "port": judgement.asked.port,
        "allowed": judgement.allowed,
        "changed": judgement.has_changed,
        "verdicts": [_verdict(one) for one in judgement.verdicts],
        "before": None if before is None else [_verdict(one) for one in before],
        "notes": result.notes,
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def reach(matrix: Matrix) -> str:
    """The whole answer of `reach`, as JSON."""
    found = {
        "schema": REACH,
        "against": _against(matrix.situation),
        "from": [end.label for end in matrix.sources],
        "to": [end.label for end in matrix.targets],
        "port": str(matrix.asked) if matrix.asked else None,
        "cells": [
            {
                "from": judgement.source.label,
                "to": judgement.target.label,
                "port": str(judgement.asked),
                "verdict": cell(judgement),
                "before": judgement.was_allowed,
            }
            for judgement in matrix.cells.values()
        ],
        "notes": matrix.situation.notes,
    }
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def _against(there: Situation) -> dict[str, Any]:
    return {"kind": there.against.kind, "objects": there.objects, "reason": there.against.why}


def _verdict(found: Verdict) -> dict[str, Any]:
    return {
        "family": found.branches[0].address[0] if found.branches else None,
        "allowed": found.allowed,
        "ways": [_branch(branch) for branch in found.branches],
    }


def _branch(branch: Branch) -> dict[str, Any]:
    return {
        "allowed": branch.is_there,
        "outcome": branch.outcome,
        "port": branch.port,
        "object": str(branch.owner) if branch.owner else None,
        "address": text(branch.address),
        "target": final_address(branch),
        "steps": [_step(step) for step in branch.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    row = step.row
    found: dict[str, Any] = {
        "stage": step.stage,
        "place": step.place,
        "words": sentence(step),
        "object": str(step.owner) if step.owner else None,
        "row": None,
    }
    if row is not None:
        found["row"] = {"table": row.table, "name": row.name}
        for column in ("tier", "priority", "direction", "match", "action"):
            if column in row.columns:
                found["row"][column] = row.columns[column]
        rule = mapping(row, "external_ids").get(names.KEY_RULE)
        if rule:
            found["row"]["rule"] = rule
    return found
