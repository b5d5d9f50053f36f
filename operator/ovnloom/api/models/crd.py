"""The CustomResourceDefinition of a kind, from its model."""

from typing import Any

from ovnloom.api.models.kind import GROUP, VERSION, Kind

CARRIED = (
    "description",
    "enum",
    "format",
    "maxItems",
    "maxLength",
    "maximum",
    "minimum",
    "pattern",
    "required",
    "type",
    "x-kubernetes-validations",
)
"""What a structural schema says in the same words as JSON schema."""
DROPPED = frozenset({"$defs", "title", "default"})
"""The API server fills in no defaults: the user's object stays as written."""


def crd(kind: type[Kind]) -> dict[str, Any]:
    """The definition, ready to be applied."""
    names = kind.names
    version: dict[str, Any] = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [column.encode() for column in names.columns],
        "schema": {"openAPIV3Schema": _root(kind)},
    }
    if names.status_subresource:
        version["subresources"] = {"status": {}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.__name__,
                "listKind": f"{kind.__name__}List",
                "plural": names.plural,
                "singular": names.singular,
                "shortNames": list(names.short),
            },
            "scope": "Cluster",
            "versions": [version],
        },
    }


def _root(kind: type[Kind]) -> dict[str, Any]:
    schema = kind.model_json_schema()
    definitions = schema.get("$defs", {})
    properties: dict[str, Any] = {
        "apiVersion": {"type": "string"},
        "kind": {"type": "string"},
        "metadata": {"type": "object"},
    }
    for name, found in schema["properties"].items():
        if name not in properties:
            properties[name] = structural(found, definitions)
    if "status" in properties:
        properties["status"] = _without_rules(properties["status"])
    root: dict[str, Any] = {"type": "object", "description": schema["description"], "properties": properties}
    if kind.root_rules:
        root["x-kubernetes-validations"] = [rule.encode() for rule in kind.root_rules]
    return root


def structural(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A structural schema: references replaced by what they mean, "or null" left out, nothing unknown carried over.

    Raises ValueError where a model says what a structural schema can't, so that nothing is lost silently.
    """
    if "$ref" in schema:
        meant = definitions[schema["$ref"].removeprefix("#/$defs/")]
        return structural(meant | {name: value for name, value in schema.items() if name != "$ref"}, definitions)
    if "anyOf" in schema:
        choices = [choice for choice in schema["anyOf"] if choice.get("type") != "null"]
        if len(choices) != 1:
            raise ValueError(f"a structural schema has no choice between types: {schema}")
        rest = {name: value for name, value in schema.items() if name != "anyOf"}
        return structural(choices[0] | rest, definitions)
    carried = {name: schema[name] for name in CARRIED if name in schema}
    if schema.get("type") == "integer":
        carried.setdefault("format", "int64")
    if "x-crd-default" in schema:
        carried["default"] = schema["x-crd-default"]
    if "properties" in schema:
        carried["properties"] = {name: structural(found, definitions) for name, found in schema["properties"].items()}
    if "items" in schema:
        carried["items"] = structural(schema["items"], definitions)
    if isinstance(schema.get("additionalProperties"), dict):
        carried["additionalProperties"] = structural(schema["additionalProperties"], definitions)
    known = {*CARRIED, *DROPPED, "x-crd-default", "properties", "items", "additionalProperties"}
    if unknown := set(schema) - known:
        raise ValueError(f"a structural schema can't say {sorted(unknown)}: {schema}")
    return carried


def _without_rules(schema: Any) -> Any:
    """A status says what is so, even of a spec that an older API server let in; nothing of it is ever refused."""
    if isinstance(schema, dict):
        left_out = ("x-kubernetes-validations", "enum", "maxLength", "maxItems", "minimum", "maximum")
        return {name: _without_rules(found) for name, found in schema.items() if name not in left_out}
    return schema
