"""The images are imported by a real containerd, and their containers do what they are for."""

import subprocess
from uuid import uuid4

import pytest

from sandbox.images import Image
from tests.images.conftest import Run

OVNLOOM = "docker.io/ovnloom/ovnloom"
CENTRAL = "docker.io/ovnloom/ovn-central"
OVS = "docker.io/ovnloom/ovs"
AGNHOST = "registry.k8s.io/e2e-test-images/agnhost"
BUSYBOX = "registry.k8s.io/e2e-test-images/busybox"
COREDNS = "registry.k8s.io/coredns/coredns"
TOOLBOX = "docker.io/ovnloom/toolbox"
PAUSE = "registry.k8s.io/pause"


@pytest.fixture
def named(every_image: tuple[Image, ...]) -> dict[str, str]:
    """The images' names by what they are without a tag."""
    return {image.name.rsplit(":", 1)[0]: image.name for image in every_image}


@pytest.mark.parametrize(
    ("image", "command", "expected"),
    [
        (OVNLOOM, ["ovnloom", "--help"], "Usage: ovnloom"),
        (OVNLOOM, ["python", "-c", "import sys; print(sys.prefix)"], "/opt/ovnloom\n"),
        (OVNLOOM, ["python", "-c", "import kopf, ovs, ovsdbapp, ovnloom.settings; print('there')"], "there"),
        (OVNLOOM, ["nft", "--version"], "nftables v"),
        (OVNLOOM, ["tc", "-V"], "tc utility"),
        (OVNLOOM, ["ethtool", "--version"], "ethtool version"),
        (OVNLOOM, ["conntrack", "--version"], "conntrack v"),
        (OVNLOOM, ["env", "CNI_COMMAND=VERSION", "/opt/cni/bin/kube-ovn"], '"supportedVersions"'),
        (OVNLOOM, ["env", "CNI_COMMAND=VERSION", "/opt/cni/bin/portmap"], '"supportedVersions"'),
        (OVNLOOM, ["env", "CNI_COMMAND=VERSION", "/opt/cni/bin/loopback"], '"supportedVersions"'),
        (CENTRAL, ["ovn-northd", "--version"], "ovn-northd 25.03"),
        (CENTRAL, ["ovsdb-tool", "schema-name", "/usr/share/ovn/ovn-nb.ovsschema"], "OVN_Northbound"),
        (OVS, ["ovs-vswitchd", "--version"], "ovs-vswitchd (Open vSwitch) 3.5"),
        (OVS, ["ovsdb-server", "--version"], "ovsdb-server (Open vSwitch) 3.5"),
        (OVS, ["ovn-controller", "--version"], "ovn-controller 25.03"),
        (OVS, ["cat", "/usr/share/openvswitch/vswitch.ovsschema"], '"Open_vSwitch"'),
        (AGNHOST, ["/agnhost", "help"], "netexec"),
        (AGNHOST, ["curl", "--version"], "curl 8"),
        (AGNHOST, ["dig", "-v"], "DiG 9"),
        (BUSYBOX, ["sh", "-c", "echo $0 of $(readlink /bin/sh)"], "sh of busybox"),
        (COREDNS, ["/coredns", "-version"], "CoreDNS-1."),
        (TOOLBOX, ["ping", "-c1", "127.0.0.1"], " 0% packet loss"),
        ("registry.k8s.io/e2e-test-images/nginx", ["nginx", "-t"], "test is successful"),
        ("registry.k8s.io/e2e-test-images/jessie-dnsutils", ["nslookup", "-version"], "nslookup"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_container_has_its_programs(
    run: Run, named: dict[str, str], image: str, command: list[str], expected: str
) -> None:
    """A library that is missing in an image shows only when the program starts."""
    done = run(named[image], *command)

    assert done.returncode == 0, done.stderr
    assert expected in done.stdout + done.stderr


@pytest.mark.parametrize(("image", "user"), [(OVNLOOM, "65532"), (CENTRAL, "65532"), (OVS, "0")])
def test_a_container_runs_as_the_user_of_the_dockerfile(run: Run, named: dict[str, str], image: str, user: str) -> None:
    """A controller that is root where the real image isn't hides what it may not do."""
    assert run(named[image], "id", "-u").stdout.strip() == user


def test_the_folder_of_the_databases_belongs_to_their_servers(run: Run, named: dict[str, str]) -> None:
    """Without that ovsdb-server can't make its file."""
    done = run(named[CENTRAL], "touch", "/var/lib/ovn/there")

    assert done.returncode == 0, done.stderr


def test_a_pause_ends_when_it_is_told_to(containerd: list[str], named: dict[str, str]) -> None:
    """A process with number 1 ignores signals that it doesn't ask for: Pods would take seconds to stop."""
    ctr = [*containerd, "-n", "k8s.io"]
    name = f"test-{uuid4().hex[:12]}"
    subprocess.run([*ctr, "run", "--detach", named[PAUSE], name], check=True, timeout=60)
    try:
        with subprocess.Popen([*ctr, "task", "attach", name], stdout=subprocess.DEVNULL) as attached:
            subprocess.run([*ctr, "task", "kill", "--signal", "SIGTERM", name], check=True)
            assert attached.wait(timeout=20) == 0
    finally:
        subprocess.run([*ctr, "task", "delete", "--force", name], check=False)
        subprocess.run([*ctr, "container", "delete", name], check=True)
