"""Manifests as files have them: every JSON or YAML document, with the place where it stands."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ovnloom.cli.wrong import Wrong

SUFFIXES = (".yaml", ".yml", ".json")
"""What kubectl takes from a directory."""
STDIN = "-"
MOST = 2_000_000
"""Values in one document, all aliases written out: the API server takes objects of 3 MB at most."""


@dataclass(frozen=True, slots=True)
class Document:
    """One object of a file; `place` names the file, the document in it, and the item of a List."""

    place: str
    body: dict[str, Any]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # libyaml where there is one
    """YAML as Kubernetes reads it: what looks like a date is text."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(paths: Iterable[str], *, recursive: bool = False) -> list[Document]:
    """All objects of the files, in order, Lists taken apart. Raises Wrong with everything that can't be read."""
    documents: list[Document] = []
    sentences: list[str] = []
    for path in paths:
        try:
            for file in _files(path, recursive=recursive):
                documents.extend(_documents(file))
        except Wrong as wrong:
            sentences.extend(wrong.sentences)
    if sentences:
        raise Wrong(*sentences)
    return documents


def _files(path: str, *, recursive: bool) -> Iterator[str]:
    if path == STDIN:
        yield path
        return
    if path.startswith(("http://", "https://")):
        raise Wrong(f"{path}: a plan reads no addresses; download it and pass the file, or pipe it into -f -")
    if not os.path.isdir(path):
        yield path
        return
    found = sorted(Path(path).rglob("*") if recursive else Path(path).iterdir())
    files = [str(file) for file in found if file.suffix in SUFFIXES and file.is_file()]
    if not files:
        deeper = "" if recursive else "; -R looks into its directories too"
        raise Wrong(f"{path}: no file in it ends in .yaml, .yml or .json{deeper}")
    yield from files


def _documents(file: str) -> Iterator[Document]:
    name = "stdin" if file == STDIN else file
    try:
        text = sys.stdin.buffer.read() if file == STDIN else Path(file).read_bytes()
    except OSError as problem:
        raise Wrong(f"{name}: it can't be read: {problem.strerror}") from problem
    number = 0
    try:
        for number, content in enumerate(yaml.load_all(text, _Loader), 1):  # noqa: S506,B007,RUF100  (a safe loader)
            if content is not None:
                _refuse_excess(f"{name} document {number}", content)
                yield from _objects(f"{name} document {number}", content)
    except yaml.YAMLError as problem:
        raise Wrong(f"{name} document {number + 1}: {_yaml_words(problem)}") from problem
    except RecursionError as problem:
        raise Wrong(f"{name} document {number + 1}: it is nested too deeply") from problem


def _refuse_excess(place: str, content: Any) -> None:
    """An alias inside of its own anchor has no end, and a few lines of aliases can mean gigabytes."""
    count = 0
    stack = [content]
    while stack:
        value = stack.pop()
        count += 1
        if count > MOST:
            raise Wrong(f"{place}: it has more than {MOST} values once its aliases (*name) are written out; use fewer")
        if isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)


def _yaml_words(problem: yaml.YAMLError) -> str:
    if isinstance(problem, yaml.MarkedYAMLError) and problem.problem_mark is not None:
        mark = problem.problem_mark
        return f"line {mark.line + 1}, column {mark.column + 1}: it is neither YAML nor JSON: {problem.problem}"
    return f"it is neither YAML nor JSON: {str(problem).splitlines()[0]}"


def _objects(place: str, content: Any) -> Iterator[Document]:
    if not isinstance(content, dict):
        raise Wrong(f"{place}: it is {_kind_of(content)}, not an object; write apiVersion, kind, metadata and spec")
    if str(content.get("kind") or "").endswith("List") and "items" in content:
        items = content["items"] or []
        if not isinstance(items, list):
            raise Wrong(f"{place}: items is {_kind_of(items)}; write a list of objects")
        for number, item in enumerate(items):
            yield from _objects(f"{place} items[{number}]", item)
        return
    yield Document(place, content)


def _kind_of(content: Any) -> str:
    return {list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}.get(
        type(content), "something else"
    )
