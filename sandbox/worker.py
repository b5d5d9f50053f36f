"""A node that runs containers: a host with containerd, kubelet and, where asked for, kube-proxy."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from sandbox import bridge, build, certificates, kubeconfig
from sandbox.controlplane import ControlPlane
from sandbox.errors import CommandError
from sandbox.host import Host
from sandbox.images import Image, load
from sandbox.inside import Inside
from sandbox.openvswitch import OpenVswitch
from sandbox.snapshot import copy
from sandbox.wait import until, until_ready

KUBERNETES = "/etc/kubernetes"
CONTAINERS = "/var/lib/containerd"
STARTS = 5
CONTAINERD = "/run/containerd/containerd.sock"
PLUGINS = Path("/usr/lib/cni")
CONFIGURATION = """\
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.10.1"
  # Without CAP_SYS_RESOURCE runc can't lower what a container's processes have from their parent.
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/opt/cni/bin"
  conf_dir = "/etc/cni/net.d"
"""


@dataclass(frozen=True)
class Worker:
    """The node of this host in the cluster of this control plane."""

    host: Host
    controlplane: ControlPlane

    def up(self, snapshot: Path, found: Sequence[Image], southbound: str) -> None:
        """Its kubelet answers and it has the images; it is Ready as soon as there is a network for Pods.

        A new node has them from the snapshot.
        """
        self.host.up()
        switch = OpenVswitch(self.host)
        switch.up()
        switch.join(southbound)
        self._configure()
        root = self.host.file(CONTAINERS)
        if not any(root.iterdir()):
            copy(snapshot, root)
            self._record(found)
        self._containerd.start()
        until_ready(self._containerd, self._containerd_answers)
        self.load(found)
        self._start_kubelet()
        if self.controlplane.layout.kube_proxy:
            self._kube_proxy.start()

    def load(self, found: Iterable[Image]) -> None:
        """Its containerd has these images, too."""
        there = set(self._archives.read_text().splitlines()) if self._archives.exists() else set()
        new = [image for image in found if str(image.path) not in there]
        load(self.host.entered(("ctr",)), new)
        self._record(new)

    def _record(self, found: Iterable[Image]) -> None:
        with self._archives.open("a") as lines:
            lines.writelines(f"{path}\n" for path in sorted({image.path for image in found}))

    @property
    def _archives(self) -> Path:
        """Says which archives were imported."""
        return self.host.directory / "archives"

    def _configure(self) -> None:
        """Keys, configurations and the reference plugins for CNI are where the programs look for them."""
        pki, folder, name = self.controlplane.pki, self.host.file(KUBERNETES), self.host.name
        if not (folder / "kubelet.crt").exists():
            authority = certificates.Authority.load(pki, "ca")
            authority.issue(folder, "kubelet-client", f"system:node:{name}", ("system:nodes",))
            authority.issue(folder, "kube-proxy", "system:kube-proxy")
            authority.issue(folder, "kubelet", f"system:node:{name}", hosts=(name, *self.host.addresses))
            shutil.copy(pki / "ca.crt", folder)
        (folder / "manifests").mkdir(exist_ok=True)
        for user in ("kubelet-client", "kube-proxy"):
            kubeconfig.write(folder / f"{user}.kubeconfig", self.controlplane.url, folder, user)
        for file, content in (("kubelet.yaml", self._kubelet_says()), ("kube-proxy.yaml", self._kube_proxy_says())):
            (folder / file).write_text(yaml.safe_dump(content))
        (folder / "containerd.toml").write_text(CONFIGURATION)
        for plugin in PLUGINS.iterdir():
            link = self.host.file("/opt/cni/bin") / plugin.name
            if not link.exists():
                link.symlink_to(plugin)
        if self.controlplane.layout.cni == "bridge":
            bridge.install(self.host)

    def _kubelet_says(self) -> dict[str, object]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": "::" if ":" in self.host.address else "0.0.0.0",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": f"{KUBERNETES}/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": f"{KUBERNETES}/kubelet.crt",
            "tlsPrivateKeyFile": f"{KUBERNETES}/kubelet.key",
            "clusterDomain": "cluster.local",
            "clusterDNS": list(self.controlplane.layout.dns),
            "containerRuntimeEndpoint": f"unix://{CONTAINERD}",
            # Pods that are there without the API server: a file each.
            "staticPodPath": f"{KUBERNETES}/manifests",
            "resolvConf": "/etc/resolv.conf",
            "serializeImagePulls": False,
            "maxPods": 250,
            # The machine's cgroups are shared, and of the first version; its disk is not ours to clean.
            "cgroupDriver": "cgroupfs",
            "cgroupsPerQOS": False,
            "failCgroupV1": False,
            "enforceNodeAllocatable": [],
            "failSwapOn": False,
            "evictionHard": {"memory.available": "0%"},
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
            "makeIPTablesUtilChains": False,
        }

    def _kube_proxy_says(self) -> dict[str, object]:
        return {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "hostnameOverride": self.host.name,
            "clientConnection": {"kubeconfig": f"{KUBERNETES}/kube-proxy.kubeconfig"},
            "bindAddress": "::" if ":" in self.host.address else "0.0.0.0",
            "clusterCIDR": ",".join(bridge.networks(self.host.fabric)),
            # How many connections a machine tracks is not for a namespace to say.
            "conntrack": {"maxPerCore": 0, "min": 0},
        }

    def _start_kubelet(self) -> None:
        """It runs; started again, as an init system would, where it ends because containerd isn't ready for it.

        containerd answers before it serves kubelets, and only a kubelet can ask for that.
        """
        for _ in range(STARTS - 1):
            self._kubelet.start()
            until(lambda: not self._kubelet.alive or self._kubelet_answers(), "the kubelet", 60)
            if self._kubelet.alive:
                return
        self._kubelet.start()
        until_ready(self._kubelet, self._kubelet_answers)

    @property
    def _containerd(self) -> Inside:
        return self.host.server("containerd", "containerd", f"--config={KUBERNETES}/containerd.toml")

    @property
    def _kubelet(self) -> Inside:
        words = (
            f"--config={KUBERNETES}/kubelet.yaml",
            f"--kubeconfig={KUBERNETES}/kubelet-client.kubeconfig",
            f"--hostname-override={self.host.name}",
            f"--node-ip={','.join(self.host.addresses)}",
        )
        return self.host.server("kubelet", build.KUBELET.bin / "kubelet", *words)

    @property
    def _kube_proxy(self) -> Inside:
        return self.host.server(
            "kube-proxy", build.KUBELET.bin / "kube-proxy", f"--config={KUBERNETES}/kube-proxy.yaml"
        )

    def _containerd_answers(self) -> bool:
        return self._succeeds("ctr", "version")

    def _kubelet_answers(self) -> bool:
        return self._succeeds("curl", "--silent", "--fail", "http://127.0.0.1:10248/healthz")

    def _succeeds(self, *command: str) -> bool:
        try:
            self.host.run(*command)
        except CommandError:
            return False
        return True
