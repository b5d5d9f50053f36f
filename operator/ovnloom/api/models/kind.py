"""What the models share: how fields are named, how rules travel into the schema, and the facts of a CRD."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

GROUP = "kubeovn.io"
VERSION = "v1"
UINT32 = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Rule:
    """A CEL rule of the CRD; `says` is a CEL expression for the sentence, `message` stands in where it can't be built.

    https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules
    """

    rule: str
    message: str
    says: str = ""
    field_path: str = ""

    def encode(self) -> dict[str, Any]:
        encoded = {"rule": _one_line(self.rule), "message": self.message}
        if self.says:
            encoded["messageExpression"] = _one_line(self.says)
        if self.field_path:
            encoded["fieldPath"] = self.field_path
        return encoded


def _one_line(expression: str) -> str:
    return " ".join(expression.split())


def rules(*some: Rule) -> dict[str, Any]:
    """The rules in the form in which a schema carries them."""
    return {"x-kubernetes-validations": [rule.encode() for rule in some]}


def checked(*some: Rule) -> Callable[[dict[str, Any]], None]:
    """Puts rules on the schema of one field or model."""

    def extend(schema: dict[str, Any]) -> None:
        schema.setdefault("x-kubernetes-validations", []).extend(rule.encode() for rule in some)

    return extend


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`; priority 1 is shown with `-o wide` only."""

    name: str
    path: str
    type: Literal["string", "number", "integer", "boolean", "date"] = "string"
    priority: int = 0

    def encode(self) -> dict[str, Any]:
        encoded: dict[str, Any] = {"name": self.name, "jsonPath": self.path, "type": self.type}
        if self.priority:
            encoded["priority"] = self.priority
        return encoded


@dataclass(frozen=True, slots=True)
class Names:
    """What the CRD of a kind says besides its schema."""

    plural: str
    singular: str
    short: tuple[str, ...] = ()
    status_subresource: bool = True
    columns: tuple[Column, ...] = field(default=())


class Model(BaseModel):
    """A JSON object of a manifest. Nothing is required and unknown fields are dropped, as the API server does it."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True, use_attribute_docstrings=True
    )


class Kind(Model):
    """One kind of `kubeovn.io/v1`, cluster-scoped."""

    names: ClassVar[Names]
    root_rules: ClassVar[tuple[Rule, ...]] = ()
    """Rules that need `metadata.name` as well."""

    api_version: str = f"{GROUP}/{VERSION}"
    kind: str
    metadata: dict[str, Any] = {}


def _whole(value: Any) -> Any:
    """An integer of any size from a bare or quoted JSON number; floats above 2^53 come from the API server itself."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


Counter = Annotated[int, BeforeValidator(_whole), WithJsonSchema({"type": "number"})]
"""Addresses counted: a number of any size (an IPv6 /64 has 2^64); beyond 2^53 the API server keeps a float64."""

Uint32 = Annotated[int, Field(ge=0, le=UINT32)]
Name = Annotated[str, Field(max_length=253)]
"""The name of some other object; longer ones can't exist."""


class LabelSelectorRequirement(Model):
    """A requirement on one label."""

    key: str = ""
    operator: str = ""
    """In, NotIn, Exists or DoesNotExist."""
    values: tuple[str, ...] = ()


class LabelSelector(Model):
    """Objects whose labels meet all requirements; an empty selector means all objects."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()


class ConditionItem(Model):
    """One thing that is, or isn't, the case for the object."""

    type: str = ""
    status: str = ""
    """True, False or Unknown."""
    reason: str = ""
    """A CamelCase word for machines."""
    message: str = ""
    """A sentence for people: which field, what is wrong, what to do."""
    observed_generation: int = 0
    """metadata.generation that this was said about."""
    last_update_time: str = Field("", json_schema_extra={"format": "date-time"})
    last_transition_time: str = Field("", json_schema_extra={"format": "date-time"})
