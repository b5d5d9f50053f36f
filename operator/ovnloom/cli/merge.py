"""What an object is after `kubectl apply`: the manifest over what is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LAST = "kubectl.kubernetes.io/last-applied-configuration"
Body = Mapping[str, Any]


def applied(there: Body, manifest: Body) -> dict[str, Any]:
    """The manifest's fields win, fields that the last apply had and this one hasn't go, everything else stays.

    Status, uid and versions are the server's. Lists are replaced as a whole, as for every custom resource.
    """
    merged = _merged(there, {key: value for key, value in manifest.items() if key != "status"}, _last(there))
    if "status" in there:
        merged["status"] = there["status"]
    return merged


def _last(there: Body) -> Body:
    annotations = (there.get("metadata") or {}).get("annotations") or {}
    try:
        found = json.loads(annotations.get(LAST) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _merged(there: Body, new: Body, last: Body) -> dict[str, Any]:
    merged = {key: value for key, value in there.items() if key in new or key not in last}
    for key, value in new.items():
        old, before = there.get(key), last.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(old, Mapping):
            merged[key] = _merged(old, value, before if isinstance(before, Mapping) else {})
        else:
            merged[key] = value
    return merged
