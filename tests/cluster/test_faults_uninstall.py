"""helm uninstall leaves nodes clean, and what comes after it works."""

import json

import pytest

from demo.tour.install import NAMESPACE, RELEASE
from sandbox import images
from sandbox.host import Host
from sandbox.report import Quiet
from tests.cluster.site import Site

pytestmark = [pytest.mark.xdist_group("nodes"), pytest.mark.long, pytest.mark.timeout(400)]
OURS = ("/etc/cni/net.d/01-kube-ovn.conflist", "/opt/cni/bin/kube-ovn", "/run/openvswitch/kube-ovn-daemon.sock")


def left(site: Site, host: Host) -> dict[str, object]:
    """What a node has of ovnloom."""
    links = {each["ifname"] for each in json.loads(host.run("ip", "-json", "link"))}
    ports = set(site.switch(host).vsctl("list-ports", "br-int").split())
    return {
        "interfaces": {each for each in links if each.endswith("_h") or each == "ovn0"},
        "routes": {line for line in host.run("ip", "route").splitlines() if "ovn0" in line},
        "rules": {line for line in host.run("ip", "rule").splitlines() if "proto 111" in line},
        "tables": {line for line in host.run("nft", "list", "tables").splitlines() if "ovnloom" in line},
        "bridges": set(site.switch(host).vsctl("list-br").split()) - {"br-int", "br-phy"},
        # Tunnels are ovn-controller's, and it is the host's own here.
        "ports": {each for each in ports if not each.startswith("ovn-")},
        "files": {path for path in OURS if host.path(path).exists()},
        "sockets": {path.name for path in host.path("/run/openvswitch").iterdir() if "kube-ovn" in path.name},
    }


def test_an_uninstall_leaves_nodes_clean_and_ovnloom_can_be_installed_again(site: Site) -> None:
    """Another network can be installed at once, or the same one: nothing of the first is in its way."""
    before = site.pair()
    assert all(left(site, host)["files"] == set(OURS) for host in site.hosts)

    site.sandbox.helm("uninstall", RELEASE, "--namespace", NAMESPACE, seconds=300)

    for host in site.hosts:
        assert {name: found for name, found in left(site, host).items() if found} == {}

    site.installed.helm(images.ovnloom(Quiet()))
    # Pods that ran lost their network with ovnloom: who uninstalls makes them anew.
    site.renew_pods()
    site.installed.ready()
    assert {pod.node for pod in before} == {pod.node for pod in site.pair()}
    site.talk(*site.pair())
