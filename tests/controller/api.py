"""The API server as the tests' user speaks to it: another client than the one under test."""

import base64
import http.client
import json
import ssl
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml

Body = dict[str, Any]
MERGE = "application/merge-patch+json"
NOW = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
"""There is no kubelet that would confirm the end of a Pod."""
WIDTH = 8
TRIES = 100
"""Of a request that the API server puts off, as it does for custom resources right after its start."""


class Refusal(Exception):
    """The API server said no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.message = message


class Kind(NamedTuple):
    """Where the API server keeps objects of a kind."""

    root: str
    plural: str
    is_namespaced: bool

    def path(self, name: str = "", namespace: str = "") -> str:
        space = f"/namespaces/{namespace}" if self.is_namespaced and namespace else ""
        return f"{self.root}{space}/{self.plural}{f'/{name}' if name else ''}"


OURS = "/apis/kubeovn.io/v1"
KINDS: Mapping[str, Kind] = {
    "Namespace": Kind("/api/v1", "namespaces", False),
    "ConfigMap": Kind("/api/v1", "configmaps", True),
    "Node": Kind("/api/v1", "nodes", False),
    "Pod": Kind("/api/v1", "pods", True),
    "Event": Kind("/api/v1", "events", True),
    "Service": Kind("/api/v1", "services", True),
    "EndpointSlice": Kind("/apis/discovery.k8s.io/v1", "endpointslices", True),
    "NetworkPolicy": Kind("/apis/networking.k8s.io/v1", "networkpolicies", True),
    "ServiceAccount": Kind("/api/v1", "serviceaccounts", True),
    "StatefulSet": Kind("/apis/apps/v1", "statefulsets", True),
    "Lease": Kind("/apis/coordination.k8s.io/v1", "leases", True),
    "CustomResourceDefinition": Kind("/apis/apiextensions.k8s.io/v1", "customresourcedefinitions", False),
    "NetworkAttachmentDefinition": Kind("/apis/k8s.cni.cncf.io/v1", "network-attachment-definitions", True),
    "Vpc": Kind(OURS, "vpcs", False),
    "ProviderNetwork": Kind(OURS, "provider-networks", False),
    "Vlan": Kind(OURS, "vlans", False),
    "Subnet": Kind(OURS, "subnets", False),
    "IP": Kind(OURS, "ips", False),
    "IPPool": Kind(OURS, "ippools", False),
    "Vip": Kind(OURS, "vips", False),
    "SwitchLBRule": Kind(OURS, "switch-lb-rules", False),
    "VpcDns": Kind(OURS, "vpc-dnses", False),
    "SecurityGroup": Kind(OURS, "security-groups", False),
}


class Api:
    """Requests as the administrator of one sandbox, from any thread."""

    def __init__(self, kubeconfig: Path) -> None:
        found = yaml.safe_load(kubeconfig.read_text())
        user = found["users"][0]["user"]
        cluster = found["clusters"][0]["cluster"]
        server = urlsplit(cluster["server"])
        self._host, self._port = server.hostname or "", server.port or 443
        self._tls = ssl.create_default_context(cadata=_decoded(cluster["certificate-authority-data"]))
        with tempfile.NamedTemporaryFile("w") as pair:
            pair.write(_decoded(user["client-certificate-data"]) + _decoded(user["client-key-data"]))
            pair.flush()
            self._tls.load_cert_chain(pair.name)
        self._idle: deque[http.client.HTTPSConnection] = deque()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def create(self, body: Body) -> Body:
        """The object is there. Raises Refusal."""
        kind = KINDS[body["kind"]]
        return self._request("POST", kind.path(namespace=body["metadata"].get("namespace", "")), body)

    def dry_run(self, body: Body) -> Body:
        """What would be there. Raises Refusal."""
        kind = KINDS[body["kind"]]
        path = kind.path(namespace=body["metadata"].get("namespace", ""))
        return self._request("POST", f"{path}?dryRun=All", body)

    def get(self, kind: str, name: str, namespace: str = "") -> Body | None:
        """The object, or None."""
        try:
            return self._request("GET", KINDS[kind].path(name, namespace))
        except Refusal as refusal:
            if refusal.status == http.HTTPStatus.NOT_FOUND:
                return None
            raise

    def the(self, kind: str, name: str, namespace: str = "") -> Body:
        """The object, which is there. Raises Refusal."""
        return self._request("GET", KINDS[kind].path(name, namespace))

    def every(self, kind: str, namespace: str = "", query: str = "") -> list[Body]:
        """All objects of a kind."""
        path = KINDS[kind].path(namespace=namespace) + (f"?{query}" if query else "")
        items: list[Body] = self._request("GET", path)["items"]
        return items

    def patch(self, kind: str, name: str, body: Body, namespace: str = "", part: str = "") -> Body:
        """The object is merged with the body. Raises Refusal."""
        path = KINDS[kind].path(name, namespace) + (f"/{part}" if part else "")
        return self._request("PATCH", path, body, MERGE)

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Somebody asked for the deletion of the object, without grace; one that isn't there stays away."""
        try:
            self._request("DELETE", KINDS[kind].path(name, namespace), NOW)
        except Refusal as refusal:
            if refusal.status != http.HTTPStatus.NOT_FOUND:
                raise

    def events(self, name: str, reason: str = "") -> list[Body]:
        """The Events about an object of that name."""
        found = self.every("Event", query=f"fieldSelector=involvedObject.name={name}")
        return [event for event in found if reason in ("", event["reason"])]

    def create_all(self, bodies: Iterable[Body]) -> None:
        """All of them are there, made several at a time."""
        with ThreadPoolExecutor(WIDTH) as threads:
            list(threads.map(self.create, bodies))

    def delete_all(self, kind: str, names: Iterable[str], namespace: str = "") -> None:
        """Deletion of all of them was asked for, several at a time."""
        with ThreadPoolExecutor(WIDTH) as threads:
            list(threads.map(lambda name: self.delete(kind, name, namespace), names))

    def _request(self, method: str, path: str, body: Body | None = None, form: str = "application/json") -> Body:
        content = json.dumps(body).encode() if body is not None else None
        for _ in range(TRIES):
            status, answer = self._ask(method, path, content, form)
            if status != http.HTTPStatus.TOO_MANY_REQUESTS:
                break
            time.sleep(0.2)
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise Refusal(status, answer.get("message", ""))
        return answer

    def _ask(self, method: str, path: str, content: bytes | None, form: str) -> tuple[int, Body]:
        while True:
            try:
                kept = self._idle.pop()
            except IndexError:
                break
            try:
                return self._exchange(kept, method, path, content, form)
            except (OSError, http.client.HTTPException):  # the server was started anew, or hung up on an idle one
                kept.close()
        fresh = http.client.HTTPSConnection(self._host, self._port, timeout=60, context=self._tls)
        try:
            return self._exchange(fresh, method, path, content, form)
        except (OSError, http.client.HTTPException):
            fresh.close()
            raise

    def _exchange(
        self, connection: http.client.HTTPSConnection, method: str, path: str, content: bytes | None, form: str
    ) -> tuple[int, Body]:
        connection.request(method, path, content, {"Content-Type": form})
        answer = connection.getresponse()
        text = answer.read()
        self._idle.append(connection)
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, {"message": text.decode(errors="replace")}


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()


def condition(body: Body | None, type_: str) -> Body:
    """A condition of an object; empty when it hasn't got it."""
    for found in ((body or {}).get("status") or {}).get("conditions") or []:
        if found["type"] == type_:
            return dict(found)
    return {}
