"""Limits of running Pods follow their annotations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.errors import Refused
from ovnloom.host.ovs_rows import Rows
from ovnloom.host.ports import PORT_NAME
from ovnloom.host.qos import limit
from ovnloom.host.wire import Limits
from ovnloom.node.events import LIMITS_FAILED, LIMITS_SET, PodEvents
from ovnloom.node.limits import WORDS, limits
from ovnloom.node.nic import PROVIDER, Told, pod_key
from ovnloom.node.part import Means
from ovnloom.node.view import View
from ovnloom.node.work import Work
from ovnloom.ovn import names

Asked = tuple[tuple[str, str], ...]


class Quality:
    """A part: each port of a Pod has the limits that the Pod asks for now."""

    name = "limits"
    wakes = frozenset({Pod})
    is_vital = False

    def __init__(self, means: Means, events: PodEvents, work: Work) -> None:
        self._means = means
        self._events = events
        self._work = work
        self._seen: dict[Key, Asked] = {}
        """What each Pod asked for when its ports were looked at last."""

    async def converge(self, view: View) -> None:
        """Only ports whose Pod asks for something else than before are looked at; at the first time, all."""
        is_first = not self._seen
        asked = {key: _asked(pod) for key, pod in view.pods.items()}
        changed = {key for key, found in asked.items() if is_first or self._seen.get(key, ()) != found}
        if changed:
            found = await self._means.ovs.read(partial(_ports, pods=changed))
            busy = {attachment.host for attachment in self._work.attachments}
            for name, ids in found.items():
                if name in busy:
                    changed.discard(pod_key(ids))  # whoever makes it may have read what was asked before
                    continue
                await self._apply(name, ids, view.pods[pod_key(ids)], is_told=not is_first)
        self._seen = {key: found for key, found in asked.items() if key in changed or key in self._seen}

    async def _apply(self, name: str, ids: Mapping[str, str], pod: Pod, *, is_told: bool) -> None:
        told = Told(pod, ids.get(PROVIDER, names.DEFAULT_PROVIDER))
        try:
            wanted = limits(told.prefix, told.get)
        except Refused as refused:
            self._events.tell(pod, pod.key, LIMITS_FAILED, refused.reason)
            return
        marks = {PORT_NAME: ids[PORT_NAME], "pod": str(pod.key)}
        await self._means.ovs.edit(partial(limit, name=name, limits=wanted, ids=marks))
        if is_told:
            said = (
                "no limits"
                if wanted == Limits()
                else ", ".join(f"{word} {told.get(word)}" for word in WORDS if told.get(word))
            )
            self._events.tell(pod, pod.key, LIMITS_SET, f"{ids[PORT_NAME]} has {said}", is_warning=False)


def _asked(pod: Pod) -> Asked:
    """The Pod's annotations about limits, of all of its interfaces."""
    return tuple(sorted((key, value) for key, value in pod.annotations.items() if key.rpartition("/")[2] in WORDS))


def _ports(rows: Rows, pods: set[Key]) -> dict[str, dict[str, str]]:
    return {
        row.name: dict(row.external_ids)
        for row in rows.every("Interface")
        if PORT_NAME in row.external_ids and pod_key(row.external_ids) in pods
    }
