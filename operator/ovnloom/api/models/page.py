"""The parts of a kind's page that follow from its model: the tables of its fields and of what is refused."""

from collections.abc import Iterable, Iterator
from typing import Any

from ovnloom.api.models.crd import crd
from ovnloom.api.models.kind import Kind

PARTS = ("spec", "status", "refusals")


def table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [header, ("---",) * len(header), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def part(kind: type[Kind], name: str) -> str:
    """One of PARTS of a kind's page."""
    root = crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    if name == "refusals":
        return table(("field", "what is refused, and what to do"), _refusals(root, ""))
    return table(("field", "type", "meaning"), _fields(root["properties"][name], ""))


def fill(page: str, kind: type[Kind]) -> str:
    """The page with what stands between its marks `<!-- NAME -->` and `<!-- /NAME -->` written anew.

    Raises ValueError where a mark is missing, so that no page silently stays behind its kind.
    """
    for name in PARTS:
        opening, closing = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
        if name not in ("refusals", *crd(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]):
            continue
        before, found, rest = page.partition(opening)
        _, closed, after = rest.partition(closing)
        if not found or not closed:
            raise ValueError(f"the page of {kind.__name__} lacks the mark <!-- {name} --> or <!-- /{name} -->")
        page = before + opening + part(kind, name) + closing + after
    return page


def _fields(schema: dict[str, Any], at: str) -> Iterator[tuple[str, ...]]:
    for name, found in schema.get("properties", {}).items():
        inner = found["items"] if found["type"] == "array" else found
        words = " or ".join(f"`{word}`" for word in found.get("enum", ()) if word)
        meaning = " ".join(filter(None, (found.get("description", inner.get("description", "")), words)))
        yield f"`{at}{name}`", _type(found), meaning.replace("\n", " ").replace("<", "\\<")
        yield from _fields(inner, f"{at}{name}[]." if found["type"] == "array" else f"{at}{name}.")


def _type(schema: dict[str, Any]) -> str:
    match schema:
        case {"type": "array", "items": items}:
            return f"list of {_type(items)}s"
        case {"type": "object", "additionalProperties": value}:
            return f"map of {_type(value)}s"
        case {"type": "object"}:
            return "object"
        case {"type": "integer" | "number", "minimum": low, "maximum": high}:
            return f"number, {low} to {high}"
        case {"type": "integer" | "number"}:
            return "number"
        case {"type": "boolean"}:
            return "true or false"
        case {"format": "date-time"}:
            return "time"
    return "string"


def _refusals(schema: dict[str, Any], at: str) -> Iterator[tuple[str, ...]]:
    for rule in schema.get("x-kubernetes-validations", ()):
        yield f"`{(at + rule.get('fieldPath', '')).removeprefix('.')}`", rule["message"]
    for name in schema.get("required", ()):
        yield f"`{at.removeprefix('.')}.{name}`", "it is missing; add it"
    if words := [word for word in schema.get("enum", ()) if word]:
        yield (
            f"`{at.removeprefix('.')}`",
            f"it isn't one of {', '.join(f'`{word}`' for word in words)}; use one of these",
        )
    for name, found in schema.get("properties", {}).items():
        yield from _refusals(found, f"{at}.{name}")
    if "items" in schema:
        yield from _refusals(schema["items"], f"{at}[]")
