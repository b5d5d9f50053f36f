"""Dashboard and alerts, with the program that Prometheus itself is checked by."""

import json
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import REGISTRY, disable_created_metrics

import ovnloom.metrics as measured
from sandbox import client
from sandbox.errors import CommandError
from tests.chart.conftest import CHART, Render, one
from tests.chart.promtool import promtool
from tests.conftest import ROOT

RULES = CHART / "files" / "monitoring" / "rules.yaml"
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((CHART / "files" / "monitoring" / "dashboard.json").read_text())
PROMETHEUS_OWN = {"up"}
WORD = re.compile(r"[a-z_:][a-z0-9_:]*", re.IGNORECASE)


@cache
def served() -> set[str]:
    """The names of all series that controllers and agents serve."""
    assert measured.is_leader  # its import has registered them
    disable_created_metrics()
    found = set()
    for family in REGISTRY.collect():
        endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(family.type, ("",))
        found |= {family.name + ending for ending in endings}
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Every question to Prometheus, with where it is asked."""
    for rule in ALERTS:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"].replace("$__rate_interval", "5m")


def named(expression: str) -> set[str]:
    """The names of series in a question: words that are no label, function or keyword."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    bare = re.sub(r"\{[^}]*\}|\[[^]]*\]", "", bare)
    bare = re.sub(r"\b(by|on|without)\s*\([^)]*\)", "", bare)
    found = {match[0] for match in WORD.finditer(bare) if bare[match.end() :].lstrip()[:1] != "("}
    return {word for word in found if word not in {"and", "or", "unless", "by", "on", "sum", "e", "s"}}


def test_every_series_that_is_asked_for_is_served() -> None:
    """An alert on a name that nobody serves never fires, and nobody sees that it can't."""
    asked = {name: where for where, expression in expressions() for name in named(expression)}

    assert len(asked) > 20
    assert {name: where for name, where in asked.items() if name not in served() | PROMETHEUS_OWN} == {}


def test_every_metric_is_on_the_dashboard_or_in_an_alert() -> None:
    """What is measured and shown to nobody is a cost without use."""
    asked = {name for _, expression in expressions() for name in named(expression)}
    unseen = {
        name
        for name in served()
        if name.startswith(("ovnloom_", "kube_ovn_", "cni_", "ovn_"))
        and not name.endswith(("_bucket", "_sum", "_count"))
    } - asked

    assert unseen <= {"ovnloom_world_complete"}


def test_prometheus_takes_the_alerts() -> None:
    """Names, durations, expressions and templates are what its own program says they must be."""
    assert f"{len(ALERTS)} rules found" in client.output(promtool(), "check", "rules", "--lint-fatal", RULES)


def test_prometheus_understands_each_question_of_the_dashboard(tmp_path: Path) -> None:
    """A panel with a mistake is an empty panel."""
    questions = [{"record": "asked", "expr": e, "labels": {"n": str(n)}} for n, (_, e) in enumerate(expressions())]
    file = tmp_path / "questions.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": questions}]}))

    assert f"{len(questions)} rules found" in client.output(promtool(), "check", "rules", file)


NODE = '{instance="192.0.2.1:10665",job="kube-ovn-cni"'
ADD = NODE + ',method="/api/v1/add",status_code='
FIRES: dict[str, dict[str, str]] = {
    "OvnloomNoLeader": {'ovnloom_leader{instance="a"}': "0x60", 'ovnloom_leader{instance="b"}': "0x60"},
    "OvnloomTwoLeaders": {'ovnloom_leader{instance="a"}': "1x60", 'ovnloom_leader{instance="b"}': "1x60"},
    "OvnloomChangesWait": {'ovnloom_queue_age_seconds{instance="a"}': "0+30x60"},
    "OvnloomNorthboundAway": {
        'ovnloom_idl_state{instance="a",state="locked"}': "0x60",
        'ovnloom_idl_state{instance="a",state="connecting"}': "1x60",
    },
    "OvnloomDeletionsWait": {"ovnloom_budget_waiting_rows": "70x60"},
    "OvnloomCompileFails": {'ovnloom_compile_failures_total{kind="Pod"}': "0x50 1x10"},
    "OvnloomOvnRefuses": {'ovnloom_refused_owners_total{kind="Subnet"}': "0x50 1x10"},
    "OvnloomRowsAreChangedByOthers": {'ovnloom_drift_repaired_total{table="ACL"}': "0+1x60"},
    "OvnloomOwnerHeld": {'ovnloom_held_owners{kind="Subnet"}': "0x0 1x90"},
    "OvnloomApiServerRefuses": {'ovnloom_kube_writes_total{verb="patch",kind="pods",outcome="refused"}': "0+1x60"},
    "OvnloomPodsWithoutAddress": {'ovnloom_waiting_pods{subnet="blue"}': "1x60"},
    "OvnloomSubnetNearlyFull": {
        'kube_ovn_subnet_available_ip_count{subnet_name="blue",protocol="IPv4"}': "4x60",
        'kube_ovn_subnet_used_ip_count{subnet_name="blue",protocol="IPv4"}': "96x60",
    },
    "OvnloomAgentDown": {f"up{NODE}}}": "0x60"},
    "OvnloomNodePartFails": {f'ovnloom_node_part_failing{NODE},part="join"}}': "1x60"},
    "OvnloomPodsDontStart": {f'cni_op_latency_seconds_count{ADD}"500"}}': "0+5x60"},
    "OvnloomPodsStartSlowly": {
        f'cni_op_latency_seconds_bucket{ADD}"200",le="0.1"}}': "0x60",
        f'cni_op_latency_seconds_bucket{ADD}"200",le="5"}}': "0x60",
        f'cni_op_latency_seconds_bucket{ADD}"200",le="10"}}': "0+9x60",
        f'cni_op_latency_seconds_bucket{ADD}"200",le="+Inf"}}': "0+9x60",
    },
}
"""Series of an hour, a value a minute, of which each alert has to tell."""
WELL = {
    'ovnloom_leader{instance="a"}': "1x90",
    'ovnloom_leader{instance="b"}': "0x90",
    'ovnloom_leader{instance="192.0.2.1:10665"}': "0x90",
    'ovnloom_queue_age_seconds{instance="a"}': "0 3 0 9 0 0x90",
    'ovnloom_idl_state{instance="a",state="locked"}': "1x90",
    'ovnloom_idl_state{instance="b",state="synced"}': "1x90",
    "ovnloom_budget_waiting_rows": "0x90",
    'ovnloom_drift_repaired_total{table="ACL"}': "0x40 3x50",
    'ovnloom_kube_writes_total{verb="patch",kind="pods",outcome="refused"}': "0x40 1x50",
    'ovnloom_held_owners{kind="Subnet"}': "0x20 1x20 0x50",
    'ovnloom_waiting_pods{subnet="blue"}': "0x20 1x2 0x50",
    'kube_ovn_subnet_available_ip_count{subnet_name="blue",protocol="IPv4"}': "40x90",
    'kube_ovn_subnet_used_ip_count{subnet_name="blue",protocol="IPv4"}': "60x90",
    f"up{NODE}}}": "1x90",
    f'ovnloom_node_part_failing{NODE},part="join"}}': "0x20 1x2 0x60",
    f'cni_op_latency_seconds_count{ADD}"200"}}': "0+9x90",
    f'cni_op_latency_seconds_count{ADD}"500"}}': "0x40 1x50",
    f'cni_op_latency_seconds_bucket{ADD}"200",le="0.1"}}': "0+9x90",
    f'cni_op_latency_seconds_bucket{ADD}"200",le="+Inf"}}': "0+9x90",
}
"""What a cluster serves in which all goes well, with what may go wrong for a moment."""


def fired(series: dict[str, str], tmp_path: Path) -> set[str]:
    """The alerts that fire some time in 90 minutes, as Prometheus computes them."""
    (tmp_path / "rules.yaml").write_text(RULES.read_text())
    given = [{"series": name, "values": values} for name, values in series.items()]
    # That none fires is what is claimed; what contradicts that is what is told.
    claims = [
        {"eval_time": f"{minute}m", "alertname": rule["alert"], "exp_alerts": []}
        for rule in ALERTS
        for minute in range(1, 90)
    ]
    tests = [{"interval": "1m", "input_series": given, "alert_rule_test": claims}]
    (tmp_path / "test.yaml").write_text(yaml.safe_dump({"rule_files": ["rules.yaml"], "tests": tests}))
    command = (promtool(), "test", "rules", tmp_path / "test.yaml")
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    found = set(re.findall(r"alertname: (\w+)", told.stdout + told.stderr))
    assert bool(found) == bool(told.returncode), told
    return found


def test_there_is_a_case_for_every_alert() -> None:
    """One that is never seen to fire may be one that can't."""
    assert list(FIRES) == [rule["alert"] for rule in ALERTS]


@pytest.mark.parametrize("alert", FIRES)
def test_an_alert_fires_when_its_time_has_come(alert: str, tmp_path: Path) -> None:
    """Real Prometheus rules, with an hour of the series that the alert is for."""
    assert alert in fired(WELL | FIRES[alert], tmp_path)


def test_a_controller_that_is_gone_is_no_leader_either(tmp_path: Path) -> None:
    """Then there is no series at all, and a comparison with nothing is nothing."""
    assert fired({}, tmp_path) == {"OvnloomNoLeader"}


def test_nothing_fires_while_all_is_well(tmp_path: Path) -> None:
    """Whoever is woken for nothing switches alerts off."""
    assert fired(WELL, tmp_path) == set()


def test_each_alert_is_explained_with_what_to_do() -> None:
    """At night one reads that page, not the code."""
    page = (ROOT / "docs" / "monitoring.md").read_text()
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))

    assert list(sections) == [rule["alert"] for rule in ALERTS]
    assert [name for name, said in sections.items() if "**Do**" not in said] == []


def test_an_alert_that_is_not_wanted_is_left_out(render: Render) -> None:
    """The others keep their groups and words."""
    on = ("--set", "monitoring.rules.enabled=true", "--set", "monitoring.rules.labels.release=prometheus")
    rule = one(render(*on, "--set", "monitoring.rules.without={OvnloomNoLeader}"), "PrometheusRule", "ovnloom")
    everything = one(render(*on), "PrometheusRule", "ovnloom")

    assert everything["spec"] == yaml.safe_load(RULES.read_text())
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    names = [each["alert"] for group in rule["spec"]["groups"] for each in group["rules"]]
    assert names == [each["alert"] for each in ALERTS if each["alert"] != "OvnloomNoLeader"]


def test_an_unknown_alert_can_not_be_left_out(render: Render) -> None:
    """A typo would leave an alert on that somebody thinks is off."""
    with pytest.raises(CommandError) as refused:
        render("--set", "monitoring.rules.enabled=true", "--set", "monitoring.rules.without={NoLeader}")

    assert 'has "NoLeader", which is no alert; they are OvnloomNoLeader' in str(refused.value)


def test_grafana_finds_the_dashboard(render: Render) -> None:
    """Its sidecar looks for a label, and takes the file as it is."""
    dashboard = one(render("--set", "monitoring.dashboard.enabled=true"), "ConfigMap", "ovnloom-dashboard")

    assert dashboard["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert json.loads(dashboard["data"]["ovnloom.json"]) == DASHBOARD
    assert not [each for each in render() if each["metadata"]["name"] == "ovnloom-dashboard"]


def test_no_two_panels_are_at_one_place() -> None:
    """Grafana would move one of them, and each look would be another page."""
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_agents_are_scraped_as_the_alerts_name_them(render: Render) -> None:
    """The job of a ServiceMonitor's targets is the name of their Service."""
    manifests = render("--set", "serviceMonitor.enabled=true")
    monitor, service = one(manifests, "ServiceMonitor", "kube-ovn-cni"), one(manifests, "Service", "kube-ovn-cni")

    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert {each["port"] for each in monitor["spec"]["endpoints"]} == {
        each["name"] for each in service["spec"]["ports"]
    }
    assert 'up{job="kube-ovn-cni"}' in RULES.read_text()
