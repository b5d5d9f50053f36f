"""Programs that a sandbox runs, built once from the Go modules in `programs/` and kept outside the checkout."""

import hashlib
import platform
import queue
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox import places, toolchain
from sandbox.errors import SandboxError
from sandbox.lock import locked
from sandbox.report import Report, Tell

MODULES = Path(__file__).parent / "programs"
# To be raised when the way of building changes, so that what was built before isn't taken for it.
RECIPE = "1"


@dataclass(frozen=True)
class Programs:
    """The programs of one Go module: `packages` says which package makes which program."""

    module: Path
    packages: tuple[tuple[str, str], ...]
    variables: tuple[tuple[str, str], ...] = ()
    # The package's tests are the program: `go test -c`, which makes one program from one package.
    tests: bool = False

    @property
    def name(self) -> str:
        return self.module.name

    @property
    def key(self) -> str:
        """Changes with the module's versions, the packages and the way of building, and with nothing else."""
        digest = hashlib.sha256()
        for part in (RECIPE, platform.machine(), repr(self.packages), repr(self.variables), repr(self.tests)):
            digest.update(part.encode() + b"\0")
        for file in ("go.mod", "go.sum"):
            digest.update((self.module / file).read_bytes() + b"\0")
        return digest.hexdigest()[:16]

    @property
    def bin(self) -> Path:
        """Where the programs are once they are built."""
        return places.cache() / "programs" / f"{self.name}-{self.key}" / "bin"

    @property
    def built(self) -> bool:
        return all((self.bin / program).exists() for program, _ in self.packages)

    @property
    def paths(self) -> list[str]:
        return [package for _, package in self.packages]

    def commands(self, go: Path, directory: Path) -> Iterator[list[str]]:
        """What makes all programs, into the directory."""
        linker = ["-ldflags", " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.variables)])]
        # -buildvcs=false: otherwise the checkout's commit is in the programs, and each commit links them anew.
        flags = ["-trimpath", "-buildvcs=false"]
        if not self.tests:
            yield [str(go), "build", "-v", *flags, *linker, "-o", f"{directory}/", *self.paths]
            return
        # `go test -c` can't say what it compiles; nearly all of it is what the tests import.
        form = "{{range .TestImports}}{{.}} {{end}}{{range .XTestImports}}{{.}} {{end}}"
        yield [str(go), "build", "-v", *flags, *_list(self, go, "-f", form)]
        for program, package in self.packages:
            yield [str(go), "test", "-c", "-vet=off", *flags, *linker, "-o", f"{directory / program}", package]


def _kubernetes(packages: tuple[tuple[str, str], ...], *, tests: bool = False) -> Programs:
    module = MODULES / "kubernetes"
    found = re.search(r"k8s\.io/kubernetes v(1)\.(\d+)\.\d+", (module / "go.mod").read_text())
    if found is None:
        raise SandboxError(f"{module / 'go.mod'} doesn't require k8s.io/kubernetes v1.MINOR.PATCH")
    stamp = (("gitVersion", found[0].split()[1]), ("gitMajor", found[1]), ("gitMinor", found[2]))
    # Kubernetes learns its own version only this way; clients refuse v0.0.0.
    variables = tuple((f"k8s.io/component-base/version.{name}", value) for name, value in stamp)
    return Programs(module, packages, variables, tests)


def _commands(*names: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, f"k8s.io/kubernetes/cmd/{name}") for name in names)


KUBERNETES = _kubernetes(
    (
        ("etcd", "go.etcd.io/etcd/server/v3"),
        *_commands("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"),
    )
)
HELM = Programs(MODULES / "helm", (("helm", "helm.sh/helm/v3/cmd/helm"),))
# What every sandbox needs.
ALL = (KUBERNETES, HELM)
KUBELET = _kubernetes(_commands("kubelet", "kube-proxy"))
# The program in the image that most of Kubernetes' own tests run.
AGNHOST = _kubernetes((("agnhost", "k8s.io/kubernetes/test/images/agnhost"),))
COREDNS = Programs(MODULES / "coredns", (("coredns", "github.com/coredns/coredns"),))
# What a sandbox needs as well when its nodes run containers.
KUBELETS = (KUBELET, AGNHOST, COREDNS)
# Kubernetes' own end-to-end tests.
E2E = _kubernetes((("e2e.test", "k8s.io/kubernetes/test/e2e"),), tests=True)


def build(programs: Programs, report: Report) -> None:
    """The programs are in their `bin`: all of them or none.

    That holds however the build ends, and when several runs want them at once: one builds, the others wait.
    """
    if programs.built:
        return
    kept = places.cache() / "programs"
    names = ", ".join(program for program, _ in programs.packages)
    with report.step(f"programs, built once: {names}") as tell, locked(kept / f"{programs.name}.lock", tell):
        if not programs.built:
            _build(programs, kept, tell)


def _build(programs: Programs, kept: Path, tell: Tell) -> None:
    go = toolchain.go(programs.module, tell)
    log = kept / f"{programs.name}-{programs.key}.log"
    draft = Path(tempfile.mkdtemp(prefix=f".{programs.name}-", dir=kept))
    try:
        total = _count(programs, go, tell)
        with log.open("w") as lines:
            for done, downloaded, line in _lines(programs, go, draft / "bin"):
                lines.write(line)
                tell(_state(done, downloaded, total))
        for program, package in programs.packages:
            _settle(draft / "bin", program, package)
        target = programs.bin.parent
        shutil.rmtree(target, ignore_errors=True)  # what an interrupted removal left
        draft.rename(target)
    except subprocess.CalledProcessError:
        end = "".join(log.read_text().splitlines(keepends=True)[-20:])
        raise SandboxError(f"building {programs.name} failed; the end of {log}:\n{end.rstrip()}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _lines(programs: Programs, go: Path, directory: Path) -> Iterator[tuple[int, int, str]]:
    """What the build prints, each with the number of packages compiled and of modules downloaded so far.

    While nothing is printed there is an empty line every second: linking takes a while and says nothing.
    """
    done = downloaded = 0
    for command in programs.commands(go, directory):
        for line in _printed(programs, command):
            downloaded += line.startswith("go: downloading ")
            done += re.fullmatch(r"\S+\n", line) is not None
            yield done, downloaded, line


def _printed(programs: Programs, command: list[str]) -> Iterator[str]:
    with subprocess.Popen(
        command,
        cwd=programs.module,
        env=toolchain.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as building:
        assert building.stdout is not None
        printed: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_forward, args=(building.stdout, printed), daemon=True).start()
        while True:
            try:
                line = printed.get(timeout=1)
            except queue.Empty:
                yield ""
                continue
            if line is None:
                break
            yield line
    if building.returncode:
        raise subprocess.CalledProcessError(building.returncode, command)


def _forward(lines: Iterator[str], printed: queue.Queue[str | None]) -> None:
    for line in lines:
        printed.put(line)
    printed.put(None)


def _count(programs: Programs, go: Path, tell: Tell) -> int:
    """How many packages there are to compile when nothing is in Go's own cache; 0 when that can't be found out.

    The build that follows says better than this what is wrong.
    """
    tell("downloading modules, counting packages")
    return len(_list(programs, go, "-deps", *(["-test"] if programs.tests else [])))


def _list(programs: Programs, go: Path, *arguments: str) -> list[str]:
    listed = subprocess.run(
        [str(go), "list", *arguments, *programs.paths],
        cwd=programs.module,
        env=toolchain.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return listed.stdout.split()


def _state(done: int, downloaded: int, total: int) -> str:
    modules = f", {downloaded} modules downloaded" if downloaded else ""
    return f"{done} of at most {total} packages compiled{modules}"


def _settle(directory: Path, program: str, package: str) -> None:
    """The program has its own name: Go names it after the package's folder, leaving out a version at the end."""
    if not (directory / program).exists():
        last = [part for part in package.split("/") if not re.fullmatch(r"v\d+", part)][-1]
        (directory / last).rename(directory / program)
