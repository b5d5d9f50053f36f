"""The answer of `ovnloom plan` for programs; docs/plan.md describes each field, and they don't change."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal

import yaml

from ovnloom import manifests
from ovnloom.cli.addresses import Address
from ovnloom.cli.isolation import Isolation
from ovnloom.cli.outlook import Step
from ovnloom.cli.plan import Result
from ovnloom.northbound import text
from ovnloom.northbound.budget import Stop
from ovnloom.northbound.edits import AddElement, Delete, Edit, Insert, RemoveElement, Update

SCHEMA = "ovnloom.io/plan/v1"


def summary(operations: Iterable[Edit]) -> dict[str, int]:
    """How many rows come, change and go; elements of a row that comes count with it."""
    operations = list(operations)
    inserted = {edit.ref for edit in operations if isinstance(edit, Insert)}
    changed = {edit.ref for edit in operations if isinstance(edit, Update | AddElement | RemoveElement)}
    deleted = sum(1 + edit.children for edit in operations if isinstance(edit, Delete))
    return {"insert": len(inserted), "change": len(changed - inserted), "delete": deleted}


def answer(result: Result) -> dict[str, Any]:
    """The whole answer as JSON knows it."""
    return {
        "schema": SCHEMA,
        "against": {
            "kind": result.against.kind,
            "objects": result.objects,
            "rows": result.rows,
            "reason": result.against.why,
        },
        "mode": "delete" if result.is_deletion else "apply",
        "changes": result.has_changes,
        "summary": summary(result.step.operations),
        "addresses": [_address(found) for found in result.addresses],
        "isolation": [_isolation(found) for found in result.isolation],
        "objects": [_object(edit) for edit in result.step.objects],
        "operations": text.plan_json(result.step.plan)["operations"],
        "pending": {
            "summary": summary(result.pending.operations),
            "addresses": [_address(found) for found in result.pending_addresses],
            "operations": text.plan_json(result.pending.plan)["operations"],
            "budget": _budget(result.pending.stop),
        },
        "held": [str(owner) for owner in result.held],
        "problems": [
            {
                "object": str(owner),
                "condition": problem.condition,
                "reason": problem.reason,
                "message": problem.message,
                "new": result.is_new(owner, problem),
            }
            for owner, said in result.problems.items()
            for problem in said
        ],
        "solved": [
            {"object": str(owner), "reason": problem.reason, "message": problem.message}
            for owner, said in result.solved.items()
            for problem in said
        ],
        "waiting": _waiting(result.step),
        "budget": _budget(result.step.stop),
        "placeholders": [
            {"object": str(expansion.given), "pods": [body["metadata"]["name"] for body in expansion.coming]}
            for expansion in result.expansions
        ],
        "ignored": [
            {"place": given.place, "apiVersion": given.api_version, "object": str(given)} for given in result.ignored
        ],
        "notes": result.notes,
    }


def _object(edit: manifests.Edit) -> dict[str, Any]:
    is_removal = isinstance(edit, manifests.Remove)
    return {
        "verb": "remove" if is_removal else "change" if edit.uid else "create",
        "apiVersion": edit.table.api_version,
        "kind": edit.table.kind,
        "name": edit.key.name,
        "namespace": edit.key.namespace,
        "owner": str(edit.owner or ""),
        "reason": edit.reason,
        "body": None if isinstance(edit, manifests.Remove) else edit.body,
    }


def _address(found: Address) -> dict[str, Any]:
    return {
        "object": str(found.owner),
        "network": found.network,
        "subnet": found.subnet,
        "ips": list(found.ips),
        "mac": found.mac,
        "change": found.verb,
    }


def _isolation(found: Isolation) -> dict[str, Any]:
    return {
        "object": f"Pod/{found.place.pod}",
        "network": found.place.network,
        "direction": found.place.direction,
        "effect": found.place.effect,
        "change": found.change,
        "before": [str(owner) for owner in found.before],
        "after": [str(owner) for owner in found.after],
    }


def _waiting(step: Step) -> list[dict[str, Any]]:
    return [
        {"table": ref.table, "name": ref.name, "owners": [str(owner) for owner in sorted(owners)]}
        for ref, owners in sorted(step.waiting.items())
    ]


def _budget(stop: Stop | None) -> dict[str, Any] | None:
    return None if stop is None else {"rows": stop.count, "share": round(stop.share, 4), "sample": list(stop.sample)}


def dump(result: Result, form: Literal["json", "yaml"]) -> str:
    """The answer as text."""
    found = answer(result)
    if form == "json":
        return json.dumps(found, indent=2, ensure_ascii=False) + "\n"
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=120)
