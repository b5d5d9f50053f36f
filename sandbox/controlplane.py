"""Kubernetes without nodes: etcd, kube-apiserver, kube-controller-manager and kube-scheduler."""

import functools
import http.client
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import certificates, kubeconfig, places, ports
from sandbox.errors import NotReadyError
from sandbox.layout import Layout
from sandbox.ovsdb import bracketed
from sandbox.report import Report
from sandbox.server import Server
from sandbox.wait import until, until_ready

TRIES = 5
# What Go's net package says when somebody else took the port.
PORT_TAKEN = "address already in use"
# A member has to say where others reach it, as host:port; this one has no peer, and its only client is told the socket.
ADVERTISED = "unix://localhost:0"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ControlPlane:
    """The four servers of the sandbox in `directory`, run from the programs in `programs`."""

    directory: Path
    programs: Path
    layout: Layout = field(default_factory=Layout)
    # Where the API server listens: on loopback, or on the fabric, whose addresses these are.
    addresses: tuple[str, ...] = (LOOPBACK,)

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self.directory / "admin.kubeconfig"

    @property
    def url(self) -> str:
        """Of the API server."""
        return f"https://{bracketed(self.addresses[0])}:{self._port('kube-apiserver')}"

    @property
    def servers(self) -> tuple[Server, ...]:
        return self.etcd, self.apiserver, self._controller_manager, self._scheduler

    def up(self, report: Report) -> None:
        """The API server answers, Pods may be created in the namespace default, and the scheduler binds them."""
        certificates.create(self.pki, self.addresses)
        with report.step("etcd"):
            self.start_etcd()
        with report.step("kube-apiserver"):
            self.start_apiserver()
        with report.step("kube-controller-manager, kube-scheduler"):
            self._serve(lambda: self._scheduler)
            self._serve(lambda: self._controller_manager)
            path = "/api/v1/namespaces/default/serviceaccounts/default"
            until(lambda: self._get("kube-apiserver", path), "the service account default, which every Pod needs")

    def start_etcd(self) -> None:
        """etcd accepts connections."""
        places.private(places.sockets(self.directory))
        self.etcd.start()
        until_ready(self.etcd, self._etcd_accepts)

    def start_apiserver(self) -> None:
        """The API server is ready, at the same address as before a stop."""
        self._serve(lambda: self.apiserver, "/readyz")

    def stop_apiserver(self) -> None:
        """The API server is killed; what it stored is in etcd."""
        self.apiserver.stop()

    @property
    def etcd(self) -> Server:
        command = (
            str(self.programs / "etcd"),
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={self._etcd}",
            f"--advertise-client-urls={ADVERTISED}",
            f"--listen-peer-urls={self._etcd}-peer",
            f"--initial-advertise-peer-urls={ADVERTISED}",
            f"--initial-cluster=default={ADVERTISED}",
            "--unsafe-no-fsync",  # a machine that loses power loses the sandbox; every write is faster
            "--log-level=warn",
        )
        return Server("etcd", command, self.directory)

    @property
    def apiserver(self) -> Server:
        pki = self.pki
        command = (
            str(self.programs / "kube-apiserver"),
            f"--etcd-servers={self._etcd}",
            f"--bind-address={self.addresses[0]}",
            f"--advertise-address={self.addresses[0]}",
            f"--secure-port={self._port('kube-apiserver')}",
            f"--service-cluster-ip-range={','.join(self.layout.services)}",
            *self._towards_nodes,
            "--allow-privileged=true",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            f"--client-ca-file={pki / 'ca.crt'}",
            f"--tls-cert-file={pki / 'apiserver.crt'}",
            f"--tls-private-key-file={pki / 'apiserver.key'}",
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
            f"--service-account-key-file={pki / 'service-accounts.pub'}",
            f"--service-account-signing-key-file={pki / 'service-accounts.key'}",
            f"--requestheader-client-ca-file={pki / 'front-proxy-ca.crt'}",
            "--requestheader-allowed-names=front-proxy-client",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={pki / 'front-proxy-client.crt'}",
            f"--proxy-client-key-file={pki / 'front-proxy-client.key'}",
            "--profiling=false",
        )
        return Server("kube-apiserver", command, self.directory)

    @property
    def _towards_nodes(self) -> tuple[str, ...]:
        """Pods ask for the Service kubernetes, and `kubectl logs` asks kubelets; without nodes neither can be."""
        if not self.layout.kubelets:
            return ("--endpoint-reconciler-type=none",)
        return (
            "--endpoint-reconciler-type=lease",
            f"--kubelet-client-certificate={self.pki / 'kubelet-client.crt'}",
            f"--kubelet-client-key={self.pki / 'kubelet-client.key'}",
            f"--kubelet-certificate-authority={self.pki / 'ca.crt'}",
            "--kubelet-preferred-address-types=InternalIP",
        )

    @property
    def _controller_manager(self) -> Server:
        pki = self.pki
        command = (
            *self._client_of_api("kube-controller-manager", "controller-manager"),
            "--use-service-account-credentials",
            f"--root-ca-file={pki / 'ca.crt'}",
            f"--service-account-private-key-file={pki / 'service-accounts.key'}",
            f"--cluster-signing-cert-file={pki / 'ca.crt'}",
            f"--cluster-signing-key-file={pki / 'ca.key'}",
            # Nodes without a kubelet stay as ready as their status says.
            *(() if self.layout.kubelets else ("--node-monitor-grace-period=8760h",)),
            "--concurrent-deployment-syncs=10",
        )
        return Server("kube-controller-manager", command, self.directory)

    @property
    def _scheduler(self) -> Server:
        return Server("kube-scheduler", self._client_of_api("kube-scheduler", "scheduler"), self.directory)

    def _client_of_api(self, program: str, user: str) -> tuple[str, ...]:
        config = self.directory / f"{user}.kubeconfig"
        return (
            str(self.programs / program),
            "--bind-address=127.0.0.1",
            f"--secure-port={self._port(program)}",
            *(f"--{purpose}kubeconfig={config}" for purpose in ("", "authentication-", "authorization-")),
            "--leader-elect=false",
            "--kube-api-qps=500",  # the defaults of 20 to 50 requests a second would be what a benchmark measures
            "--kube-api-burst=1000",
            "--profiling=false",
        )

    def _serve(self, server: Callable[[], Server], path: str = "/healthz") -> None:
        """The server answers `path` with success; with a new port when somebody took its port before it could."""
        for attempt in range(TRIES):
            log = server().log
            seen = log.stat().st_size if log.exists() else 0
            self._write_kubeconfigs()
            server().start()
            try:
                until_ready(server(), functools.partial(self._get, server().name, path))
                return
            except NotReadyError:
                with log.open("rb") as lines:
                    lines.seek(seen)
                    taken = PORT_TAKEN.encode() in lines.read()
                if attempt == TRIES - 1 or not taken:
                    raise
                found = ports.recorded(self.directory)
                ports.record(self.directory, {k: v for k, v in found.items() if k != server().name})

    def _write_kubeconfigs(self) -> None:
        for user in certificates.CLIENTS:
            kubeconfig.write(self.directory / f"{user}.kubeconfig", self.url, self.pki, user)

    def _get(self, server: str, path: str) -> bool:
        """Whether the server answers the path with success, asked as the administrator."""
        context = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
        context.load_cert_chain(self.pki / "admin.crt", self.pki / "admin.key")
        if server != "kube-apiserver":  # the others sign their certificate themselves, and it is only their health
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        host = self.addresses[0] if server == "kube-apiserver" else LOOPBACK
        connection = http.client.HTTPSConnection(host, self._port(server), timeout=5, context=context)
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()

    def _port(self, server: str) -> int:
        found = ports.recorded(self.directory)
        if server not in found:
            found[server] = ports.free()
            ports.record(self.directory, found)
        return found[server]

    def _etcd_accepts(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(self._etcd.removeprefix("unix://"))
            except (FileNotFoundError, ConnectionRefusedError):
                return False
        return True

    @property
    def _etcd(self) -> str:
        return f"unix://{places.sockets(self.directory) / 'etcd.sock'}"

    @property
    def pki(self) -> Path:
        return self.directory / "pki"
