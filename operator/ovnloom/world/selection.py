"""Pods by labels, as a value: what policies mean by their selectors, written down so that equal meanings are equal.

Each distinct one is an object of the world, there as long as a policy uses it (see `world.catalog`). Many policies
that say the same share one, and with it one Port_Group.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from ovnloom.api.meta import Key
from ovnloom.api.selector import Expression, LabelSelector

Terms = tuple[Expression, ...]
Handle = tuple[str, ...]
"""What leads to a selector: a label (key, value) or a label's key that it requires; () when it requires none."""
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""The label with the name of each namespace; the API server sets it, and nobody can change it."""
NEVER = Expression("", "In")
"""A requirement that no labels meet."""


PortName = tuple[str, str]
"""The name of a container port and its protocol (`TCP`, `UDP`, `SCTP`)."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Pods that have these labels, in one namespace or in all that have certain labels.

    `port` narrows it to Pods that have a container port of that name; they are grouped by its number then. `providers`
    narrows it to interfaces of these networks; None is all of them. Two are equal when they mean the same.
    """

    key: Key
    namespace: str = field(default="", compare=False)
    """The one namespace; when empty, `namespaces` tells which."""
    namespaces: Terms = field(default=(), compare=False)
    pods: Terms = field(default=(), compare=False)
    port: PortName | None = field(default=None, compare=False)
    providers: tuple[str, ...] | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        return self.key.name

    def __str__(self) -> str:
        """The selection in words, for people who look at the database."""
        where = self.namespace or (f"namespaces with {words(self.namespaces)}" if self.namespaces else "all namespaces")
        who = f"Pods with {words(self.pods)}" if self.pods else "all Pods"
        port = f", port {self.port[0]}/{self.port[1]}" if self.port else ""
        nets = f", networks {' '.join(self.providers) or 'none'}" if self.providers is not None else ""
        return f"{who} of {where}{port}{nets}"


def select(
    namespaces: str | LabelSelector,
    pods: LabelSelector,
    port: PortName | None = None,
    providers: tuple[str, ...] | None = None,
) -> Selection:
    """The Pods with these labels in a namespace (its name) or in all namespaces with these labels."""
    wide = () if isinstance(namespaces, str) else terms(namespaces)
    namespace = namespaces if isinstance(namespaces, str) else _only(wide)
    if namespace:
        wide = ()
    chosen = terms(pods)
    said = f"{namespace} {_text(wide)} {_text(chosen)} {port} {providers}"
    name = blake2b(said.encode(), digest_size=8).hexdigest()
    return Selection(Key(name), namespace, wide, chosen, port, providers)


def terms(selector: LabelSelector) -> Terms:
    """The requirements of a selector in one order, each once; of a malformed selector one that nothing meets."""
    if selector.malformed:
        return (NEVER,)
    if not selector.match_expressions:
        if not selector.match_labels:
            return ()
        found = [Expression(key, "In", (value,)) for key, value in selector.match_labels.items()]
        return tuple(sorted(found)) if len(found) > 1 else (found[0],)
    both = {Expression(key, "In", (value,)) for key, value in selector.match_labels.items()}
    for key, operator, values in selector.match_expressions:
        both.add(Expression(key, operator, tuple(sorted(set(values))) if operator in ("In", "NotIn") else ()))
    return tuple(sorted(both))


def holds(required: Terms, labels: Mapping[str, str]) -> bool:
    """Whether labels meet all requirements; without any, all labels do."""
    return all(expression.holds(labels) for expression in required)


def handles(required: Terms) -> tuple[Handle, ...]:
    """Labels of which anything that meets the requirements has one: look it up there, and nowhere else.

    The requirement with the fewest values is used. `((),)` when no label is required, nothing when no labels will do.
    """
    best: tuple[Handle, ...] | None = None
    for key, operator, values in required:
        if operator == "In" and (best is None or len(values) < len(best)):
            best = tuple((key, value) for value in values)
        elif operator == "Exists" and best is None:
            best = ((key,),)
    return ((),) if best is None else best


def handles_of(labels: Mapping[str, str]) -> list[Handle]:
    """The handles under which selectors are found that these labels may meet, `()` aside."""
    found: list[Handle] = []
    for item in labels.items():
        found.append(item)
        found.append(item[:1])
    return found


def words(required: Terms) -> str:
    """Requirements as kubectl's `-l` takes them."""
    return ",".join(map(_word, required))


def _only(required: Terms) -> str:
    """The one namespace that can meet the requirements, if that is all that they say."""
    if len(required) == 1 and required[0].key == NAMESPACE_LABEL and required[0].operator == "In":
        values = required[0].values
        return values[0] if len(values) == 1 else ""
    return ""


def _text(required: Terms) -> str:
    return repr([tuple(expression) for expression in required])


def _word(expression: Expression) -> str:
    key, operator, values = expression
    match operator:
        case "In" if len(values) == 1:
            return f"{key}={values[0]}"
        case "In" | "NotIn":
            return f"{key} {operator.lower()} ({','.join(values)})" if values else "nothing"
        case "Exists":
            return key
    return f"!{key}"
