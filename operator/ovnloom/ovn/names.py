"""The names of northbound rows and the keys of their external_ids, as Kube-OVN gives them.

Tools, dashboards and a live migration find rows by these names, so they never change. Where a name stands in a match
expression (`$name`, `@name`) it must be an identifier of OVN's lexer: letters, digits, `_` and `.`, no digit first
(ovn-nb(5), Address_Set and Port_Group `name`). Kubernetes names may have `-`, which becomes `.`.
"""

from collections.abc import Mapping
from hashlib import blake2b, sha256
from typing import Final, Literal

DEFAULT_VPC: Final = "ovn-cluster"
DEFAULT_PROVIDER: Final = "ovn"
JOIN: Final = "join"
"""Subnet that joins the nodes; its real name is a setting."""

VENDOR: Final = "vendor"
"""external_ids key that marks a row as Kube-OVN's; its tools look for it."""
VENDOR_VALUE: Final = "kube-ovn"
OWNER: Final = "ovnloom.io/owner"
"""external_ids key with the owner of the row, `<kind>/<key>`."""

OWNED: Final = "ovnloom:"
"""What the names of our rows begin with in tables that have no external_ids; the owner follows."""

KEY_SWITCH: Final = "ls"
KEY_ROUTER: Final = "lr"
KEY_POD: Final = "pod"
KEY_POLICY: Final = "np"
KEY_GROUP: Final = "sg"
KEY_PARENT: Final = "parent"
KEY_SUBNET: Final = "subnet"
KEY_NODE: Final = "node"
KEY_RULE: Final = "ovnloom.io/rule"
"""The field of its owner that an ACL stands for: `spec.ingress[0]`."""
KEY_SELECTION: Final = "ovnloom.io/selection"
"""What the Pods of a group have in common, in words."""
KEY_SERVICE: Final = "service"
KEY_VIPS: Final = "vips"
KEY_ATTACH_VIPS: Final = "attach-vips"
KEY_SECURITY_GROUPS: Final = "security_groups"
KEY_ADDRESS_FAMILY: Final = "address-family"
KEY_PROTOCOL: Final = "protocol"
KEY_V4_NETWORK: Final = "ipv4_network"
KEY_V6_NETWORK: Final = "ipv6_network"

ACL_NAME_LENGTH: Final = 63
"""ovn-nb(5), ACL `name`: at most 63 characters."""

Protocol = Literal["tcp", "udp", "sctp"]
PROTOCOLS: Final[tuple[Protocol, ...]] = ("tcp", "udp", "sctp")
Direction = Literal["ingress", "egress"]
IPVersion = Literal[4, 6]
HAIRPIN_IPS: Final[Mapping[IPVersion, str]] = {4: "169.254.169.5", 6: "fd69::5"}
"""From where a Pod sees its own traffic that a load balancer sent back to it (ovn-nb(5), `hairpin_snat_ip`)."""


# -- switches, routers and their ports --------------------------------------------------------------------------------


def switch(subnet: str) -> str:
    """The Logical_Switch of a Subnet has the Subnet's name."""
    return subnet


def router(vpc: str) -> str:
    """The Logical_Router of a Vpc has the Vpc's name; an empty spec.vpc is the default Vpc."""
    return vpc or DEFAULT_VPC


def router_port(router_name: str, switch_name: str) -> str:
    """The router's half of the link between a router and a switch (a Subnet's or an external one)."""
    return f"{router_name}-{switch_name}"


def switch_router_port(switch_name: str, router_name: str) -> str:
    """The switch's half of that link: a port of type router whose options:router-port is `router_port`."""
    return f"{switch_name}-{router_name}"


def peering_port(router_name: str, remote: str) -> str:
    """The router's half of a peering of two Vpcs; its `peer` is the same with the names swapped."""
    return f"{router_name}-{remote}"


def router_port_mac(name: str) -> str:
    """The MAC of a router port follows from its name: unicast, locally administered, the same after a rebuild.

    The form is that of `ipam.mac_for(name)`; ipam and ovn don't import each other. A row that exists keeps its MAC.
    """
    octets = bytearray(blake2b(f"{name}\0{0}".encode(), digest_size=6).digest())
    octets[0] = octets[0] & 0xFC | 0x02
    return octets.hex(":")


def pod_port(pod: str, namespace: str, provider: str = DEFAULT_PROVIDER) -> str:
    """The port of a Pod's interface, and its IP object's name; for a virtual machine's Pod, `pod` is the machine."""
    if provider in {"", DEFAULT_PROVIDER}:
        return f"{pod}.{namespace}"
    return f"{pod}.{namespace}.{provider}"


def provider_of(port: str, pod: str, namespace: str) -> str:
    """The network that a Pod's port is in, from the port's name: `ovn`, or `definition.namespace.ovn`."""
    parts = port[len(f"{pod}.{namespace}.") :].split(".")
    return ".".join(parts[:3]) if parts[0] else DEFAULT_PROVIDER


def interface_of(port: str, pod: str, namespace: str) -> str:
    """The provider of a Pod's port, from the port's name: `provider_of`, and an interface's suffix where it has one."""
    return port[len(f"{pod}.{namespace}.") :] or DEFAULT_PROVIDER


def vip_booking(vip: str) -> str:
    """The IP object that holds the address of a Vip: named as the Vip, unless a Pod or node could be called so.

    The ports of Pods have a dot in their names, those of nodes begin with `node-`. It is short enough for a label.
    """
    if "." in vip or vip.startswith("node-") or len(vip) > 63:
        return f"vip-{sha256(vip.encode()).hexdigest()[:16]}"
    return vip


def vip_port(vip: str, is_second: bool = False) -> str:
    """The port of a Vip; with both families the IPv6 address needs a virtual port of its own."""
    return f"{vip}-v6" if is_second else vip


def switch_lb_service(rule: str) -> str:
    """The Service of a SwitchLBRule."""
    return f"slr-{rule}"


def vpc_dns(name: str) -> str:
    """The SwitchLBRule of a VpcDns, its Deployment, and the label of its Pods."""
    return f"vpc-dns-{name}"


def node_port(node: str) -> str:
    """The port of a node on the join switch, and its IP object's name."""
    return f"node-{node}"


def localnet_port(switch_name: str) -> str:
    """The port by which a switch reaches a physical network."""
    return f"localnet.{switch_name}"


def virtual_port(switch_name: str, address: str) -> str:
    """The virtual port of an address of spec.vips."""
    return f"{switch_name}-vip-{address}"


def gateway_chassis(router_port_name: str, chassis: str) -> str:
    """The Gateway_Chassis row that puts a router port onto a chassis."""
    return f"{router_port_name}-{chassis}"


def u2o_address(vpc: str, subnet: str) -> str:
    """The IP object of a Subnet's underlay-to-overlay address."""
    return f"u2o-interconnection.{vpc}.{subnet}"


def u2o_excluded(subnet: str, family: IPVersion) -> str:
    """The address set of nodes, to which the Pods of an interconnected Subnet go by the physical gateway."""
    return _identifier(f"{subnet}.u2o_exclude_ip.ip{family}")


def querier_address(subnet: str) -> str:
    """The IP object of a Subnet's multicast querier."""
    return f"mcast-querier.{subnet}"


# -- load balancers ---------------------------------------------------------------------------------------------------


def cluster_load_balancer(protocol: Protocol) -> str:
    """The default Vpc's load balancer; the name is a setting's default."""
    return f"cluster-{protocol}-loadbalancer"


def cluster_session_load_balancer(protocol: Protocol) -> str:
    """The default Vpc's load balancer of Services with session affinity; the name is a setting's default."""
    return f"cluster-{protocol}-session-loadbalancer"


def vpc_load_balancer(vpc: str, protocol: Protocol) -> str:
    """The load balancer of another Vpc."""
    return f"vpc-{vpc}-{protocol}-load"


def vpc_session_load_balancer(vpc: str, protocol: Protocol) -> str:
    """The load balancer of another Vpc's Services with session affinity."""
    return f"vpc-{vpc}-{protocol}-sess-load"


def load_balancer_group(vpc: str) -> str:
    """The group of a Vpc's load balancers, which its switches refer to.

    The table has no external_ids, so the name says whose the row is; see `owner_in`.
    """
    return f"{OWNED}Vpc/{vpc}"


def owner_in(name: str) -> str | None:
    """The owner that a name of such a row tells, None for a row that isn't ours."""
    return name.removeprefix(OWNED) if name.startswith(OWNED) else None


def service_load_balancer(namespace: str, service: str, protocol: Protocol) -> str:
    """The load balancer of a Service's ports of one protocol."""
    return f"{namespace}/{service}/{protocol}"


def local_load_balancer(namespace: str, service: str, protocol: Protocol, family: IPVersion) -> str:
    """The load balancer of those addresses of a Service whose backends differ by node."""
    return f"{namespace}/{service}/{protocol}/node/IPv{family}"


def service_key(namespace: str, service: str) -> str:
    """The value of `service` in the external_ids of these rows."""
    return f"{namespace}/{service}"


def node_variable(namespace: str, service: str, *identity: str) -> str:
    """A variable of Chassis_Template_Var; a word of OVN's lexer, so what it is for can't be read from it."""
    return "svc_" + blake2b("/".join((namespace, service, *identity)).encode(), digest_size=10).hexdigest()


# -- port groups and address sets -------------------------------------------------------------------------------------


def node_port_group(node: str) -> str:
    """The group of the default Vpc's Pods on a node."""
    return _identifier(f"node.{node}")


ISOLATED: Final = "ovnloom.egress"
"""Stands for the group below where the node isn't known yet."""


def isolated_port_group(node: str) -> str:
    """The group of a node's Pods that NetworkPolicies isolate from where they send to."""
    return _identifier(f"{ISOLATED}.{node}")


def subnet_node_port_group(subnet: str, node: str) -> str:
    """The group of a distributed Subnet's Pods on a node."""
    return _identifier(f"{subnet}.{node}")


def subnet_node_key(subnet: str, node: str) -> str:
    """The value of `np` in that group's external_ids."""
    return f"{subnet}/{node}"


def policy_port_group(name: str, namespace: str) -> str:
    """The group of the Pods that a NetworkPolicy selects."""
    named = name if name[:1].isalpha() else f"np{name}"
    return _identifier(f"{named}.{namespace}")


def policy_key(name: str, namespace: str) -> str:
    """The value of `np` in the external_ids of that group."""
    return f"{namespace}/{name}"


def policy_set_key(name: str, namespace: str, direction: Direction) -> str:
    """The value of `np` in the external_ids of the policy's address sets."""
    return f"{namespace}/{name}/{direction}"


def policy_address_set(
    group: str, direction: Direction, kind: Literal["allow", "except"], family: IPVersion, index: int | None
) -> str:
    """The set of addresses that a rule allows or excepts; index None is `all`. `group` is the policy's port group."""
    which = "all" if index is None else str(index)
    return _identifier(f"{group}.{direction}.{kind}.IPv{family}.{which}")


def security_port_group(group: str) -> str:
    """The group of the ports that a SecurityGroup protects."""
    return _identifier(f"ovn.sg.{group}")


def selection_group(selection: str) -> str:
    """The group of the Pods that policies select by the same labels.

    Kubernetes names have no `_`, so no other group has its name.
    """
    return f"sel_{selection}"


def numbered_group(group: str, number: int) -> str:
    """The part of such a group whose Pods have the named port under this number."""
    return f"{group}_{number}"


ClusterKind = Literal["anp", "banp", "cnp"]
"""AdminNetworkPolicy, BaselineAdminNetworkPolicy, ClusterNetworkPolicy."""


def cluster_policy_group(kind: ClusterKind, name: str) -> str:
    """The group of the Pods that a cluster-wide policy is about.

    Kubernetes names have no `_`, so no group of another kind has its name, and `a-b` and `a.b` have different ones.
    """
    return f"{kind}_{name.replace('-', '_')}"


def cluster_policy_nodes(kind: ClusterKind, name: str, rule: int, family: IPVersion) -> str:
    """The set of addresses of the nodes that an egress rule of a cluster-wide policy names."""
    return f"nodes_{cluster_policy_group(kind, name)}_{rule}_v{family}"


DENY_ALL_PORT_GROUP: Final = "ovn.sg.kubeovn_deny_all"
"""The group of all ports that any SecurityGroup protects."""


def security_address_set(group: str, family: IPVersion) -> str:
    """The addresses of the ports that a SecurityGroup protects."""
    return _identifier(f"ovn.sg.{group}.associated.v{family}")


def associated_group_key(group: str) -> str:
    """The external_ids key of a port that says, `true` or `false`, whether a SecurityGroup protects it."""
    return f"associated_sg_{group}"


def group_addresses(port_group: str, family: IPVersion) -> str:
    """The address set that OVN itself keeps of the addresses of a port group (ovn-nb(5), Port_Group)."""
    return f"{port_group}_ip{family}"


def pool_address_set(pool: str) -> str:
    """The addresses of an IPPool with enableAddressSet."""
    return _identifier(pool)


RESERVED_GROUPS: Final = ("node.", "ovn.sg.", "ovnloom.")
"""How the names of groups begin that are not of policies."""


def distinct(name: str, *identity: str) -> str:
    """A name that no other object's can be, for when two objects' names become one (`a-b` and `a.b`).

    Only the object that came later needs it: the first keeps the name that tools know.
    """
    return f"{name}.{sha256('/'.join(identity).encode()).hexdigest()[:8]}"


# -- ACLs, meters -----------------------------------------------------------------------------------------------------


def policy_drop_acl(name: str, namespace: str) -> str:
    """The ACL that denies what no rule of a NetworkPolicy allows."""
    return acl_name(f"{namespace}/{name}")


def policy_rule_acl(name: str, namespace: str, direction: Direction, family: IPVersion, index: int) -> str:
    """The ACL of a NetworkPolicy's rule with selector peers."""
    return acl_name(f"np/{name}.{namespace}/{direction}/IPv{family}/{index}")


def policy_block_acl(name: str, namespace: str, direction: Direction, family: IPVersion, index: int) -> str:
    """The ACL of a NetworkPolicy's rule with ipBlock peers."""
    return acl_name(f"np/{name}.{namespace}/{direction}/IPv{family}/{index}/ipBlock")


def cluster_rule_acl(kind: ClusterKind, name: str, direction: Direction, index: int, rule: str) -> str:
    """The ACL of a rule of a cluster-wide policy; rules may have names of their own."""
    return acl_name("/".join(part for part in (kind, name, direction, str(index), rule) if part))


def acl_name(text: str) -> str:
    """A name that the column takes: longer ones are cut and end in dots."""
    return text if len(text) <= ACL_NAME_LENGTH else text[: ACL_NAME_LENGTH - 3] + "..."


def log_meter(port_group: str, direction: Direction) -> str:
    """The Meter that limits the log of a policy's ACLs."""
    return f"{port_group}_{direction}_meter"


def _identifier(text: str) -> str:
    """The text as an identifier of OVN's lexer.

    A digit in front gets a `_` before it: with the bare name, OVN refuses every expression that refers to it.
    """
    dotted = text.replace("-", ".")
    return f"_{dotted}" if dotted[:1].isdigit() else dotted


def distributed_port_group(node: str) -> str:
    """The group of a node's Pods, of all distributed Subnets, whose traffic to the outside leaves by that node."""
    return _identifier(f"ovnloom.distributed.{node}")
