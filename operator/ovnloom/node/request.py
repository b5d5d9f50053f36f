"""What the CNI plugin asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from ovnloom.api.meta import Key
from ovnloom.errors import Refused
from ovnloom.host.wire import host_name
from ovnloom.ovn import names

Body = Mapping[str, Any]
NAME_LENGTH = 15


class BadRequest(Refused):
    """The request can't be understood, or asks for what no Subnet provides."""


class Attachment(NamedTuple):
    """One interface of one container (CNI, "Container and interface name")."""

    container: str
    interface: str

    @property
    def host(self) -> str:
        """The name of its end on the host."""
        return host_name(self.container, self.interface)


@dataclass(frozen=True, slots=True)
class Request:
    """ADD, DEL or CHECK of one interface."""

    pod: Key
    container: str
    netns: str
    interface: str
    provider: str = names.DEFAULT_PROVIDER
    uid: str = ""
    """Of the Pod, where the runtime says it."""
    routes: tuple[tuple[str, str], ...] = ()
    """Destination (empty: everything) and gateway, from the plugin's configuration."""
    device: str = ""
    """What the Pod wants in place of a veth pair."""
    previous: Any = None
    """The result that the runtime remembers, for CHECK."""

    @property
    def attachment(self) -> Attachment:
        return Attachment(self.container, self.interface)

    @property
    def is_ovn(self) -> bool:
        """Whether we make the interface; of other networks we only say the addresses."""
        return self.provider == names.DEFAULT_PROVIDER or self.provider.split(".")[2:3] == ["ovn"]

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Raises BadRequest."""
        body = parse(text)
        pod = Key(_text(body, "pod_name"), _text(body, "pod_namespace"))
        device = _text(body, "deviceID", "") or _text(body, "vhost_user_socket_name", "")
        found = cls(
            pod,
            _text(body, "container_id"),
            _text(body, "net_ns", ""),
            _text(body, "if_name"),
            _text(body, "provider", "") or names.DEFAULT_PROVIDER,
            _text(body, "pod_uid", ""),
            tuple(_route(item) for item in body.get("routes") or ()),
            device,
            body.get("prev_result"),
        )
        if len(found.interface) > NAME_LENGTH or "/" in found.interface or " " in found.interface:
            raise BadRequest(
                f"if_name {found.interface!r} is no interface name; use at most 15 characters, no / or space"
            )
        return found


def parse(text: bytes) -> Body:
    """The JSON object of a request. Raises BadRequest."""
    try:
        body = json.loads(text)
    except ValueError as problem:
        raise BadRequest(f"the request is not JSON: {problem}") from problem
    if not isinstance(body, dict):
        raise BadRequest("the request is no JSON object")
    return body


def attachments(body: Body) -> frozenset[Attachment]:
    """The attachments that a GC request wants to keep. Raises BadRequest."""
    found = body.get("valid_attachments")
    if not isinstance(found, list):
        raise BadRequest("valid_attachments is missing; without it nothing is known to be valid")
    return frozenset(Attachment(_text(item, "container_id"), _text(item, "if_name")) for item in found)


def _text(body: Any, name: str, default: str | None = None) -> str:
    found = body.get(name) if isinstance(body, dict) else None
    if isinstance(found, str) and (found or default is not None):
        return found
    if found is None and default is not None:
        return default
    raise BadRequest(f"{name} is {found!r} in the request; write a text that isn't empty")


def _route(item: Any) -> tuple[str, str]:
    if not isinstance(item, dict):
        raise BadRequest(f"routes has {item!r}; write items like {{'dst': '10.0.0.0/8', 'gw': '10.16.0.1'}}")
    return _text(item, "dst", ""), _text(item, "gw", "")
