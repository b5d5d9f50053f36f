"""What makes a kubelet use ovnloom: the plugin's program, and last of all its configuration."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ovnloom import log
from ovnloom.errors import Refused, Unavailable
from ovnloom.host.netns import in_thread
from ovnloom.node import files
from ovnloom.node.view import View
from ovnloom.settings import NodeSettings

logger = log.get("install")

MODE = 0o600
BINARIES = "/opt/cni/bin"
LOOK_SECONDS = 5.0
"""How often the file is looked for."""


class Installing:
    """A part: the CNI configuration is there as soon as Pods can be served, and never before."""

    name = "cni-conf"
    wakes: frozenset[type] = frozenset()
    is_vital = False

    def __init__(
        self, settings: NodeSettings, unready: Callable[[], Awaitable[str]], news: list[Callable[[], None]]
    ) -> None:
        """Who adds something to `news` hears when something has become right that Pods need."""
        self._settings = settings
        self._news = news
        self._unready = unready

    async def follow(self, wake: Callable[[], None]) -> None:
        """Looks again whenever there is news, and when somebody removed the file: no Pod starts without it."""
        self._news.append(wake)
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._settings.cni_conf and not await in_thread(Path(self._settings.cni_conf).exists):
                wake()

    async def converge(self, view: View) -> None:  # noqa: ARG002 # as every part
        """A file that is there is its owner's; only its mode is ours. Raises Unavailable while Pods can't be served."""
        if not self._settings.cni_conf:
            return
        why = await self._unready()
        if why:
            raise Unavailable(f"no Pod can be served yet: {why}")
        await in_thread(install, self._settings)


def install(settings: NodeSettings) -> None:
    """The configuration is there, whole, and for root alone. Raises Unavailable and Refused."""
    path = Path(settings.cni_conf)
    if path.exists():
        if path.stat().st_mode & 0o777 != MODE:
            path.chmod(MODE)
        return
    files.write(path, content(settings), MODE)
    logger.info("the kubelet may start Pods now", file=str(path))


def content(settings: NodeSettings) -> bytes:
    """The configuration to be installed. Raises Refused when the file that has it can't be used."""
    if not settings.cni_conf_source:
        return (json.dumps(default(settings.cni_socket), indent=2) + "\n").encode()
    try:
        found = Path(settings.cni_conf_source).read_bytes()
        json.loads(found)
    except (OSError, ValueError) as problem:
        wrong = f"OVNLOOM_CNI_CONF_SOURCE {settings.cni_conf_source} can't be used: {problem}"
        raise Refused(f"{wrong}; name a file with a CNI configuration list") from problem
    return found


def default(socket: str) -> dict[str, Any]:
    """Our plugin, then those that users of hostPort and of bandwidth annotations rely on."""
    return {
        "cniVersion": "1.0.0",
        "name": "kube-ovn",
        "plugins": [
            {"type": "kube-ovn", "server_socket": socket},
            {"type": "portmap", "snat": True, "capabilities": {"portMappings": True}},
        ],
    }


def install_binaries(source: Path, target: Path) -> list[str]:
    """Every program of one directory is in the other, and was never half there; their names."""
    if not source.is_dir():
        raise Refused(f"{source} is no directory; name the one that has the CNI plugins")
    found = sorted(path for path in source.iterdir() if path.is_file() and path.stat().st_mode & 0o111)
    for path in found:
        files.copy(path, target / path.name)
    return [path.name for path in found]
