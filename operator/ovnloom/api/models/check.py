"""What is wrong with the form of a manifest, in sentences; for files, before any API server has seen them."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from ovnloom.api.fields import shown
from ovnloom.api.models import KINDS
from ovnloom.api.models.kind import GROUP

MODELS = {kind.__name__: kind for kind in KINDS}


def complaints(body: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences about fields of a wrong type or with a word that isn't known; none for kinds that aren't ours.

    What a value means (is it a network, is it free) isn't looked at here: the compile says that.
    """
    version = body.get("apiVersion")
    model = MODELS.get(str(body.get("kind")))
    if model is None or not isinstance(version, str) or version.partition("/")[0] != GROUP:
        return ()
    try:
        model.model_validate_json(json.dumps(body, default=str), strict=True)
    except ValidationError as error:
        return tuple(_sentence(found["loc"], found["msg"], found["input"]) for found in error.errors())
    return ()


def _sentence(place: tuple[int | str, ...], message: str, value: Any) -> str:
    path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")
    want = message[0].lower() + message[1:]
    return f"{path} is missing; add it" if want == "field required" else f"{path} is {shown(value)}; {want}"
