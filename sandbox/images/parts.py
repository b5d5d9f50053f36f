"""What the images' layers have of our own: the Python environment, ovnloom in it, and the CNI plugins."""

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox import build, cni, places
from sandbox.errors import SandboxError
from sandbox.images.layers import Layer, Pack, content, kept, key
from sandbox.report import Quiet, Tell

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "requirements" / "runtime.lock"
# As .dockerignore lets through.
SOURCES = ("pyproject.toml", "README.md", "LICENSE")
PACKAGE = "operator/ovnloom"
PLUGINS = "github.com/containernetworking/plugins/plugins"
REFERENCE = build.Programs(
    ROOT / "operator" / "cni" / "reference",
    (
        ("loopback", f"{PLUGINS}/main/loopback"),
        ("bandwidth", f"{PLUGINS}/meta/bandwidth"),
        ("portmap", f"{PLUGINS}/meta/portmap"),
    ),
)
TARGET = "opt/ovnloom"
PACKAGES = f"{TARGET}/lib/python3.11/site-packages"
CONFIGURATION = b"home = /usr/bin\ninclude-system-site-packages = false\nversion = 3.11\n"


def environment(tell: Tell) -> tuple[Layer, ...]:
    """/opt/ovnloom: what ovnloom needs, which changes seldom, and ovnloom itself."""
    needed = kept("environment", key(LOCK.read_text(), platform.machine()), _environment, tell)
    with _sources() as sources:
        what = key(content((path for path in sources.rglob("*") if path.is_file()), sources))
        return needed, kept("ovnloom", what, lambda path: _ovnloom(sources, path), tell)


def plugins(tell: Tell) -> tuple[Layer, ...]:
    """/opt/cni: the plugin that a host's container runtime calls, and those of others that go with it."""
    made = (cni.plugin(), REFERENCE)
    for programs in made:
        build.build(programs, Quiet())

    def make(path: Path) -> None:
        with Pack(path) as pack:
            pack.folder("opt/cni")
            pack.folder("opt/cni/bin")
            for programs in made:
                for program, _ in programs.packages:
                    pack.file(f"opt/cni/bin/{program}", programs.bin / program, 0o755)

    return (kept("cni", key(*(programs.key for programs in made)), make, tell),)


@contextmanager
def _sources() -> Iterator[Path]:
    """A copy of what the wheel is made from: its key and its content agree even while somebody is editing."""
    with tempfile.TemporaryDirectory(prefix="ovnloom-sources-") as directory:
        copied = Path(directory)
        for name in SOURCES:
            shutil.copy(ROOT / name, copied)
        shutil.copytree(ROOT / PACKAGE, copied / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
        yield copied


def _environment(path: Path) -> None:
    with _installed("--require-hashes", "-r", str(LOCK)) as packages, Pack(path) as pack:
        for folder in (TARGET, f"{TARGET}/lib", f"{TARGET}/lib/python3.11"):
            pack.folder(folder)
        pack.file(f"{TARGET}/pyvenv.cfg", CONFIGURATION)
        _bin(pack, packages)
        pack.link(f"{TARGET}/bin/python", "/usr/bin/python3.11")
        pack.link(f"{TARGET}/bin/python3", "python")
        pack.tree(packages, PACKAGES)


def _ovnloom(sources: Path, path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="ovnloom-wheel-") as directory:
        _run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", directory], sources)
        (wheel,) = Path(directory).glob("*.whl")
        with _installed("--no-index", str(wheel)) as packages, Pack(path) as pack:
            _bin(pack, packages)
            pack.tree(packages, PACKAGES)


@contextmanager
def _installed(*what: str) -> Iterator[Path]:
    """A folder with packages for Python 3.11, each compiled once, here, as in the Dockerfile."""
    with tempfile.TemporaryDirectory(prefix="ovnloom-packages-") as directory:
        install = [str(_uv()), "pip", "install", "--quiet", "--no-deps", "--link-mode", "copy", "--target", directory]
        of = ["--python", sys.executable, "--python-version", "3.11"]
        of += ["--python-platform", f"{platform.machine()}-unknown-linux-gnu"]
        _run([*install, *of, *what])
        (Path(directory) / ".lock").unlink(missing_ok=True)
        if sys.version_info[:2] == (3, 11):
            compile_ = [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "checked-hash"]
            _run([*compile_, "-s", directory, "-p", f"/{PACKAGES}", directory])
        yield Path(directory)


def _bin(pack: Pack, packages: Path) -> None:
    """The scripts are beside the interpreter, and start that one."""
    pack.folder(f"{TARGET}/bin")
    scripts = packages / "bin"
    for script in sorted(scripts.glob("*")):
        text = re.sub(rb"\A#!.*", f"#!/{TARGET}/bin/python".encode(), script.read_bytes())
        pack.file(f"{TARGET}/bin/{script.name}", text, 0o755)
    shutil.rmtree(scripts, ignore_errors=True)


def _uv() -> Path:
    """The uv that the Makefile pins; installed now when nobody has run make yet."""
    found = re.search(r"^uv==(\S+)", (ROOT / "requirements" / "uv.txt").read_text(), re.MULTILINE)
    if found is None:
        raise SandboxError("requirements/uv.txt has no line uv==VERSION")
    uv = places.cache() / "uv" / found[1] / "bin" / "uv"
    if not uv.exists():
        _run([str(ROOT / "make" / "uv"), str(places.cache() / "uv")])
    return uv


def _run(command: list[str], directory: Path = ROOT) -> None:
    certificates = {"UV_SYSTEM_CERTS": "1"} if Path("/etc/ssl/certs/ca-certificates.crt").exists() else {}
    done = subprocess.run(
        command, cwd=directory, env={**os.environ, **certificates}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SandboxError(f"{' '.join(command[:4])} … failed:\n{(done.stderr or done.stdout).strip()}")
