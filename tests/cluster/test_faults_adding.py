"""Bad input and faults while a Pod gets its network, with a kubelet and containerd that try again."""

import json
import signal

import pytest

from sandbox import until
from sandbox.host import Host
from tests.cluster.site import AGENT, IMAGE, PATIENCE, Site

pytestmark = [pytest.mark.xdist_group("nodes"), pytest.mark.long, pytest.mark.timeout(300)]
QUICK = 20.0
"""In seconds, on a machine with much to do: less than an ADD waits for what nobody has denied."""


def test_an_agent_killed_in_the_middle_of_an_add_finishes_it_when_it_is_back(site: Site) -> None:
    """containerd sees the plugin fail and tries again; half an interface would be in the way."""
    host = site.hosts[-1]
    before = site.starts(AGENT, host)

    with site.without_northbound():
        site.create("cut", host.name)
        until(lambda: site.busy(host) == 1, "the ADD to wait", PATIENCE)
        site.kill(AGENT, host)
        until(lambda: "FailedCreatePodSandBox" in site.events("cut"), "containerd to tell of it", PATIENCE)

    pod = site.ready("cut")
    site.back(AGENT, host, before)
    assert site.is_joined(host, pod)
    assert len(site.ports("cut", host)) == 1


def test_a_pod_deleted_while_its_add_waits_is_gone_soon(site: Site) -> None:
    """Its DEL comes before its ADD has ended, and nothing may come after it."""
    host = site.hosts[-1]

    with site.without_northbound():
        site.create("unborn", host.name)
        until(lambda: site.busy(host) == 1, "the ADD to wait", PATIENCE)
        site.delete("unborn", seconds=QUICK)
        until(lambda: site.busy(host) == 0, "the ADD to end", QUICK)

    assert site.ports("unborn", host) == []


def test_an_annotation_removed_in_flight_comes_back_and_the_pod_starts_with_it(site: Site) -> None:
    """Tools that write whole objects do that; the Pod's port was made for the address that it had."""
    host = site.hosts[-1]
    site.switch(host).controller.send(signal.SIGSTOP)
    try:
        site.create("bare", host.name)
        address = until(lambda: site.note("bare", "ip_address"), "an address", PATIENCE)
        until(lambda: site.busy(host) == 1, "the ADD to wait", PATIENCE)
        gone = (f"ovn.kubernetes.io/{word}-" for word in ("ip_address", "allocated", "routed"))
        site.sandbox.kubectl("annotate", "pod", "bare", *gone)
    finally:
        site.switch(host).controller.send(signal.SIGCONT)

    pod = site.ready("bare")
    assert pod.address == address
    assert until(lambda: site.note("bare", "ip_address"), "the annotation", PATIENCE) == address
    assert site.is_joined(host, pod)


def test_a_full_subnet_fails_quickly_with_the_reason_of_its_event(site: Site) -> None:
    """Who looks at the Pod has to find what to do; and the Pod starts as soon as there is an address."""
    host = site.hosts[-1]
    spec = {"cidrBlock": "10.199.0.0/30", "protocol": "IPv4", "gateway": "10.199.0.1"}
    subnet = {"apiVersion": "kubeovn.io/v1", "kind": "Subnet", "metadata": {"name": "tiny"}, "spec": spec}
    site.sandbox.kubectl("apply", "-f", "-", stdin=json.dumps(subnet))
    try:
        site.create("first", host.name, logical_switch="tiny")
        assert site.ready("first").address == "10.199.0.2"
        site.create("second", host.name, logical_switch="tiny")

        until(lambda: "FailedCreatePodSandBox" in site.events("second"), "the kubelet to tell of it", QUICK)

        told, failed = site.reasons("second")
        assert told in failed

        site.delete("first")
        assert site.ready("second").address == "10.199.0.2"
    finally:
        site.clear()
        site.sandbox.kubectl("delete", "subnet", "tiny", "--timeout=60s", seconds=90)


def test_a_pod_whose_network_namespace_is_gone_can_be_deleted(site: Site) -> None:
    """Somebody tidied /run/netns up: a DEL that fails would keep the Pod in Terminating for ever."""
    host = site.hosts[-1]
    site.create("unnamed", host.name)
    pod = site.ready("unnamed")
    path = site.netns(pod)
    host.run("umount", path)
    host.run("rm", path)

    site.delete("unnamed", seconds=PATIENCE)

    until(lambda: site.ports("unnamed", host) == [], "its port to be gone", PATIENCE)


def test_a_static_pod_has_a_network(site: Site) -> None:
    """Its kubelet knows it by another uid than the API server."""
    host = site.hosts[-1]
    file = host.path("/etc/kubernetes/manifests/static.yaml")
    name = f"static-{host.name}"
    file.write_text(json.dumps(manifest("static")))
    try:
        until(lambda: site.exists("pod", name), "the kubelet to show it", PATIENCE)
        pod = site.ready(name)
        assert site.is_joined(host, pod)
        assert len(site.ports(name, host)) == 1
    finally:
        file.unlink()
    gone(site, name, host)


def manifest(name: str) -> dict[str, object]:
    container = {"name": "main", "image": IMAGE, "args": ["netexec"]}
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}}


def gone(site: Site, name: str, host: Host) -> None:
    until(lambda: not site.exists("pod", name), f"{name} to be gone", PATIENCE)
    until(lambda: site.ports(name, host) == [], "its port to be gone", PATIENCE)
