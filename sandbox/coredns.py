"""The cluster's DNS: CoreDNS as a Deployment, at the address that kubelets tell Pods."""

from typing import Any

import yaml

from sandbox.layout import Layout

LABELS = {"k8s-app": "kube-dns"}
NAME = {"name": "coredns", "namespace": "kube-system"}
ROLE = "system:coredns"
ABOUT_ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "metadata": {"name": ROLE}}
RULES = [
    {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": ["list", "watch"]},
    {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
]
# No forward: names outside of the cluster are nobody's here.
COREFILE = """\
.:53 {
    errors
    health
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        pods insecure
        ttl 30
    }
    cache 30
    reload
    loadbalance
}
"""


def manifests(layout: Layout, image: str) -> str:
    """For `kubectl apply -f -`."""
    subject = {"kind": "ServiceAccount", **NAME}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": ROLE}
    objects: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": NAME},
        {"kind": "ClusterRole", **ABOUT_ROLE, "rules": RULES},
        {"kind": "ClusterRoleBinding", **ABOUT_ROLE, "subjects": [subject], "roleRef": role},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": NAME, "data": {"Corefile": COREFILE}},
        _deployment(image),
        _service(layout),
    ]
    return yaml.safe_dump_all(objects)


def _deployment(image: str) -> dict[str, Any]:
    container = {
        "name": "coredns",
        "image": image,
        "imagePullPolicy": "Never",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": [
            {"name": "dns", "containerPort": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "containerPort": 53, "protocol": "TCP"},
        ],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "volumeMounts": [{"name": "configuration", "mountPath": "/etc/coredns", "readOnly": True}],
    }
    pod = {
        "serviceAccountName": "coredns",
        "priorityClassName": "system-cluster-critical",
        "dnsPolicy": "Default",
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
        "volumes": [{"name": "configuration", "configMap": {"name": "coredns"}}],
    }
    spec = {
        "replicas": 1,
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": pod},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {**NAME, "labels": LABELS}, "spec": spec}


def _service(layout: Layout) -> dict[str, Any]:
    spec = {
        "clusterIP": layout.dns[0],
        "clusterIPs": list(layout.dns),
        "ipFamilyPolicy": "SingleStack" if len(layout.dns) == 1 else "RequireDualStack",
        "selector": LABELS,
        "ports": [
            {"name": "dns", "port": 53, "protocol": "UDP"},
            {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
        ],
    }
    metadata = {"name": "kube-dns", "namespace": "kube-system", "labels": LABELS}
    return {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}
