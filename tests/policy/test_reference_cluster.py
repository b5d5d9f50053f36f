"""The reference of administrators' policies says what their documentation says."""

from __future__ import annotations

import pytest
import yaml

from tests.policy.reference import Question
from tests.policy.reference_cluster import ClusterReference

CLUSTER = """
{kind: Node, metadata: {name: n1, labels: {zone: a}}, status: {addresses: [{type: InternalIP, address: 192.0.2.1}]}}
---
{kind: Namespace, metadata: {name: shop, labels: {team: red}}}
---
{kind: Namespace, metadata: {name: bank}}
---
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  nodeName: n2
  containers: [{ports: [{name: http, containerPort: 80}, {name: http3, containerPort: 80, protocol: UDP}]}]
status: {podIPs: [{ip: 10.0.0.1}]}
---
kind: Pod
metadata: {name: vault, namespace: bank}
spec: {nodeName: n2}
status: {podIPs: [{ip: 10.0.0.2}]}
"""
WEB, VAULT, NODE, OUTSIDE = "10.0.0.1", "10.0.0.2", "192.0.2.1", "198.51.100.1"
EVERYBODY = "[{namespaces: {}}]"
SHUT = "{kind: NetworkPolicy, metadata: {name: shut, namespace: shop}, spec: {policyTypes: [Ingress, Egress]}}"
OPEN = "{kind: NetworkPolicy, metadata: {name: open, namespace: shop}, spec: {ingress: [{}]}}"


def admin(priority: int, *actions: str, ports: str = "") -> str:
    """An AdminNetworkPolicy about the shop: what may come in, rule by rule."""
    rules = ", ".join(f"{{action: {action}, from: {EVERYBODY}{ports}}}" for action in actions)
    subject = "{namespaces: {matchLabels: {team: red}}}"
    return f"{{kind: AdminNetworkPolicy, spec: {{priority: {priority}, subject: {subject}, ingress: [{rules}]}}}}"


def cluster(tier: str, action: str, peer: str, protocols: str = "") -> str:
    """A ClusterNetworkPolicy about all Pods called web: where they may go."""
    subject = "{pods: {podSelector: {matchLabels: {app: web}}}}"
    rule = f"{{action: {action}, to: [{peer}]{protocols}}}"
    return f"{{kind: ClusterNetworkPolicy, spec: {{tier: {tier}, priority: 1, subject: {subject}, egress: [{rule}]}}}}"


def baseline(action: str) -> str:
    return admin(0, action).replace("AdminNetworkPolicy", "BaselineAdminNetworkPolicy").replace("priority: 0, ", "")


def allowed(policies: tuple[str, ...], source: str, target: str, port: int = 80, protocol: str = "TCP") -> bool:
    bodies = [*yaml.safe_load_all(CLUSTER), *map(yaml.safe_load, policies)]
    return ClusterReference(bodies).allowed(Question(source, target, protocol, port))


@pytest.mark.parametrize(
    ("policies", "answer"),
    [
        ((admin(5, "Deny"),), False),
        ((admin(5, "Deny"), OPEN), False),
        ((admin(5, "Allow"), SHUT), True),
        ((admin(5, "Allow", "Deny"),), True),
        ((admin(5, "Deny", "Allow"),), False),
        ((admin(5, "Deny"), admin(4, "Allow")), True),
        ((admin(5, "Allow"), admin(4, "Pass"), SHUT), False),
        ((admin(5, "Deny"), admin(4, "Pass")), True),
        ((admin(5, "Deny"), admin(4, "Pass"), baseline("Deny")), False),
        ((baseline("Deny"),), False),
        ((baseline("Deny"), OPEN), True),
        ((baseline("Allow"), SHUT), False),
        ((admin(5, "Deny", ports=", ports: [{portNumber: {port: 81}}]"),), True),
        ((admin(5, "Deny", ports=", ports: [{portRange: {start: 79, end: 80}}]"),), False),
        ((admin(5, "Deny", ports=", ports: [{portNumber: {port: 80, protocol: UDP}}]"),), True),
        ((admin(5, "Deny", ports=", ports: [{namedPort: http}]"),), False),
        ((admin(5, "Deny", ports=", ports: [{namedPort: http3}]"),), True),
    ],
)
def test_the_first_tier_that_decides_is_right_and_in_it_the_first_rule(policies: tuple[str, ...], answer: bool) -> None:
    """Administrators count on their order."""
    assert allowed(policies, VAULT, WEB) is answer


@pytest.mark.parametrize(
    ("policy", "target", "answer"),
    [
        (cluster("Admin", "Deny", "{networks: [0.0.0.0/0]}"), OUTSIDE, False),
        (cluster("Admin", "Deny", "{networks: [0.0.0.0/0]}"), VAULT, False),
        (cluster("Admin", "Deny", "{namespaces: {}}"), OUTSIDE, True),
        (cluster("Admin", "Deny", "{namespaces: {}}"), VAULT, False),
        (cluster("Admin", "Deny", "{nodes: {matchLabels: {zone: a}}}"), NODE, False),
        (cluster("Admin", "Deny", "{nodes: {matchLabels: {zone: b}}}"), NODE, True),
        (cluster("Baseline", "Deny", "{nodes: {}}"), NODE, False),
        (cluster("Baseline", "Pass", "{nodes: {}}"), NODE, True),
        (
            cluster("Baseline", "Deny", "{namespaces: {}}", ", protocols: [{tcp: {destinationPort: {number: 80}}}]"),
            VAULT,
            False,
        ),
        (
            cluster("Baseline", "Deny", "{namespaces: {}}", ", protocols: [{udp: {destinationPort: {number: 80}}}]"),
            VAULT,
            True,
        ),
    ],
)
def test_a_policy_of_the_cluster_is_about_whom_it_says(policy: str, target: str, answer: bool) -> None:
    """Networks are everybody's addresses, Pods' as well; namespaces are Pods only."""
    assert allowed((policy,), WEB, target) is answer
