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

    @property
    def name(self) -> str:
        return self.module.name

    @property
    def key(self) -> str:
        """Changes with the module's versions, the packages and the way of building, and with nothing else."""
        digest = hashlib.sha256()
        for part in (RECIPE, platform.machine(), repr(self.packages), repr(self.variables)):
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

    def command(self, go: Path, directory: Path) -> list[str]:
        """The one build of all programs, into the directory."""
        flags = " ".join(["-s", "-w", *(f"-X {name}={value}" for name, value in self.variables)])
        paths = [package for _, package in self.packages]
        # -buildvcs=false: otherwise the checkout's commit is in the programs, and each commit links them anew.
        build = [str(go), "build", "-v", "-trimpath", "-buildvcs=false"]
        return [*build, "-ldflags", flags, "-o", f"{directory}/", *paths]


def _kubernetes() -> Programs:
    module = MODULES / "kubernetes"
    found = re.search(r"k8s\.io/kubernetes v(1)\.(\d+)\.\d+", (module / "go.mod").read_text())
    if found is None:
        raise SandboxError(f"{module / 'go.mod'} doesn't require k8s.io/kubernetes v1.MINOR.PATCH")
    commands = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl")
    packages = tuple((command, f"k8s.io/kubernetes/cmd/{command}") for command in commands)
    stamp = (("gitVersion", found[0].split()[1]), ("gitMajor", found[1]), ("gitMinor", found[2]))
    return Programs(
        module,
        (("etcd", "go.etcd.io/etcd/server/v3"), *packages),
        # Kubernetes learns its own version only this way; clients refuse v0.0.0.
        tuple((f"k8s.io/component-base/version.{name}", value) for name, value in stamp),
    )


KUBERNETES = _kubernetes()
HELM = Programs(MODULES / "helm", (("helm", "helm.sh/helm/v3/cmd/helm"),))
ALL = (KUBERNETES, HELM)


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
    command = programs.command(go, directory)
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
        done = downloaded = 0
        while True:
            try:
                line = printed.get(timeout=1)
            except queue.Empty:
                yield done, downloaded, ""
                continue
            if line is None:
                break
            downloaded += line.startswith("go: downloading ")
            done += re.fullmatch(r"\S+\n", line) is not None
            yield done, downloaded, line
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
    paths = [package for _, package in programs.packages]
    listed = subprocess.run(
        [str(go), "list", "-deps", *paths],
        cwd=programs.module,
        env=toolchain.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return len(listed.stdout.split())


def _state(done: int, downloaded: int, total: int) -> str:
    modules = f", {downloaded} modules downloaded" if downloaded else ""
    return f"{done} of at most {total} packages compiled{modules}"


def _settle(directory: Path, program: str, package: str) -> None:
    """The program has its own name: Go names it after the package's folder, leaving out a version at the end."""
    last = [part for part in package.split("/") if not re.fullmatch(r"v\d+", part)][-1]
    if last != program:
        (directory / last).rename(directory / program)
