"""`ovnloom pods`: each interface of each Pod, with its place in the network and what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ovnloom.api.ip import IP
from ovnloom.api.meta import Key
from ovnloom.api.pod import Pod
from ovnloom.api.selector import LabelSelector
from ovnloom.cli import bindings, isolation
from ovnloom.cli.addresses import counting
from ovnloom.cli.bindings import Bindings
from ovnloom.cli.ovn_tools import Tools
from ovnloom.cli.start import Against, start
from ovnloom.cli.wrong import Wrong
from ovnloom.intent import Owner, Problem
from ovnloom.ovn import names
from ovnloom.pipeline import Pipeline
from ovnloom.settings import Settings

UNKNOWN = "?"
"""The state of a port when there is no southbound database to ask."""
MISSING = "missing"
"""OVN has no such port."""
COLUMNS = ("NAMESPACE", "POD", "NETWORK", "SUBNET", "ADDRESS", "MAC", "NODE", "PORT", "ISOLATED", "WARNINGS")
STYLES = {"up": "green", "down": "red", "unbound": "yellow", MISSING: "red"}


@dataclass(frozen=True, slots=True)
class Interface:
    """One interface of a Pod."""

    pod: Key
    network: str
    """`ovn` for the interface that every Pod has, else the provider of the attachment."""
    subnet: str
    addresses: tuple[str, ...]
    mac: str
    node: str
    port: str
    """up, down (its node has it, and it doesn't work yet), unbound (no node has it), missing or unknown."""
    policies: Mapping[str, tuple[str, ...]]
    """By direction (`ingress`, `egress`) the policies that let nothing through but what they name."""
    warnings: tuple[Problem, ...]

    @property
    def isolated(self) -> str:
        """The directions in which only what policies allow goes through."""
        return "both" if len(self.policies) == 2 else next(iter(self.policies), "no")


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that `ovnloom pods` answers."""

    interfaces: list[Interface]
    notes: list[str]


def make(settings: Settings, tools: Tools, namespace: str, wanted: LabelSelector) -> Result:
    """The Pods of a namespace, or of all (no namespace), as the cluster and OVN have them. Raises Wrong."""
    begun = start((), Against("cluster", True), settings, recursive=False, namespace="default", with_rows=False)
    outlook = begun.scenario.outlook
    pipeline = outlook.pipeline
    # Before anything is computed: what comes then is what the controller would give, and the Pod doesn't have it yet.
    given = dict(pipeline.world.tables[IP])
    outlook.settle()
    notes = list(begun.scenario.notes)
    ports = _bindings(tools, notes)
    isolated = _isolated(pipeline)
    problems = outlook.problems()
    found: list[Interface] = []
    on_host = 0
    for key, pod in pipeline.world.tables[Pod].items():
        if pod.finished or namespace not in ("", key.namespace) or not wanted.matches(pod.labels):
            continue
        if pod.host_network:
            on_host += 1
            continue
        said = problems.get(Owner("Pod", key), ())
        found += _interfaces(pod, _ports(pipeline, key), given, ports, isolated, said)
    if on_host:
        notes.append(f"{on_host} {'Pod uses' if on_host == 1 else 'Pods use'} the network of the host, and no port")
    return Result(sorted(found, key=_order), notes)


def _bindings(tools: Tools, notes: list[str]) -> Bindings | None:
    """The ports of OVN; without them the rest of the answer is still worth something."""
    if not tools.has_southbound:
        notes.append(f"there is no southbound database at {tools.sb}, so the state of ports is unknown; use --ovn-sb")
        return None
    try:
        return bindings.read(tools)
    except Wrong as wrong:
        notes.append(f"the state of ports is unknown: {wrong.sentences[0]}")
        return None


def _ports(pipeline: Pipeline, pod: Key) -> list[str]:
    """The names of the ports that a Pod should have."""
    rows = pipeline.wanted.rows(Owner("Pod", pod))
    return [row.name for row in rows if row.table == "Logical_Switch_Port"]


def _isolated(pipeline: Pipeline) -> Mapping[tuple[Key, str], Mapping[str, tuple[str, ...]]]:
    found: dict[tuple[Key, str], dict[str, tuple[str, ...]]] = {}
    for place, policies in isolation.state(pipeline).items():
        if place.effect == "isolates":
            found.setdefault((place.pod, place.network), {})[place.direction] = tuple(sorted(policies))
    return found


def _interfaces(
    pod: Pod,
    wanted: Collection[str],
    given: Mapping[Key, IP],
    ports: Bindings | None,
    isolated: Mapping[tuple[Key, str], Mapping[str, tuple[str, ...]]],
    said: tuple[Problem, ...],
) -> Iterator[Interface]:
    for port in wanted or ("",):
        ip = given.get(Key(port)) if port else None
        network = names.provider_of(port, ip.pod_name, ip.namespace) if ip else names.DEFAULT_PROVIDER
        binding = ports.ports.get(port) if ports else None
        state = UNKNOWN if ports is None else MISSING if binding is None else binding.state
        warnings = list(said)
        if ip is None or not ip.ip_address:
            warnings.append(Problem("NoAddress", "it has no address yet; the controller's log and Events say why"))
        elif state == MISSING:
            warnings.append(Problem("NoPort", f"OVN has no port {port}; `ovnloom plan` says whether one is to come"))
        elif binding is not None and binding.node and pod.node and binding.node != pod.node:
            warnings.append(Problem("OtherNode", f"its port is on node {binding.node}, the Pod on {pod.node}"))
        yield Interface(
            pod=pod.key,
            network=network,
            subnet=ip.subnet if ip else "",
            addresses=tuple(filter(None, (ip.v4, ip.v6))) if ip else (),
            mac=ip.mac if ip else "",
            node=pod.node,
            port=state,
            policies=isolated.get((pod.key, network), {}),
            warnings=tuple(dict.fromkeys(warnings)),
        )


def _order(found: Interface) -> tuple[object, ...]:
    return found.pod.namespace, counting(found.pod.name), found.network != names.DEFAULT_PROVIDER, found.network


def rows(result: Result) -> tuple[tuple[str, ...], list[list[str]]]:
    """The columns and rows of the table; NETWORK only where some Pod has several."""
    has_several = any(found.network != names.DEFAULT_PROVIDER for found in result.interfaces)
    columns = tuple(column for column in COLUMNS if has_several or column != "NETWORK")
    table = []
    for found in result.interfaces:
        cells = [
            found.pod.namespace,
            found.pod.name,
            *((found.network,) if has_several else ()),
            found.subnet or "-",
            ",".join(found.addresses) or "-",
            found.mac or "-",
            found.node or "-",
            found.port,
            found.isolated,
            ",".join(warning.reason for warning in found.warnings),
        ]
        table.append(cells)
    return columns, table


def sentences(result: Result) -> list[str]:
    """The warnings in full, and the notes."""
    warnings = [
        f"{found.pod}: {warning.reason}: {warning.message}" for found in result.interfaces for warning in found.warnings
    ]
    return [*dict.fromkeys(warnings), *(f"note: {note}" for note in result.notes)]


def answer(result: Result) -> dict[str, Any]:
    """The same for programs; docs/kubectl-loom.md describes each field."""
    return {
        "schema": "ovnloom.io/pods/v1",
        "pods": [
            {
                "namespace": found.pod.namespace,
                "name": found.pod.name,
                "network": found.network,
                "subnet": found.subnet,
                "addresses": list(found.addresses),
                "mac": found.mac,
                "node": found.node,
                "port": found.port,
                "isolated": found.isolated,
                "policies": {direction: list(policies) for direction, policies in sorted(found.policies.items())},
                "warnings": [{"reason": one.reason, "message": one.message} for one in found.warnings],
            }
            for found in result.interfaces
        ],
        "notes": result.notes,
    }
