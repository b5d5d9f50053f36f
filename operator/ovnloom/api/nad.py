"""A NetworkAttachmentDefinition: which provider a further interface of a Pod belongs to."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Self

from ovnloom.api.meta import Object, decode_meta, key_of, part, text

PLUGIN = "kube-ovn"


class Attachment(Enum):
    """What a definition asks of us: a port and an address, an address alone, or nothing."""

    PORT = "port"
    ADDRESS = "address"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class NetworkAttachmentDefinition(Object):
    """Only what its CNI configuration means to us."""

    attachment: Attachment = Attachment.NONE
    malformed: tuple[str, ...] = ()

    @property
    def namespace(self) -> str:
        return self.key.namespace

    @property
    def provider(self) -> str:
        """The provider that Subnets and annotations name, empty when the attachment isn't ours."""
        match self.attachment:
            case Attachment.PORT:
                return f"{self.key.name}.{self.key.namespace}.ovn"
            case Attachment.ADDRESS:
                return f"{self.key.name}.{self.key.namespace}"
        return ""

    @classmethod
    def decode(cls, body: Mapping[str, Any]) -> Self:
        """The definition in a JSON body; without a configuration it is skipped, as Multus reads it from a file."""
        config = text(part(body, "spec"), "config")
        attachment, malformed = _read(config) if config.strip() else (Attachment.NONE, ())
        return cls(key=key_of(body), meta=decode_meta(body), attachment=attachment, malformed=malformed)


def _read(config: str) -> tuple[Attachment, tuple[str, ...]]:
    try:
        found = json.loads(config)
    except (ValueError, RecursionError):
        return Attachment.NONE, ("spec.config is no JSON; write one CNI configuration or a list of plugins",)
    if not isinstance(found, dict):
        return Attachment.NONE, ("spec.config is no JSON object; write one CNI configuration or a list of plugins",)
    listed = found.get("plugins")
    plugins = [found, *(listed if isinstance(listed, list) and not found.get("type") else ())]
    plugins = [plugin for plugin in plugins if isinstance(plugin, dict)]
    if any(plugin.get("type") == PLUGIN for plugin in plugins):
        return Attachment.PORT, ()
    if any(part(plugin, "ipam").get("type") == PLUGIN for plugin in plugins):
        return Attachment.ADDRESS, ()
    return Attachment.NONE, ()
