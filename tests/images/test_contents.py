"""What the images are made of follows from the Dockerfile and from the Kubernetes that is pinned."""

import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from sandbox import SandboxError, build, toolchain
from sandbox.images import Image, own, tree
from sandbox.images.dockerfile import read
from sandbox.images.layers import Layer, Pack, kept, key


def quiet(_: str) -> None:
    """Nobody is told."""


def test_the_names_are_those_that_the_pinned_kubernetes_asks_for(every_image: tuple[Image, ...]) -> None:
    """There is no registry that would give another version: with one digit wrong a Pod never starts."""
    module = build.E2E.module
    listed = subprocess.run(
        [toolchain.go(module, quiet), "list", "-f", "{{.Dir}}", "k8s.io/kubernetes/test/utils/image"],
        cwd=module,
        env=toolchain.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    text = (Path(listed.stdout.strip()) / "manifest.go").read_text()
    public = r'Config\{list\.(?:PromoterE2e|Gc)Registry, "([^"]+)", "([^"]+)"\}'
    asked = {f"{name}:{tag}" for name, tag in re.findall(public, text)}
    assert len(asked) > 20

    ours = {image.name.removeprefix("registry.k8s.io/").removeprefix("e2e-test-images/") for image in every_image}

    wanted = {name for name in asked if name.split(":")[0] in {"agnhost", "busybox", "jessie-dnsutils", "pause"}}
    assert wanted <= ours
    assert "nginx:1.14-4" in asked & ours


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("RUN apt-get -q update && curl -o /bin/x x.example", "curl -o /bin/x x.example"),
        ("COPY --from=elsewhere /a /a", "/a of stage elsewhere"),
        ("COPY a /a", "only COPY --from=STAGE"),
    ],
)
def test_an_instruction_that_is_not_understood_is_an_error(step: str, said: str) -> None:
    """Left out silently, the sandbox would test another image than the one that users get."""
    stage = read(f"ARG BASE=debian:trixie-20250811-slim\nFROM ${{BASE}} AS new\n{step}\n")["new"]

    with pytest.raises(SandboxError, match=re.escape(said)):
        own.layers(stage, quiet)


def pack(path: Path, files: dict[str, bytes]) -> Path:
    with Pack(path) as packed:
        for folder in sorted({name.split("/")[0] for name in files if "/" in name}):
            packed.folder(folder)
        for name, content in files.items():
            packed.file(name, content)
    return path


def test_an_upper_layer_has_what_is_new_and_says_what_is_gone(tmp_path: Path) -> None:
    """What is below once more would double the time that a node needs for each image."""
    below = pack(tmp_path / "below.tar", {"etc/same": b"1", "etc/changed": b"1", "etc/gone": b"1", "old/inside": b"1"})
    whole = pack(tmp_path / "whole.tar", {"etc/same": b"1", "etc/changed": b"2", "etc/new": b"1"})

    tree._difference(below, whole, tmp_path / "upper.tar")

    with tarfile.open(tmp_path / "upper.tar") as upper:
        assert sorted(upper.getnames()) == [".wh.old", "etc/.wh.gone", "etc/changed", "etc/new"]


def test_a_layer_depends_on_nothing_but_its_content(tmp_path: Path) -> None:
    """With times or owners of the machine in it each build would be another image, and nodes would import it again."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_text("content")
    with Pack(tmp_path / "first.tar") as first:
        first.tree(tmp_path / "a", "opt/a")
    (tmp_path / "a" / "file").touch()
    with Pack(tmp_path / "second.tar") as second:
        second.tree(tmp_path / "a", "opt/a")

    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()


def test_a_layer_is_made_once_and_old_ones_of_its_name_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is made with each change of the code: without an end they would fill the disk."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made: list[int] = []

    def layer(number: int) -> Layer:
        def make(path: Path) -> None:
            made.append(number)
            pack(path, {"number": str(number).encode()})

        return kept("small", key(number), make, quiet)

    first = [layer(number) for number in range(8)]
    layer(7)

    assert made == list(range(8))
    assert len({each.digest for each in first}) == 8
    assert first[-1].path.exists()
    assert not first[0].path.exists()
