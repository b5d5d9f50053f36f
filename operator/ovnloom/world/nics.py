"""Which network interfaces a Pod has, and what it asks of each: Multus annotations, static addresses, pools."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ovnloom.api.meta import Key
from ovnloom.api.nad import Attachment, NetworkAttachmentDefinition
from ovnloom.api.pod import Pod
from ovnloom.intent import Problem
from ovnloom.ipam import NO_ADDRESS, Malformed, Pair, parse_address, parse_mac, parse_pair
from ovnloom.ovn import names
from ovnloom.world.graph import Reader
from ovnloom.world.indexes import PODS_OF_MACHINE
from ovnloom.world.moments import Overdue
from ovnloom.world.problem import shown

DEFAULT_NETWORK = "v1.multus-cni.io/default-network"
NETWORKS = "k8s.v1.cni.cncf.io/networks"
OVN = "ovn.kubernetes.io/"
VIP = "ovn.kubernetes.io/vip"
REASON = "ValidatePodNetworkFailed"
RATES = ("ingress_rate", "egress_rate", "ingress_burst", "egress_burst", "latency", "jitter", "limit")


class Unusable(Exception):
    """What a Pod asks for can't be understood; `args[0]` is the sentence for its user."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a Pod asks for one interface: nothing, an address, one of a list, or the next of an IPPool."""

    address: Pair = NO_ADDRESS
    entries: tuple[Pair, ...] = ()
    pool: str = ""
    family: str = ""
    mac: str = ""
    vip: str = ""
    """The Vip whose address it takes."""


NO_WISH = Wish()


@dataclass(frozen=True, slots=True)
class Nic:
    """One interface. `provider` is the prefix of its annotations; `network` that without an interface's suffix."""

    name: str
    provider: str
    network: str
    subnet: str = ""
    wish: Wish = NO_WISH
    is_default: bool = False

    def annotation(self, word: str) -> str:
        """The full key of one of its annotations."""
        return f"{self.provider}.kubernetes.io/{word}"


def holder_name(read: Reader, pod: Pod) -> str:
    """The name that a Pod's ports and addresses carry: its virtual machine's, where it has one, else its own."""
    if read.settings.keep_vm_ip and pod.owner is not None and pod.owner.kind == "VirtualMachineInstance":
        return pod.owner.name
    return pod.name


def is_overdue(read: Reader, pod: Pod) -> bool:
    """It should have been gone when its grace period ended: what it held is free."""
    if not pod.deleting:
        return False
    overdue = read.get(Overdue, pod.key)
    return overdue is not None and overdue.uid == pod.uid


def runner(read: Reader, machine: Key) -> Key | None:
    """The Pod that has a virtual machine's interfaces: of those that run it (two while it migrates) the oldest."""
    for pod in read.find(PODS_OF_MACHINE, machine):
        if not pod.finished and not is_overdue(read, pod):
            return pod.key
    return None


def is_in_charge(read: Reader, pod: Pod) -> bool:
    """The interfaces of its name are this Pod's, and not (yet) those of another one that runs the same machine."""
    holder = holder_name(read, pod)
    return holder == pod.name or runner(read, Key(holder, pod.namespace)) == pod.key


def nics(read: Reader, pod: Pod) -> tuple[Nic, ...]:
    """The interfaces of a Pod that ovnloom serves. Raises Unusable when an annotation can't be understood."""
    if pod.host_network:
        return ()
    found: list[Nic] = []
    first = pod.annotations.get(DEFAULT_NETWORK)
    if first is None:
        found.append(_nic(read, pod, names.DEFAULT_PROVIDER, names.DEFAULT_PROVIDER, {}, is_default=True))
    asked = [] if first is None else [(item, True) for item in _networks(DEFAULT_NETWORK, first, pod.namespace)]
    listed = pod.annotations.get(NETWORKS)
    if listed:
        asked += [(item, False) for item in _networks(NETWORKS, listed, pod.namespace)]
    times: dict[Key, int] = {}
    for item, _ in asked:
        times[item["key"]] = times.get(item["key"], 0) + 1
    for item, is_default in asked:
        definition = read.get(NetworkAttachmentDefinition, item["key"])
        if definition is None:
            raise Unusable(f"NetworkAttachmentDefinition {item['key']} does not exist; create it or remove its name")
        if definition.attachment is Attachment.NONE:
            continue
        network = provider = definition.provider
        if times[item["key"]] > 1 and item.get("interface"):
            provider = f"{network}.{item['interface']}"
        found.append(_nic(read, pod, provider, network, item, is_default))
    if len({nic.name for nic in found}) < len(found):
        wrong = "names one definition twice; give each its own interface, like namespace/name@eth1"
        raise Unusable(f"annotation {NETWORKS} {wrong}")
    return tuple(found)


def _nic(read: Reader, pod: Pod, provider: str, network: str, item: Mapping[str, Any], is_default: bool) -> Nic:
    name = names.pod_port(holder_name(read, pod), pod.namespace, provider)
    prefix = f"{provider}.kubernetes.io/"
    if pod.written.get(prefix + "allocated") == "true":
        return Nic(name, provider, network, *_granted(pod, prefix), is_default)
    if not pod.annotations and not item:
        return Nic(name, provider, network, is_default=is_default)
    subnet = pod.annotations.get(prefix + "logical_switch", "").strip()
    return Nic(name, provider, network, subnet, _wish(pod, prefix, network, item), is_default)


def _granted(pod: Pod, prefix: str) -> tuple[str, Wish]:
    """What an interface was given is all that it can ask for: a living Pod is never re-addressed."""
    get = pod.written.get
    try:
        pair, mac = parse_pair(get(prefix + "ip_address", "")), get(prefix + "mac_address", "")
        return get(prefix + "logical_switch", ""), Wish(pair, mac=parse_mac(mac) if mac else "", vip=_vip(pod, prefix))
    except Malformed:
        return get(prefix + "logical_switch", ""), NO_WISH


def _vip(pod: Pod, prefix: str) -> str:
    """Only the interface that every Pod has can take a Vip's address."""
    return pod.annotations.get(VIP, "").strip() if prefix == OVN else ""


def _wish(pod: Pod, prefix: str, network: str, item: Mapping[str, Any]) -> Wish:
    get = pod.annotations.get
    for word in RATES:
        value = get(prefix + word)
        if value and not value.strip().isdigit():
            raise Unusable(f"annotation {prefix}{word} is {shown(value)}; write a whole number of 0 or more")
    family = get(prefix + "ip_family", "").strip()
    if family not in ("", "ipv4", "ipv6"):
        raise Unusable(f"annotation {prefix}ip_family is {shown(family)}; use ipv4 or ipv6")
    interface = item.get("interface", "")
    of_interface = f"{network.removesuffix('.ovn')}.kubernetes.io/"
    address = get(f"{of_interface}ip_address.{interface}") or get(prefix + "ip_address")
    address = address or ",".join(item.get("ips", ()))
    mac = get(f"{of_interface}mac_address.{interface}") or get(prefix + "mac_address") or item.get("mac", "")
    pool = get(prefix + "ip_pool", "").strip()
    where = f"annotation {prefix}ip_address"
    try:
        wanted = parse_pair(address)
        where = f"annotation {prefix}mac_address"
        wanted_mac = parse_mac(mac) if mac else ""
        where = f"annotation {prefix}ip_pool"
        entries = _entries(pool)
    except Malformed as malformed:
        raise Unusable(f"{where} {malformed}") from None
    if family and wanted.of(6 if family == "ipv4" else 4) is not None:
        raise Unusable(f"annotation {prefix}ip_family is {family} but ip_address is {address}; use the same family")
    return Wish(wanted, entries, "" if entries else pool, family, wanted_mac, _vip(pod, prefix))


def _entries(pool: str) -> tuple[Pair, ...]:
    """The addresses of a list. A single word that isn't an address names an IPPool, so there are none."""
    if not pool:
        return ()
    if ";" in pool:
        return tuple(parse_pair(entry) for entry in pool.split(";") if entry.strip())
    items = [item.strip() for item in pool.split(",") if item.strip()]
    if len(items) == 1 and not _looks_like_address(items[0]):
        return ()
    pairs = [parse_pair(item) for item in items]
    if len(pairs) == 2 and {pair.families for pair in pairs} == {(4,), (6,)}:
        return (parse_pair(pool),)
    return tuple(pairs)


def _looks_like_address(text: str) -> bool:
    try:
        parse_address(text)
    except Malformed:
        return ":" in text or text.replace(".", "").replace("/", "").isdigit()
    return True


def _networks(where: str, text: str, namespace: str) -> list[dict[str, Any]]:
    """The items of a Multus annotation, in its JSON form or its text form `namespace/name@interface`."""
    stripped = text.strip()
    if not stripped.startswith("["):
        return list(_text_networks(where, stripped, namespace))
    try:
        found = json.loads(stripped)
    except (ValueError, RecursionError):
        raise Unusable(f"annotation {where} is no JSON; write a list of objects, or names with commas") from None
    items: list[dict[str, Any]] = []
    for item in found:
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str) or not name:
            raise Unusable(f'annotation {where} has an item without a name; write items like {{"name": "net1"}}')
        ips = item.get("ips") or []
        plain = [ip.partition("/")[0] for ip in ips if isinstance(ip, str)] if isinstance(ips, list) else []
        mac, interface = item.get("mac"), item.get("interface")
        items.append(
            {
                "key": Key(name, str(item.get("namespace") or namespace)),
                "ips": plain,
                "mac": mac if isinstance(mac, str) else "",
                "interface": interface if isinstance(interface, str) else "",
            }
        )
    return items


def _text_networks(where: str, text: str, namespace: str) -> Iterator[dict[str, Any]]:
    for item in filter(None, (part.strip() for part in text.split(","))):
        path, _, interface = item.partition("@")
        space, slash, name = path.rpartition("/")
        if not name or (slash and not space):
            raise Unusable(f"annotation {where} has {shown(item)}; write namespace/name@interface")
        yield {"key": Key(name, space or namespace), "interface": interface}


def unusable(wrong: Unusable) -> Problem:
    """The problem that the user of the Pod is told."""
    return Problem(REASON, str(wrong.args[0]), "Validated")
