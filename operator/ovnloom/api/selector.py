"""Label selectors, as Kubernetes reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from ovnloom.api.fields import Fields
from ovnloom.api.meta import EMPTY, empty, strings

OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


class Expression(NamedTuple):
    """One requirement on one label."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def holds(self, labels: Mapping[str, str]) -> bool:
        match self.operator:
            case "In":
                return labels.get(self.key) in self.values
            case "NotIn":  # also true where the label is missing, as in Kubernetes
                return labels.get(self.key) not in self.values
            case "Exists":
                return self.key in labels
            case "DoesNotExist":
                return self.key not in labels
        return False


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All requirements must hold. An empty selector matches everything; a malformed one matches nothing."""

    match_labels: Mapping[str, str] = field(default_factory=empty)
    match_expressions: tuple[Expression, ...] = ()
    malformed: bool = False

    @property
    def empty(self) -> bool:
        return not (self.match_labels or self.match_expressions or self.malformed)

    def matches(self, labels: Mapping[str, str]) -> bool:
        if self.malformed:
            return False
        if any(labels.get(key) != value for key, value in self.match_labels.items()):
            return False
        return all(expression.holds(labels) for expression in self.match_expressions)


def decode_selector(fields: Fields) -> LabelSelector:
    """The selector; a part that can't be read makes it match nothing, so that a typo never widens it."""
    before = len(fields.malformed)
    wanted = fields.one("matchLabels")
    labels = strings(wanted.body) if wanted else EMPTY
    if wanted and len(labels) != len(wanted.body):
        fields.malformed.append(f"{wanted.path} has a value that is no string; put it in quotes")
    expressions = tuple(_decode_expression(item) for item in fields.many("matchExpressions"))
    return LabelSelector(labels, expressions, malformed=len(fields.malformed) > before)


def _decode_expression(fields: Fields) -> Expression:
    expression = Expression(fields.text("key"), fields.text("operator"), fields.texts("values"))
    if expression.operator not in OPERATORS:
        fields.malformed.append(
            f"{fields.path}.operator is {expression.operator[:60]!r}; use one of {', '.join(OPERATORS)}"
        )
    return expression
