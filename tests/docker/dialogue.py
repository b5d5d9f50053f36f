"""`ovnloom docker` on a host of the sandbox, and dockerd's side of the dialogue with it."""

import http.client
import json
import secrets
import socket
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from sandbox import Host, OpenVswitch, Ovn
from sandbox.errors import CommandError
from sandbox.inside import Inside
from sandbox.wait import until_ready

SOCKET = "/run/docker/plugins/ovnloom.sock"
MAC = "com.docker.network.endpoint.macaddress"
GATEWAY = {"RequestAddressType": "com.docker.network.gateway"}


class Said(Exception):
    """What a user of Docker would read."""


@dataclass
class Plugin:
    """One plugin process; calls go over its real socket."""

    host: Host
    nb: str
    more: Mapping[str, str] = field(default_factory=dict)

    def start(self) -> None:
        """It answers."""
        self.server.start()
        until_ready(self.server, self._answers)

    def stop(self) -> None:
        self.server.stop()

    @property
    def server(self) -> Inside:
        environment = {"OVNLOOM_OVN_NB": self.nb, "OVNLOOM_DOCKER_API": "", **self.more}
        words = (sys.executable, "-m", "ovnloom", "docker")
        return self.host.server("ovnloom-docker", *words, environment=environment)

    def call(self, path: str, asked: object = None, raw: bytes | None = None) -> Any:
        """The answer to a call. Raises Said."""
        with closing(http.client.HTTPConnection("docker")) as connection, socket.socket(socket.AF_UNIX) as end:
            end.settimeout(60)
            end.connect(str(self.host.path(SOCKET)))
            connection.sock = end
            connection.request("POST", path, raw if raw is not None else json.dumps(asked or {}).encode())
            found = json.loads(connection.getresponse().read())
        if found.get("Err"):
            raise Said(found["Err"])
        return found

    def _answers(self) -> bool:
        try:
            return bool(self.call("/Plugin.Activate")["Implements"])
        except OSError:
            return False


@dataclass
class Network:
    """A Docker network as dockerd knows it, made by the calls that dockerd makes."""

    plugin: Plugin
    pools: list[dict[str, Any]]
    id: str

    @classmethod
    def create(
        cls,
        plugin: Plugin,
        *subnets: str,
        options: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> "Network":
        """`docker network create`; an empty subnet asks for any."""
        made = cls(plugin, [], secrets.token_hex(32))
        for subnet in subnets or ("",):
            asked = {"AddressSpace": "ovnloom-local", "Pool": subnet, "SubPool": "", "Options": {}, "V6": ":" in subnet}
            pool = plugin.call("/IpamDriver.RequestPool", asked)
            found = plugin.call(
                "/IpamDriver.RequestAddress", {"PoolID": pool["PoolID"], "Address": "", "Options": GATEWAY}
            )
            made.pools.append({**pool, "Gateway": found["Address"]})
        data = [
            {"AddressSpace": "ovnloom-local", "Pool": each["Pool"], "Gateway": each["Gateway"]} for each in made.pools
        ]
        asked = {
            "NetworkID": made.id,
            "Options": {"com.docker.network.generic": dict(options or {}), **(more or {})},
            "IPv4Data": [each for each in data if ":" not in each["Pool"]],
            "IPv6Data": [each for each in data if ":" in each["Pool"]],
        }
        plugin.call("/NetworkDriver.CreateNetwork", asked)
        return made

    def remove(self) -> None:
        """`docker network rm`."""
        self.plugin.call("/NetworkDriver.DeleteNetwork", {"NetworkID": self.id})
        for pool in self.pools:
            self.plugin.call("/IpamDriver.ReleaseAddress", {"PoolID": pool["PoolID"], "Address": pool["Gateway"]})
            self.plugin.call("/IpamDriver.ReleasePool", {"PoolID": pool["PoolID"]})

    def address(self, mac: str, wanted: str = "", at: int = 0) -> str:
        """An address for the endpoint with this MAC."""
        asked = {"PoolID": self.pools[at]["PoolID"], "Address": wanted, "Options": {MAC: mac}}
        return str(self.plugin.call("/IpamDriver.RequestAddress", asked)["Address"])

    def release(self, address: str, at: int = 0) -> None:
        """The address is given back."""
        asked = {"PoolID": self.pools[at]["PoolID"], "Address": address.partition("/")[0]}
        self.plugin.call("/IpamDriver.ReleaseAddress", asked)

    def endpoint(self, wanted: str = "", options: Mapping[str, str] | None = None) -> "Endpoint":
        """What happens before a container starts."""
        mac = new_mac()
        addresses = [self.address(mac, wanted if at == 0 else "", at) for at in range(len(self.pools))]
        made = Endpoint(self, secrets.token_hex(32), mac, addresses)
        self.plugin.call(
            "/NetworkDriver.CreateEndpoint",
            {
                "NetworkID": self.id,
                "EndpointID": made.id,
                "Interface": {
                    "Address": next((each for each in addresses if ":" not in each), ""),
                    "AddressIPv6": next((each for each in addresses if ":" in each), ""),
                    "MacAddress": mac,
                },
                "Options": dict(options or {}),
            },
        )
        return made


@dataclass
class Endpoint:
    """One container's endpoint."""

    network: Network
    id: str
    mac: str
    addresses: list[str]

    @property
    def ip(self) -> str:
        return self.addresses[0].partition("/")[0]

    @property
    def ids(self) -> dict[str, str]:
        return {"NetworkID": self.network.id, "EndpointID": self.id}

    def start(self, namespace: str) -> Mapping[str, Any]:
        """What dockerd does with the answer of Join: moves the interface, sets MAC, addresses and routes."""
        host, plugin = self.network.plugin.host, self.network.plugin
        host.run("ip", "netns", "add", namespace)
        said: Mapping[str, Any] = plugin.call(
            "/NetworkDriver.Join", {**self.ids, "SandboxKey": f"/run/netns/{namespace}", "Options": {}}
        )
        name = said["InterfaceName"]["SrcName"]
        host.run("ip", "link", "set", name, "netns", namespace, "name", "eth0", "address", self.mac)
        for address in self.addresses:
            words = ("nodad",) if ":" in address else ()
            self.inside(namespace, "ip", "address", "add", address, "dev", "eth0", *words)
        self.inside(namespace, "ip", "link", "set", "eth0", "up")
        for key in ("Gateway", "GatewayIPv6"):
            if said.get(key):
                self.inside(namespace, "ip", "route", "add", "default", "via", said[key])
        for route in said.get("StaticRoutes", ()):
            self.inside(namespace, "ip", "route", "add", route["Destination"], "via", route["NextHop"])
        return said

    def inside(self, namespace: str, *words: str) -> str:
        """What a command prints in the container's namespace."""
        return self.network.plugin.host.run("nsenter", f"--net=/run/netns/{namespace}", *words)

    def reaches(self, namespace: str, address: str) -> bool:
        """Whether a ping from the container is answered."""
        try:
            self.inside(namespace, "ping", "-c", "1", "-W", "1", address)
        except CommandError:
            return False
        return True

    def stop(self, namespace: str = "") -> None:
        """The container has ended, and with it its namespace."""
        if namespace:
            self.network.plugin.host.run("ip", "netns", "delete", namespace)
        self.network.plugin.call("/NetworkDriver.Leave", self.ids)
        self.network.plugin.call("/NetworkDriver.DeleteEndpoint", self.ids)
        for at, address in enumerate(self.addresses):
            self.network.release(address, at)


def new_mac() -> str:
    """As Docker draws one."""
    return ":".join(f"{byte:02x}" for byte in (2, *secrets.token_bytes(5)))


def joined(host: Host, ovn: Ovn) -> Host:
    """The host is a chassis of this OVN."""
    OpenVswitch(host).join(ovn.sb)
    return host
