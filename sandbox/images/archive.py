"""Archives that a container runtime imports: several images in one OCI layout, each layer in it once."""

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sandbox.images.layers import KEPT, Layer, Pack, cache, key, write
from sandbox.lock import locked
from sandbox.report import Tell

MEDIA = "application/vnd.oci.image"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# What images of Docker's registry have when their Dockerfile says nothing.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Contents:
    """An image before it is in an archive: its name with registry and tag, its layers from below, what it runs."""

    name: str
    layers: tuple[Layer, ...]
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""


@dataclass(frozen=True)
class Image:
    """An image and the archive that it is in, perhaps with others."""

    name: str
    path: Path


def archive(name: str, images: Iterable[Contents], tell: Tell) -> tuple[Image, ...]:
    """The images are in one archive of this name, from the cache or made now."""
    found = tuple(images)
    layers = {layer.digest: layer for image in found for layer in image.layers}
    blobs: dict[str, bytes] = {}
    index = _json(_index(found, blobs), blobs)
    path = cache() / f"{name}-{key(index)}.tar"
    if not path.exists():
        with locked(cache() / f"{name}.lock", tell):
            if not path.exists():
                tell(f"packing {name}")
                write(path, lambda draft: _write(draft, blobs[index], blobs, layers))
                _forget(name)
    path.touch()
    return tuple(Image(image.name, path) for image in found)


def saved(image: Contents, path: Path) -> None:
    """The file is what `docker save` writes, and `docker load` of any version reads, of the image."""
    blobs: dict[str, bytes] = {}
    config = _json(_config(image), blobs)
    layers = [f"{layer.digest}.tar" for layer in image.layers]
    manifest = [{"Config": f"{config}.json", "RepoTags": [image.name], "Layers": layers}]
    with Pack(path) as pack:
        pack.file(f"{config}.json", blobs[config])
        for name, layer in zip(layers, image.layers, strict=True):
            pack.file(name, layer.path)
        pack.file("manifest.json", json.dumps(manifest).encode())


def _index(images: Iterable[Contents], blobs: dict[str, bytes]) -> dict[str, Any]:
    manifests = []
    for image in images:
        manifest = _json(_manifest(image, blobs), blobs)
        names = {"io.containerd.image.name": image.name, "org.opencontainers.image.ref.name": image.name.split(":")[-1]}
        manifests.append(
            {**_described("manifest.v1+json", manifest, blobs), "platform": _platform(), "annotations": names}
        )
    return {"schemaVersion": 2, "mediaType": f"{MEDIA}.index.v1+json", "manifests": manifests}


def _config(image: Contents) -> dict[str, Any]:
    environment = {"PATH": PATH, **image.environment}
    runs: dict[str, Any] = {"Env": [f"{name}={value}" for name, value in environment.items()], "User": image.user}
    if image.entrypoint:
        runs["Entrypoint"] = image.entrypoint
    if image.command:
        runs["Cmd"] = image.command
    layers = [f"sha256:{layer.digest}" for layer in image.layers]
    return {**_platform(), "config": runs, "rootfs": {"type": "layers", "diff_ids": layers}}


def _manifest(image: Contents, blobs: dict[str, bytes]) -> dict[str, Any]:
    return {
        "schemaVersion": 2,
        "mediaType": f"{MEDIA}.manifest.v1+json",
        "config": _described("config.v1+json", _json(_config(image), blobs), blobs),
        "layers": [
            {"mediaType": f"{MEDIA}.layer.v1.tar", "digest": f"sha256:{layer.digest}", "size": layer.size}
            for layer in image.layers
        ],
    }


def _platform() -> dict[str, str]:
    return {"os": "linux", "architecture": ARCHITECTURES.get(platform.machine(), platform.machine())}


def _json(value: object, blobs: dict[str, bytes]) -> str:
    """The value is one of the blobs, by its digest."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    digest = hashlib.sha256(text).hexdigest()
    blobs[digest] = text
    return digest


def _described(kind: str, digest: str, blobs: dict[str, bytes]) -> dict[str, Any]:
    return {"mediaType": f"{MEDIA}.{kind}", "digest": f"sha256:{digest}", "size": len(blobs[digest])}


def _write(path: Path, index: bytes, blobs: dict[str, bytes], layers: dict[str, Layer]) -> None:
    with Pack(path) as pack:
        pack.file("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        pack.file("index.json", index)
        for digest, text in sorted(blobs.items()):
            if text != index:
                pack.file(f"blobs/sha256/{digest}", text)
        for digest, layer in sorted(layers.items()):
            pack.file(f"blobs/sha256/{digest}", layer.path)


def _forget(name: str) -> None:
    """Only the newest are left: one is made with each change of the code, and another run may be reading the last."""
    length = len(name) + 1 + len(key())
    found = [path for path in cache().glob(f"{name}-*.tar") if len(path.stem) == length]
    for path in sorted(found, key=lambda path: path.stat().st_mtime)[:-KEPT]:
        path.unlink(missing_ok=True)
