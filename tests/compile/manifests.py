"""Objects from manifests, as the API server would have them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ovnloom.api.configmap import ConfigMap
from ovnloom.api.meta import Key
from ovnloom.world.moments import Overdue
from ovnloom.world.tables import BY_KIND


class _Loader(yaml.CSafeLoader):
    """Times stay text, as in JSON."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def load(text: str) -> Iterator[Any]:
    """The objects of a text with several YAML documents.

    `kind: Overdue` (metadata as the Pod's, and its `uid`) says that a Pod's grace period has ended, which the
    controller finds out by its clock.
    """
    for body in yaml.load_all(text, _Loader):
        if body is None:
            continue
        if body["kind"] == "Overdue":
            meta = body["metadata"]
            yield Overdue(Key(meta["name"], meta["namespace"]), body["uid"])
        elif body["kind"] == "ConfigMap":
            yield ConfigMap.decode(body)
        else:
            yield BY_KIND[body["apiVersion"], body["kind"]].decode(body)


def load_file(path: Path) -> list[Any]:
    return list(load(path.read_text()))


def decode(*bodies: dict[str, Any]) -> list[Any]:
    """The objects of bodies that a test wrote down as Python values."""
    return [BY_KIND[body["apiVersion"], body["kind"]].decode(body) for body in bodies]
