"""Limits of a port, as rows of Open vSwitch (ovs-vswitchd.conf.db(5), QoS)."""

from __future__ import annotations

from collections.abc import Mapping

from ovnloom.host.ovs_rows import Row, Rows
from ovnloom.host.wire import Limits

SHAPED, DISTURBED = "linux-htb", "linux-netem"


def limit(rows: Rows, name: str, limits: Limits, ids: Mapping[str, str]) -> None:
    """The port has these limits and no others; `ids` mark its rows of QoS. A port that is gone has none."""
    port, interface = rows.find("Port", name), rows.find("Interface", name)
    if port is None or interface is None:
        return
    # What leaves the container enters Open vSwitch; the unit there is kbit.
    _assign(interface, "ingress_policing_rate", (limits.out_rate or 0) // 1000)
    _assign(interface, "ingress_policing_burst", (limits.out_burst or 0) // 1000 if limits.out_rate else 0)
    if limits.in_rate is not None:
        _shape(rows, port, limits, ids)
    elif limits.is_disturbed:
        _disturb(rows, port, limits, ids)
    else:
        free(port)


def free(port: Row) -> None:
    """The port has no rows of QoS that nobody else would remove."""
    found = _of(port)
    if found is None:
        return
    port.qos = []
    for queue in found.queues.values():
        queue.delete()
    found.delete()


def _shape(rows: Rows, port: Row, limits: Limits, ids: Mapping[str, str]) -> None:
    qos = _qos(rows, port, SHAPED, ids)
    queue = getattr(qos, "queues", {}).get(0)
    if queue is None:
        queue = rows.insert("Queue")
        queue.external_ids = dict(ids)
        qos.queues = {0: queue}
    wanted = {"max-rate": str(limits.in_rate), "burst": str(limits.in_burst)}
    _assign(queue, "other_config", wanted)


def _disturb(rows: Rows, port: Row, limits: Limits, ids: Mapping[str, str]) -> None:
    values = {"latency": limits.latency, "jitter": limits.jitter, "limit": limits.queue, "loss": limits.loss}
    qos = _qos(rows, port, DISTURBED, ids)
    _assign(qos, "other_config", {name: str(value) for name, value in values.items() if value})


def _qos(rows: Rows, port: Row, kind: str, ids: Mapping[str, str]) -> Row:
    found = _of(port)
    if found is not None and found.type == kind:
        return found
    free(port)
    made = rows.insert("QoS")
    made.type = kind
    made.external_ids = dict(ids)
    port.qos = [made]
    return made


def _of(port: Row) -> Row | None:
    found = getattr(port, "qos", [])  # a row that is new has no columns but those that were written
    return found[0] if found else None


def _assign(row: Row, column: str, value: object) -> None:
    if getattr(row, column, None) != value:
        setattr(row, column, value)
