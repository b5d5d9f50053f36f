"""The reference network for Pods: the bridge plugin, a network for each node, and a route to each of them."""

import ipaddress
import json

from sandbox import client
from sandbox.errors import SandboxError
from sandbox.fabric import Fabric
from sandbox.host import Host

CONFIGURATION = "/etc/cni/net.d/10-bridge.conflist"
MOST = 63


def networks(fabric: Fabric) -> tuple[str, ...]:
    """The networks of all Pods, another pair for each fabric: this machine has routes to all of them."""
    number = fabric.number
    found = {"ipv4": f"100.{64 + number // 4}.{number % 4 * 64}.0/18", "ipv6": f"fd00:100:{number:x}::/48"}
    return tuple(network for family, network in found.items() if fabric.family in ("dual", family))


def of_host(host: Host) -> tuple[str, ...]:
    """The networks of the Pods of one host."""
    if host.number > MOST:
        raise SandboxError(f"with --cni bridge there is room for {MOST} nodes")
    lengths = {4: 24, 6: 64}
    found = []
    for text in networks(host.fabric):
        network = ipaddress.ip_network(text)
        length = lengths[network.version]
        first = int(network.network_address) + (host.number << (network.max_prefixlen - length))
        found.append(f"{ipaddress.ip_address(first)}/{length}")
    return tuple(found)


def install(host: Host) -> None:
    """The plugin is configured: containerd sees that, and the node becomes Ready."""
    plugin = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": network}] for network in of_host(host)],
            "routes": [{"dst": "::/0" if ":" in network else "0.0.0.0/0"} for network in of_host(host)],
        },
    }
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    content = {"cniVersion": "1.0.0", "name": "bridge", "plugins": [plugin, ports]}
    draft = host.file(f"{CONFIGURATION}.tmp")
    draft.write_text(json.dumps(content, indent=2) + "\n")
    draft.rename(host.file(CONFIGURATION))


def route(hosts: tuple[Host, ...]) -> None:
    """This machine and each of the hosts reach the Pods of all hosts."""
    for host in hosts:
        for network, address in zip(of_host(host), host.addresses, strict=True):
            words = ("ip", "-6" if ":" in network else "-4", "route", "replace", network, "via", address)
            client.output(*words)
            for other in hosts:
                if other != host:
                    other.run(*words)
