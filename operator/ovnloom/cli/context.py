"""What kubectl's current context says beside where the cluster is."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import yaml

from ovnloom.kube.access import HOME as HOME

FLAG = "--kubeconfig"


def namespace(arguments: Sequence[str]) -> str:
    """The namespace of the current context; empty when it names none, or when no file can be read.

    Files that can't be read are complained about by who needs what is in them.
    """
    named = os.environ.get("OVNLOOM_KUBECONFIG") or os.environ.get("KUBECONFIG", "")
    for at, word in enumerate(arguments):
        if word == FLAG and at + 1 < len(arguments):
            named = arguments[at + 1]
        elif word.startswith(f"{FLAG}="):
            named = word.partition("=")[2]
    current = ""
    contexts: dict[str, str] = {}
    for path in filter(None, named.split(os.pathsep)):
        try:
            content = yaml.safe_load(Path(path).expanduser().read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            continue
        if not isinstance(content, dict):
            continue
        current = current or str(content.get("current-context") or "")
        for item in content.get("contexts") or ():
            if isinstance(item, dict) and isinstance(item.get("context"), dict):
                contexts.setdefault(str(item.get("name")), str(item["context"].get("namespace") or ""))
    return contexts.get(current, "")
