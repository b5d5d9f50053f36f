"""The reference says what the Kubernetes documentation says. Without that, an agreement proves little."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.policy.reference import Question, Reference

CLUSTER = """
{kind: Node, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}}
---
{kind: Node, metadata: {name: n2}, status: {addresses: [{type: InternalIP, address: 192.0.2.2}]}}
---
{kind: Namespace, metadata: {name: default}}
---
{kind: Namespace, metadata: {name: mine, labels: {project: myproject}}}
---
kind: Pod
metadata: {name: db, namespace: default, labels: {role: db}}
spec: {nodeName: n1, containers: [{ports: [{name: sql, containerPort: 6379}]}]}
status: {podIPs: [{ip: 10.0.0.1}, {ip: "fd00::1"}]}
---
kind: Pod
metadata: {name: frontend, namespace: default, labels: {role: frontend}}
spec: {nodeName: n2, containers: [{ports: [{name: sql, containerPort: 7000}]}]}
status: {podIPs: [{ip: 10.0.0.2}, {ip: "fd00::2"}]}
---
kind: Pod
metadata: {name: other, namespace: default}
spec: {nodeName: n2}
status: {podIPs: [{ip: 10.0.0.3}]}
---
kind: Pod
metadata: {name: mine, namespace: mine}
spec: {nodeName: n2}
status: {podIPs: [{ip: 10.0.0.4}]}
---
kind: Pod
metadata: {name: agent, namespace: mine}
spec: {nodeName: n2, hostNetwork: true}
status: {podIPs: [{ip: 192.0.2.2}]}
"""
DB, FRONTEND, OTHER, MINE = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"
EXAMPLE = """
podSelector: {matchLabels: {role: db}}
policyTypes: [Ingress, Egress]
ingress:
- from:
  - ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24]}
  - namespaceSelector: {matchLabels: {project: myproject}}
  - podSelector: {matchLabels: {role: frontend}}
  ports: [{protocol: TCP, port: 6379}]
egress:
- to: [{ipBlock: {cidr: 10.0.0.2/31}}]
  ports: [{protocol: TCP, port: 5978}]
"""


def allowed(policy: str, source: str, target: str, port: int = 6379, protocol: str = "TCP") -> bool:
    spec: dict[str, Any] = yaml.safe_load(policy)
    body = {"kind": "NetworkPolicy", "metadata": {"name": "p", "namespace": "default"}, "spec": spec}
    return Reference([*yaml.safe_load_all(CLUSTER), body]).allowed(Question(source, target, protocol, port))


@pytest.mark.parametrize(
    ("source", "target", "port", "answer"),
    [
        (FRONTEND, DB, 6379, True),
        (FRONTEND, DB, 6380, False),
        ("fd00::2", "fd00::1", 6379, True),
        (OTHER, DB, 6379, False),
        (MINE, DB, 6379, True),
        ("172.17.0.9", DB, 6379, True),
        ("172.17.1.9", DB, 6379, False),
        ("172.18.0.9", DB, 6379, False),
        ("192.0.2.1", DB, 1, True),  # its node
        ("192.0.2.2", DB, 6379, False),  # another node, and with it the Pods in its network
        (DB, "192.0.2.1", 1, True),
        (DB, "192.0.2.2", 1, False),
        (DB, DB, 1, True),
        (DB, FRONTEND, 5978, True),
        (DB, OTHER, 5978, True),
        (DB, MINE, 5978, False),
        (DB, "fd00::2", 5978, False),
        (OTHER, FRONTEND, 1, True),
    ],
)
def test_the_example_of_the_documentation_means_what_is_written_below_it(
    source: str, target: str, port: int, answer: bool
) -> None:
    """https://kubernetes.io/docs/concepts/services-networking/network-policies/#networkpolicy-resource"""
    assert allowed(EXAMPLE, source, target, port) is answer


@pytest.mark.parametrize(
    ("policy", "source", "target", "answer"),
    [
        ("{}", OTHER, DB, False),
        ("{}", DB, MINE, True),
        ("{egress: []}", DB, MINE, True),
        ("{egress: [{ports: [{port: 1}]}]}", DB, MINE, False),
        ("{policyTypes: [Egress], ingress: []}", MINE, DB, True),
        ("{policyTypes: [Egress]}", DB, MINE, False),
        ("{ingress: [{}]}", MINE, DB, True),
        ("{ingress: [{from: [], ports: []}]}", MINE, DB, True),
        ("{ingress: [{from: [{podSelector: {}}]}]}", OTHER, DB, True),
        ("{ingress: [{from: [{podSelector: {}}]}]}", MINE, DB, False),
        ("{ingress: [{from: [{namespaceSelector: {}}]}]}", MINE, DB, True),
        ("{ingress: [{from: [{namespaceSelector: {}}]}]}", "198.51.100.1", DB, False),
        ("{ingress: [{ports: [{}]}]}", OTHER, DB, True),
        ("{ingress: [{ports: [{protocol: UDP}]}]}", OTHER, DB, False),
        ("{ingress: [{ports: [{port: 6000, endPort: 6379}]}]}", OTHER, DB, True),
        ("{ingress: [{ports: [{port: 6380, endPort: 6400}]}]}", OTHER, DB, False),
        ("{ingress: [{ports: [{port: sql}]}]}", OTHER, DB, True),
        ("{ingress: [{ports: [{port: sql, protocol: UDP}]}]}", OTHER, DB, False),
        ("{ingress: [{ports: [{port: sql}]}]}", OTHER, FRONTEND, False),  # 7000 there
        ("{policyTypes: [Egress], egress: [{ports: [{port: sql}]}]}", OTHER, DB, True),
        ("{policyTypes: [Egress], egress: [{ports: [{port: sql}]}]}", OTHER, "198.51.100.1", False),
        ("{podSelector: {matchExpressions: [{key: role, operator: NotIn, values: [db]}]}}", MINE, OTHER, False),
        ("{podSelector: {matchExpressions: [{key: role, operator: NotIn, values: [db]}]}}", MINE, DB, True),
        ("{podSelector: {matchExpressions: [{key: role, operator: DoesNotExist}]}}", MINE, DB, True),
        ("{podSelector: {matchExpressions: [{key: role, operator: Exists}]}}", MINE, DB, False),
        ("{podSelector: {matchExpressions: [{key: role, operator: In, values: [db]}]}}", MINE, OTHER, True),
    ],
)
def test_what_is_empty_or_missing_means_what_the_api_says(policy: str, source: str, target: str, answer: bool) -> None:
    """Half of the mistakes with this API are about those."""
    assert allowed(policy, source, target) is answer
