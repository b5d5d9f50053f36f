"""Where the API server is, how to trust it, and who we are to it.

Read here rather than by the client library: importing that one costs most of a second and 20 MB at every start, which
only kubeconfigs with a credential plugin (`exec`, `auth-provider`) have to pay.
"""

import asyncio
import base64
import binascii
import os
import ssl
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any, Protocol, cast

import yaml

from ovnloom.errors import Refused

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
HOME = Path("~/.kube/config").expanduser()
TOKEN_SECONDS = 60.0
"""How long a token that was read from a file is used; the kubelet puts a new one there long before the old expires."""
PLUGINS = ("exec", "auth-provider")


class Credentials(Protocol):
    """Who we are, as an Authorization header that is right at this moment."""

    async def header(self) -> str:
        """Empty when the TLS certificate says it all."""
        ...

    def forget(self) -> None:
        """The server refused the header: the next one is made anew where that is possible."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """An identity that lasts as long as the process."""

    value: str = ""

    async def header(self) -> str:
        return self.value

    def forget(self) -> None:
        return


@dataclass(slots=True)
class TokenFile:
    """A token that somebody else keeps fresh in a file, such as the kubelet does for service accounts."""

    path: Path
    _value: str = ""
    _until: float = -1.0

    async def header(self) -> str:
        """The token at most a minute old; an unreadable file leaves us with the one that was there before."""
        now = monotonic()
        if now < self._until:
            return self._value
        try:
            token = self.path.read_text().strip()
        except OSError as problem:
            if not self._value:
                raise Refused(f"token file {self.path} can't be read: {problem.strerror}") from problem
            token = ""
        if token:
            self._value = f"Bearer {token}"
        self._until = now + TOKEN_SECONDS
        return self._value

    def forget(self) -> None:
        self._until = -1.0


@dataclass(frozen=True, slots=True)
class Plugin:
    """An identity that the client library asks a program or an identity provider for."""

    configuration: Any

    async def header(self) -> str:
        key = await self.configuration.get_api_key_with_prefix("BearerToken")
        return str(key or "")

    def forget(self) -> None:
        return  # the library renews by the expiry that the plugin states


@dataclass(frozen=True, slots=True)
class Access:
    """All that a connection needs; `tls` is None for plain http."""

    server: str
    tls: ssl.SSLContext | None = None
    credentials: Credentials = field(default_factory=Fixed)
    proxy: str | None = None
    server_name: str | None = None
    """The name in the server's certificate when it isn't the host of `server`."""


async def load(kubeconfig: str = "") -> Access:
    """Access by the named kubeconfig; else by the Pod's service account, `$KUBECONFIG` or `~/.kube/config`.

    Raises Refused with what is wrong and where.
    """
    if kubeconfig:
        return await from_kubeconfig(kubeconfig)
    if (SERVICE_ACCOUNT / "token").exists():
        return from_service_account(os.environ, SERVICE_ACCOUNT)
    found = os.environ.get("KUBECONFIG", "")
    if found:
        return await from_kubeconfig(found)
    if HOME.exists():
        return await from_kubeconfig(str(HOME))
    raise Refused("no API server: this is no Pod; name a kubeconfig by OVNLOOM_KUBECONFIG or KUBECONFIG")


def from_service_account(environment: Mapping[str, str], directory: Path) -> Access:
    """Access by what the kubelet gives to a Pod."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST", ""), environment.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise Refused("there is a service account but no KUBERNETES_SERVICE_HOST; set it to the API server's address")
    host = f"[{host}]" if ":" in host else host
    return Access(
        f"https://{host}:{port}",
        _context({"certificate-authority": str(directory / "ca.crt")}, {}, str(directory)),
        TokenFile(directory / "token"),
    )


async def from_kubeconfig(paths: str) -> Access:
    """Access by the current context of one file, or of several joined by `:`; the first that says a thing wins."""
    cluster, user = _current(paths)
    if any(plugin in user for plugin in PLUGINS):
        return await _by_plugin(paths, cluster)
    server = str(cluster.get("server") or "")
    if not server:
        raise Refused(f"kubeconfig {paths}: the cluster of the current context has no server")
    return Access(
        server.rstrip("/"),
        _context(cluster, user, paths) if server.startswith("https://") else None,
        _credentials(user),
        cluster.get("proxy-url"),
        cluster.get("tls-server-name"),
    )


def _current(paths: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The cluster and the user of the current context."""
    current, named = _merge([Path(path).expanduser() for path in paths.split(os.pathsep) if path])
    if not current:
        raise Refused(f"kubeconfig {paths} has no current-context; choose one: kubectl config use-context NAME")
    context = _entry(named, "contexts", current, paths)
    cluster = _entry(named, "clusters", str(context.get("cluster")), paths)
    user = _entry(named, "users", str(context["user"]), paths) if context.get("user") else {}
    return cluster, user


Named = dict[str, dict[str, dict[str, Any]]]
"""The entries of a kubeconfig by section and name."""


def _merge(paths: list[Path]) -> tuple[str, Named]:
    current = ""
    named: Named = {"contexts": {}, "clusters": {}, "users": {}}
    for path in paths:
        content = _read(path)
        current = current or str(content.get("current-context") or "")
        for section, entries in named.items():
            for item in content.get(section) or ():
                value = _resolved(item.get(section.removesuffix("s")) or {}, path)
                entries.setdefault(str(item.get("name")), value)
    return current, named


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as text:
            content = yaml.safe_load(text)
    except OSError as problem:
        raise Refused(f"kubeconfig {path} can't be read: {problem.strerror}") from problem
    except yaml.YAMLError as problem:
        raise Refused(f"kubeconfig {path} is not YAML: {problem}") from problem
    if not isinstance(content, dict):
        raise Refused(f"kubeconfig {path} is empty or not a mapping")
    return content


def _entry(named: Named, section: str, name: str, paths: str) -> dict[str, Any]:
    if name not in named[section]:
        known = ", ".join(sorted(named[section])) or "none"
        raise Refused(f"kubeconfig {paths} has no entry {name!r} in {section} (there: {known})")
    return named[section][name]


_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


def _resolved(entry: Mapping[str, Any], file: Path) -> dict[str, Any]:
    """The entry with its file names made absolute: they are relative to the kubeconfig that has them."""
    return {key: str(file.parent / str(value)) if key in _FILES and value else value for key, value in entry.items()}


def _credentials(user: Mapping[str, Any]) -> Credentials:
    if user.get("tokenFile"):
        return TokenFile(Path(str(user["tokenFile"])))
    if user.get("token"):
        return Fixed(f"Bearer {user['token']}")
    if user.get("username"):
        pair = f"{user['username']}:{user.get('password') or ''}"
        return Fixed(f"Basic {base64.b64encode(pair.encode()).decode()}")
    return Fixed()


def _context(cluster: Mapping[str, Any], user: Mapping[str, Any], where: str) -> ssl.SSLContext:
    try:
        authority = cluster.get("certificate-authority-data")
        context = ssl.create_default_context(
            cafile=None if authority else cluster.get("certificate-authority"),
            cadata=decoded(authority).decode() if authority else None,
        )
        if cluster.get("insecure-skip-tls-verify"):
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        with ExitStack() as files:
            certificate = _as_file(user, "client-certificate", files)
            if certificate:
                context.load_cert_chain(certificate, _as_file(user, "client-key", files))
    except (OSError, ValueError) as problem:  # ssl.SSLError is an OSError, binascii.Error a ValueError
        raise Refused(f"the certificates that {where} names can't be used: {problem}") from problem
    return context


def _as_file(user: Mapping[str, Any], name: str, files: ExitStack) -> str | None:
    """The name of a file with the content; ssl can't take a client's certificate from memory."""
    inline = user.get(f"{name}-data")
    if not inline:
        return cast("str | None", user.get(name))
    file = files.enter_context(tempfile.NamedTemporaryFile(prefix="ovnloom-"))  # noqa: SIM115  (closed with `files`)
    file.write(decoded(inline))
    file.flush()
    return file.name


def decoded(inline: Any) -> bytes:
    """What a `…-data` field of a kubeconfig holds."""
    try:
        return base64.b64decode(str(inline))
    except binascii.Error as problem:
        raise ValueError(f"not base64: {problem}") from problem


async def _by_plugin(paths: str, cluster: Mapping[str, Any]) -> Access:
    """Access by the client library, which knows how to run credential plugins and how often."""
    config, client = await asyncio.to_thread(_library)
    configuration = client.Configuration()
    try:
        await config.load_kube_config(config_file=paths, client_configuration=configuration)
    except config.ConfigException as problem:
        raise Refused(f"kubeconfig {paths}: {problem}") from problem
    files = {
        "certificate-authority": configuration.ssl_ca_cert,
        "insecure-skip-tls-verify": not configuration.verify_ssl,
    }
    own = {"client-certificate": configuration.cert_file, "client-key": configuration.key_file}
    return Access(
        configuration.host,
        _context(files, own, paths) if configuration.host.startswith("https://") else None,
        Plugin(configuration),
        cluster.get("proxy-url"),
        cluster.get("tls-server-name"),
    )


def _library() -> tuple[Any, Any]:
    from kubernetes.aio import client, config

    return config, client
