"""Settings: one field each, with its unit, default and why; read from the environment (`OVNLOOM_…`) or flags.

The defaults are those of kube-ovn-controller's flags where one exists, so a cluster that moves over keeps its names.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything that a user may want to change about the controller."""

    model_config = SettingsConfigDict(env_prefix="OVNLOOM_", extra="ignore", frozen=True)

    # Connections
    ovn_nb: str = Field(
        "unix:/run/ovn/ovnnb_db.sock",
        description="Northbound database: comma list of `unix:`, `tcp:` or `ssl:` remotes; the leader is found.",
    )
    ovn_timeout: float = Field(30, gt=0, description="Seconds that one northbound transaction may take.")
    ovn_private_key: str = Field("", description="File of the client key for `ssl:` remotes.")
    ovn_certificate: str = Field("", description="File of the client certificate for `ssl:` remotes.")
    ovn_ca_certificate: str = Field("", description="File of the CA that signed the database's certificate.")
    kubeconfig: str = Field("", description="File; empty means the Pod's service account, then `$KUBECONFIG`.")
    kube_timeout: float = Field(20, gt=0, description="Seconds that one request to the API server may take.")
    kube_writes: int = Field(32, ge=1, description="Requests to the API server that may be under way at once.")

    # Default network
    cluster_router: str = Field("ovn-cluster", description="Name of the default Vpc and of its router.")
    default_subnet: str = Field("ovn-default", description="Subnet of Pods whose namespace is bound to none.")
    default_cidr: str = Field("10.16.0.0/16", description="CIDR of that Subnet at the first start; dual: `v4,v6`.")
    default_gateway: str = Field("", description="Its gateway; empty means the first address.")
    default_exclude_ips: str = Field("", description="Comma list of addresses or `a..b` that it must not give out.")
    default_gateway_check: bool = Field(True, description="Whether nodes probe its gateway before a Pod starts.")
    join_subnet: str = Field("join", description="Subnet that joins nodes to the default Vpc.")
    join_cidr: str = Field("100.64.0.0/16", description="CIDR of the join Subnet at the first start; dual: `v4,v6`.")
    join_gateway: str = Field("", description="Gateway of the join Subnet; empty means the first address.")
    service_cidr: str = Field("10.96.0.0/12", description="Range of Service addresses; no Subnet may overlap it.")
    enable_lb: bool = Field(True, description="Whether Subnets carry the load balancers of their Vpc by default.")
    np_enforcement: Literal["standard", "lax"] = Field(
        "standard",
        description="What NetworkPolicies cut off unless their annotation says otherwise: all IP traffic, or (`lax`) "
        "TCP, UDP and SCTP alone, as some applications of kube-ovn's users expect.",
    )
    enable_ecmp: bool = Field(False, description="Whether centralised Subnets use all their ready gateways at once.")
    network_type: Literal["geneve", "vxlan", "stt", "vlan"] = Field("geneve", description="Tunnel between nodes.")
    vpc_dns_vip: str = Field(
        "", description="Address of the name servers of all VpcDns objects, `v4,v6` for both; empty: none is served."
    )
    pod_nic_type: str = Field("veth-pair", description="Written on Pods that don't say their own `pod_nic_type`.")
    keep_vm_ip: bool = Field(True, description="Whether Pods of one KubeVirt virtual machine share its addresses.")
    distributed_rows: Literal["node", "subnet-node"] = Field(
        "node",
        description="Rows that steer Pods of distributed Subnets to their node: one policy a node, or one for each "
        "(Subnet, node) as kube-ovn writes them, for tools that look at those.",
    )

    # Behaviour
    namespace: str = Field("kube-system", description="Namespace of the Lease.")
    identity: str = Field("", description="Name of this replica in the Lease; empty means host name and a random part.")
    lease: str = Field(
        "kube-ovn-controller", description="Lease that the leader holds; kube-ovn's, so both never write."
    )
    lease_seconds: float = Field(15, gt=0, description="Seconds after which a silent leader is replaced.")
    batch_owners: int = Field(500, ge=1, description="Owners that go into one transaction at most.")
    max_delete_share: float = Field(0.1, ge=0, le=1, description="Share of our rows that one plan may delete unasked.")
    max_delete_rows: int = Field(50, ge=0, description="Rows that one plan may always delete unasked.")
    status_interval: float = Field(1, ge=0, description="Seconds between two writes of one Subnet's usage, at least.")

    # Serving and log
    listen: str = Field(
        ":10660", description="Address of /metrics, /healthz and /readyz; without a host all, of both families."
    )
    log_form: Literal["json", "text"] = Field("json", description="`json` for machines, `text` for people.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is written.")


class NodeSettings(BaseSettings):
    """Everything that a user may want to change about the agent of a node."""

    model_config = SettingsConfigDict(env_prefix="OVNLOOM_", extra="ignore", frozen=True)

    # This host
    node_name: str = Field("", description="Name of this Node object; empty means the host's name.")
    ovs_remote: str = Field("unix:/run/openvswitch/db.sock", description="Database of the host's Open vSwitch.")
    integration_bridge: str = Field("br-int", description="Bridge to which ovn-controller connects Pods.")
    node_lock: str = Field(
        "/run/openvswitch/ovnloom-node.lock", description="File that is locked, so that no two agents serve one host."
    )

    # Network: as the controller's
    cluster_router: str = Field("ovn-cluster", description="Name of the default Vpc and of its router.")
    join_subnet: str = Field("join", description="Subnet that joins nodes to the default Vpc.")
    ovn_sb: str = Field(
        "",
        description="Southbound database for ovn-controller: comma list of `tcp:` or `ssl:` remotes. Empty: whoever "
        "starts Open vSwitch has said it.",
    )
    tunnel_interface: str = Field(
        "",
        description="Interface that carries the tunnels: a name, or a comma list of regular expressions of which the "
        "first that fits counts. Empty: the one that has the node's InternalIP. The Node's annotation "
        "`ovn.kubernetes.io/tunnel_interface` goes before it.",
    )
    encap_checksum: bool = Field(
        True, description="Whether tunnels carry checksums of UDP; without them some NICs are faster, others slower."
    )

    # Services
    service_proxy: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Whether the node leads traffic to Services that doesn't start in a Subnet: NodePorts, and its "
        "own. `auto`: unless kube-proxy does, which is seen by its tables.",
    )
    service_health: str = Field(
        ":10256",
        description="Where load balancers outside ask whether this node leads traffic to Services: `address:port` or, "
        "at all addresses, `:port`; the default is kube-proxy's. Only while the node does; empty: never.",
    )

    # CNI
    cni_socket: str = Field("/run/openvswitch/kube-ovn-daemon.sock", description="Socket for the CNI plugin.")
    cni_conf: str = Field(
        "/etc/cni/net.d/01-kube-ovn.conflist",
        description="File that makes the kubelet use ovnloom; written once Pods can be served. Empty: never.",
    )
    cni_conf_source: str = Field("", description="File to install there; empty means ovnloom's own.")
    address_timeout: float = Field(
        30, gt=0, description="Seconds that a new Pod waits for its address, before the kubelet tries again."
    )
    port_timeout: float = Field(30, gt=0, description="Seconds that a new Pod waits for OVN to connect its port.")
    pod_mtu: int = Field(
        0, ge=0, le=65535, description="MTU of Pods in bytes; 0 means what fits into the tunnel of this host."
    )
    gateway_check: bool = Field(
        False, description="Whether an underlay Pod's gateway is asked for by ARP, and its silence told by an Event."
    )

    # Connections, serving and log: as the controller's
    kubeconfig: str = Field("", description="File; empty means the Pod's service account, then `$KUBECONFIG`.")
    kube_timeout: float = Field(20, gt=0, description="Seconds that one request to the API server may take.")
    node_listen: str = Field(
        ":10665", description="Address of /metrics, /livez and /readyz; without a host all, of both families."
    )
    log_form: Literal["json", "text"] = Field("json", description="`json` for machines, `text` for people.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is written.")


class WebSettings(Settings):
    """What a user may want to change about `ovnloom web` besides: its rows are those of the controller's settings."""

    web_listen: str = Field(
        "127.0.0.1:8088",
        description="Address of the page. There is no login: whoever reaches it sees the network.",
    )
    web_hosts: str = Field(
        "", description="Comma list of names by which the page may be asked for besides localhost, as behind a proxy."
    )


class DockerSettings(BaseSettings):
    """Everything that a user may want to change about Docker's plugin."""

    model_config = SettingsConfigDict(env_prefix="OVNLOOM_", extra="ignore", frozen=True)

    # This host
    docker_socket: str = Field(
        "/run/docker/plugins/ovnloom.sock", description="Socket of the plugin; its name is the driver's in Docker."
    )
    docker_host: str = Field("", description="Name by which endpoints say where they are; empty means the host's name.")
    docker_api: str = Field(
        "unix:///run/docker.sock",
        description="Docker's own API, which is asked whether what looks left behind is still somebody's. Empty: it is "
        "never asked, and nothing is removed.",
    )
    docker_sweep: float = Field(
        60, gt=0, description="Seconds between two looks for what is left behind; what Docker lacks in both goes."
    )
    ovs_remote: str = Field("unix:/run/openvswitch/db.sock", description="Database of the host's Open vSwitch.")
    integration_bridge: str = Field("br-int", description="Bridge to which ovn-controller connects containers.")

    # Networks
    docker_vpc: str = Field("docker", description="Vpc of networks that name none by `-o ovnloom.vpc`.")
    docker_pools: str = Field(
        "10.200.0.0/16,fd00:200::/48",
        description="Where networks without a `--subnet` get theirs: one CIDR of IPv4, one of IPv6.",
    )
    docker_mtu: int = Field(
        1400, ge=68, le=65535, description="MTU of containers in bytes, where neither network nor Subnet says another."
    )
    docker_namespace: str = Field(
        "docker", description="Namespace as whose Pods policies see containers; their labels are their endpoint's."
    )

    cluster_router: str = Field("ovn-cluster", description="Name of the default Vpc, as the controller's.")
    address_timeout: float = Field(
        20, gt=0, description="Seconds that a container waits for the controller to book its address."
    )

    # Connections and log: as the controller's
    kubeconfig: str = Field(
        "",
        description="File. With it networks are Subnets of that cluster; empty: the northbound database has them all.",
    )
    kube_timeout: float = Field(20, gt=0, description="Seconds that one request to the API server may take.")
    ovn_nb: str = Field(
        "unix:/run/ovn/ovnnb_db.sock",
        description="Northbound database: comma list of `unix:`, `tcp:` or `ssl:` remotes; the leader is found.",
    )
    ovn_timeout: float = Field(25, gt=0, description="Seconds that one northbound transaction may take.")
    ovn_private_key: str = Field("", description="File of the client key for `ssl:` remotes.")
    ovn_certificate: str = Field("", description="File of the client certificate for `ssl:` remotes.")
    ovn_ca_certificate: str = Field("", description="File of the CA that signed the database's certificate.")
    port_timeout: float = Field(25, gt=0, description="Seconds that a container waits for OVN to connect its port.")
    log_form: Literal["json", "text"] = Field("json", description="`json` for machines, `text` for people.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level that is written.")
