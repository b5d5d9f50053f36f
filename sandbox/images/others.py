"""Images of others that Pods of a sandbox use, by the names that Kubernetes' own tests ask for.

They do what the real ones do as far as the network's tests look at it, and are made of Debian's packages and of
programs from the pinned Go modules. What isn't in them: Alpine, users that only tests of containers ask for.
"""

import re
import subprocess
from dataclasses import replace
from pathlib import Path

from sandbox import build, toolchain
from sandbox.errors import SandboxError
from sandbox.images.archive import Contents
from sandbox.images.layers import Layer, Pack, kept, key
from sandbox.images.tree import system
from sandbox.report import Report, Tell

SUITE = "trixie"
TOOLS = (
    "iproute2",
    "bind9-dnsutils",
    "conntrack",
    "curl",
    "ethtool",
    "iperf",
    "iperf3",
    "iputils-ping",
    "netcat-openbsd",
    "nginx-light",
    "procps",
    "socat",
    "tcpdump",
)
PAUSE = build.Programs(build.MODULES / "pause", (("pause", "ovnloom.io/sandbox/pause"),))
TESTS = "registry.k8s.io/e2e-test-images"
"""Tags as in test/utils/image/manifest.go of the Kubernetes that is pinned."""


def contents(report: Report) -> tuple[Contents, ...]:
    """All of them. Those with tools share their layers."""
    for programs in (build.AGNHOST, build.COREDNS, PAUSE):
        build.build(programs, report)
    with report.step("images for Pods") as tell:
        tools = system(SUITE, TOOLS, tell)
        pause, coredns = _program(PAUSE, tell), _program(build.COREDNS, tell)
        version = re.search(r"coredns/coredns (v\S+)", (build.COREDNS.module / "go.mod").read_text())
        assert version is not None
        return (
            Contents("registry.k8s.io/pause:3.10.1", (pause,), ("/pause",), user="65535:65535"),
            replace(busybox(tell), name=f"{TESTS}/busybox:1.37.0-1"),
            Contents(f"{TESTS}/agnhost:2.56", (*tools, coredns, _agnhost(tell)), ("/agnhost",), ("pause",)),
            # The specs about DNS ask from this one as well.
            Contents(f"{TESTS}/jessie-dnsutils:1.7", tools, command=("sleep", "infinity")),
            Contents(f"{TESTS}/nginx:1.14-4", tools, command=("nginx", "-g", "daemon off;")),
            Contents(f"registry.k8s.io/coredns/coredns:{version[1]}", (coredns,), ("/coredns",)),
            replace(toolbox(tell), name="docker.io/ovnloom/toolbox:sandbox"),
        )


def busybox(tell: Tell) -> Contents:
    """One static program with many names: quickly made, quickly loaded."""
    return Contents("busybox:sandbox", (_busybox(tell),), command=("sh",))


def toolbox(tell: Tell) -> Contents:
    """What one looks at a network with."""
    return Contents("toolbox:sandbox", system(SUITE, TOOLS, tell), command=("sleep", "infinity"))


def _program(programs: build.Programs, tell: Tell) -> Layer:
    (program,) = (name for name, _ in programs.packages)

    def make(path: Path) -> None:
        with Pack(path) as pack:
            pack.file(program, programs.bin / program, 0o755)

    return kept(program, key(programs.key), make, tell)


def _agnhost(tell: Tell) -> Layer:
    """The program, and what the Dockerfile of the real one puts beside it."""

    def make(path: Path) -> None:
        go = toolchain.go(build.AGNHOST.module, tell)
        (_, package) = build.AGNHOST.packages[0]
        found = subprocess.run(
            [go, "list", "-f", "{{.Dir}}", package],
            cwd=build.AGNHOST.module,
            env=toolchain.environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        with Pack(path) as pack:
            for name in ("localhost.crt", "localhost.key"):
                pack.file(name, Path(found.stdout.strip()) / "porter" / name)
            pack.file("agnhost", build.AGNHOST.bin / "agnhost", 0o755)
            pack.link("agnhost-2", "agnhost")
            pack.folder("uploads")

    return kept("agnhost", key(build.AGNHOST.key), make, tell)


def _busybox(tell: Tell) -> Layer:
    """/bin with all of busybox's names: Debian's, of whatever version this machine's Debian has."""
    program = Path("/bin/busybox")
    try:
        names = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout.split()
    except FileNotFoundError:
        raise SandboxError("images need busybox: `apt-get install busybox-static`") from None
    if b"/ld-linux" in program.read_bytes():
        raise SandboxError(f"{program} needs libraries, which its image hasn't: `apt-get install busybox-static`")

    def make(path: Path) -> None:
        with Pack(path) as pack:
            for folder in ("bin", "etc", "root", "usr", "var"):
                pack.folder(folder)
            pack.folder("tmp", 0o1777)
            pack.link("usr/bin", "../bin")
            pack.link("usr/sbin", "../bin")
            pack.link("sbin", "bin")
            pack.file("bin/busybox", program, 0o755)
            for name in sorted({*names} - {"busybox"}):
                pack.link(f"bin/{name}", "busybox")
            pack.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n")
            pack.file("etc/group", b"root:x:0:\nnogroup:x:65534:\n")

    return kept("busybox", key(program.stat().st_size, program.stat().st_mtime_ns), make, tell)
