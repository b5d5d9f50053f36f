"""A Vip is a virtual port that moves between the Pods that share its address, or a plain port, or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ovnloom.api.ip import IP, LONGEST_LABEL, RESERVED, SUBNET
from ovnloom.api.meta import Key
from ovnloom.api.vip import HOST_VM, Vip
from ovnloom.intent import EMPTY, Intent, Parent, Problem, Report, Row, Value
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.port import port_network
from ovnloom.world.problem import invalid
from ovnloom.world.service_indexes import canonical
from ovnloom.world.vip import booked, has_port, sharers, taker

ROW = "Logical_Switch_Port"


def compile_vip(read: Reader, key: Key) -> Intent:
    """The Vip says the address that it holds; its port follows from its type.

    With spec.namespace there is a virtual port for each family, whose parents are the ports of the Pods that share
    it. A load balancer's address needs no port: the gateway answers for it (see compile/subnet.py).
    """
    vip = read.get(Vip, key)
    if vip is None:
        return EMPTY
    taken_by = taker(read, key.name)
    blockers = f"{key.name} is in use by the Pod of IP {taken_by}; it goes when that is gone" if taken_by else ""
    ip = read.view(booked, key.name)
    if ip is None:
        return Intent(report=Report(blockers=blockers if vip.deleting else ""))
    report = _report(vip, ip, taken_by, blockers if vip.deleting else "")
    problems = tuple(_changed(vip, ip))
    net = read.view(port_network, ip.subnet)
    if net is not None and net.is_frozen:
        return Intent.held(*problems, report=report)
    rows: tuple[Row, ...] = ()
    if net is not None and net.is_ovn and has_port(vip, bool(taken_by)):
        rows = tuple(_rows(read, vip, ip))
    return Intent(rows, problems=problems, report=report)


def _rows(read: Reader, vip: Vip, ip: IP) -> Iterator[Row]:
    switch = names.switch(ip.subnet)
    parent = Parent("Logical_Switch", switch, "ports")
    ids = {names.KEY_SWITCH: switch}
    if vip.type == HOST_VM:
        address = " ".join(part for part in (ip.mac, ip.v4, ip.v6) if part)
        columns: dict[str, Value] = {"name": vip.name, "addresses": frozenset({address}), "external_ids": ids}
        yield Row(ROW, vip.name, columns, parent)
        return
    parents = sharers(read, vip)
    for at, text in enumerate(filter(None, (ip.v4, ip.v6))):
        name = names.vip_port(vip.name, is_second=at > 0)
        options = {"virtual-ip": text}
        if parents:
            options["virtual-parents"] = ",".join(parents)
        columns = {"name": name, "type": "virtual", "options": options, "external_ids": ids}
        yield Row(ROW, name, columns, parent)


def _report(vip: Vip, ip: IP, taken_by: str, blockers: str) -> Report:
    spec = {"v4ip": (vip.v4, ip.v4), "v6ip": (vip.v6, ip.v6), "macAddress": (vip.mac, ip.mac)}
    labels: dict[str, str | None] = {RESERVED: taken_by[:LONGEST_LABEL].rstrip("-.")}
    if len(ip.subnet) <= LONGEST_LABEL:
        labels[SUBNET] = ip.subnet
    return Report(
        spec={name: held for name, (said, held) in spec.items() if held and not said},
        status={"v4ip": ip.v4, "v6ip": ip.v6, "mac": ip.mac, "type": vip.type},
        labels=labels,
        ready="ReconcileVipSuccess",
        blockers=blockers,
    )


def _changed(vip: Vip, ip: IP) -> Iterator[Problem]:
    """What older CRDs let users change although the address stays."""
    differing: Mapping[str, tuple[str, str]] = {
        "subnet": (vip.subnet, ip.subnet),
        "v4ip": (canonical(vip.v4), canonical(ip.v4)),
        "v6ip": (canonical(vip.v6), canonical(ip.v6)),
        "macAddress": (vip.mac.lower().replace("-", ":"), ip.mac),
    }
    for field, (said, held) in differing.items():
        if said and said != held:
            wrong = f"spec.{field} is {said}, but the Vip holds {held or 'none'}; change it back, or delete the Vip and"
            yield invalid("VipFixed", f"{wrong} create one with the other value")
