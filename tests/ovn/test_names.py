"""Names of rows: promises to Kube-OVN's users and tools."""

from hypothesis import given
from hypothesis import strategies as st

from ovnloom.ipam import mac_for
from ovnloom.ovn import names
from ovnloom.ovn.expression import check_match
from ovnloom.ovn.match import at_group, from_set

KUBERNETES_NAME = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True)


def test_the_names_are_those_of_kube_ovn() -> None:
    """Scripts, dashboards and a live migration look rows up by them."""
    assert names.router("") == "ovn-cluster"
    assert names.router_port("acme", "blue") == "acme-blue"
    assert names.switch_router_port("blue", "acme") == "blue-acme"
    assert names.pod_port("web-0", "shop") == "web-0.shop"
    assert names.pod_port("web-0", "shop", "net1.shop.ovn") == "web-0.shop.net1.shop.ovn"
    assert names.node_port("node1") == "node-node1"
    assert names.localnet_port("blue") == "localnet.blue"
    assert names.virtual_port("blue", "10.0.0.9") == "blue-vip-10.0.0.9"
    assert names.node_port_group("kube-node-1") == "node.kube.node.1"
    assert names.subnet_node_port_group("ovn-default", "kube-1") == "ovn.default.kube.1"
    assert names.subnet_node_key("ovn-default", "kube-1") == "ovn-default/kube-1"
    assert names.cluster_load_balancer("tcp") == "cluster-tcp-loadbalancer"
    assert names.cluster_session_load_balancer("udp") == "cluster-udp-session-loadbalancer"
    assert names.vpc_load_balancer("acme", "sctp") == "vpc-acme-sctp-load"
    assert names.vpc_session_load_balancer("acme", "tcp") == "vpc-acme-tcp-sess-load"
    assert names.security_port_group("web-sg") == "ovn.sg.web.sg"
    assert names.security_address_set("web-sg", 4) == "ovn.sg.web.sg.associated.v4"
    assert names.group_addresses("node.n1", 6) == "node.n1_ip6"
    assert names.gateway_chassis("acme-external", "c1") == "acme-external-c1"


def test_the_names_of_a_policy_are_those_of_kube_ovn() -> None:
    """An adopted cluster's policies keep their rows."""
    group = names.policy_port_group("deny-all", "my-shop")

    assert group == "deny.all.my.shop"
    assert names.policy_port_group("0-deny", "shop") == "np0.deny.shop"
    assert names.policy_address_set(group, "ingress", "allow", 4, 0) == "deny.all.my.shop.ingress.allow.IPv4.0"
    assert names.policy_address_set(group, "egress", "except", 6, None) == "deny.all.my.shop.egress.except.IPv6.all"
    assert names.policy_key("deny-all", "my-shop") == "my-shop/deny-all"
    assert names.log_meter(group, "ingress") == "deny.all.my.shop_ingress_meter"


def test_an_acl_name_is_cut_to_what_the_column_takes() -> None:
    """ovsdb-server refuses a longer one and with it the whole transaction."""
    assert names.acl_name("x" * 63) == "x" * 63
    assert names.acl_name("x" * 64) == "x" * 60 + "..."


@given(KUBERNETES_NAME, KUBERNETES_NAME)
def test_every_name_that_a_match_refers_to_can_stand_in_one(one: str, other: str) -> None:
    """Kubernetes allows digits in front, OVN's lexer doesn't: the match would be dropped by every node."""
    groups = (
        names.node_port_group(one),
        names.subnet_node_port_group(one, other),
        names.policy_port_group(one, other),
        names.security_port_group(one),
        names.pool_address_set(one),
    )

    for group in groups:
        assert check_match(str(at_group("outport", group))) is None
        assert check_match(str(from_set(4, names.group_addresses(group, 4)))) is None


def test_objects_whose_names_become_one_can_be_told_apart() -> None:
    """`a-b` and `a.b` both become `a.b`; sharing a port group would mix two policies."""
    group = names.policy_port_group("a-b", "shop")
    assert group == names.policy_port_group("a.b", "shop")

    assert names.distinct(group, "shop", "a-b") != names.distinct(group, "shop", "a.b")
    assert check_match(f"outport == @{names.distinct(group, 'shop', 'a-b')}") is None


@given(st.text(max_size=40))
def test_a_router_port_has_the_mac_that_ipam_makes_of_its_name(name: str) -> None:
    """ipam and ovn don't import each other; two forms of one thing must not drift apart."""
    assert names.router_port_mac(name) == mac_for(name)
