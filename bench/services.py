"""Services at a scale that no sandbox holds, without any server: the cost of all of them, and of one endpoint."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from time import process_time
from typing import Any

from bench import bars
from bench.bars import Line
from bench.pure import start, stored, subnet
from ovnloom.api.endpointslice import EndpointSlice
from ovnloom.api.service import Service
from ovnloom.api.vpc import Vpc
from ovnloom.pipeline import Pipeline

ENDPOINTS = 10
"""Of each Service."""
LARGE, A_SLICE = 5000, 100
"""Endpoints of the one large Service, and of each of its slices: as many as Kubernetes puts into one."""
CHANGES = 100


def run(services: int) -> list[Line]:
    """Full: all is compiled and planned against no rows. Times are of CPU."""
    pipeline, cost = start(_objects(services))
    ones = [_flip(pipeline, f"service-{at % services}", 0, ENDPOINTS, at + at // services) for at in range(CHANGES)]
    many = [_flip(pipeline, "large", at % (LARGE // A_SLICE), A_SLICE, at) for at in range(CHANGES)]
    what = f"{services:,} Services of {ENDPOINTS}, one of {LARGE:,}"
    return [
        Line(f"{what}: compile", cost.read + cost.compiled, "s"),
        Line(f"{what}: full", cost.full, "s", bars.SERVICES_SECONDS),
        Line(f"{what}: most memory", cost.peak, "MiB"),
        Line("one endpoint is no longer ready, median", statistics.median(ones) * 1e3, "ms", bars.ENDPOINT_MS),
        Line("one endpoint is no longer ready, slowest", max(ones) * 1e3, "ms"),
        Line(f"one of {LARGE:,} is no longer ready, median", statistics.median(many) * 1e3, "ms"),
    ]


def _flip(pipeline: Pipeline, service: str, part: int, size: int, at: int) -> float:
    """Seconds until another endpoint of a slice than before gets nothing."""
    body = _slice(service, part, size, unready=at % size)
    started = process_time()
    found = EndpointSlice.decode(body)
    pipeline.put(EndpointSlice, found.key, found)
    pipeline.run()
    plan = pipeline.plan()
    seconds = process_time() - started
    assert plan.operations
    stored(pipeline, plan)
    return seconds


def _objects(services: int) -> Iterator[Any]:
    yield Vpc.decode({"metadata": {"name": "ovn-cluster"}})
    for name, cidr in (("join", "100.64.0.0/16"), ("ovn-default", "10.0.0.0/10")):
        yield subnet(name, {"cidrBlock": cidr, "default": name == "ovn-default"})
    for at in range(services):
        yield _service(f"service-{at}", at)
        yield EndpointSlice.decode(_slice(f"service-{at}", 0, ENDPOINTS))
    yield _service("large", services)
    for part in range(LARGE // A_SLICE):
        yield EndpointSlice.decode(_slice("large", part, A_SLICE))


def _service(name: str, at: int) -> Service:
    spec = {"clusterIPs": [f"10.{96 + (at >> 16)}.{at >> 8 & 255}.{at & 255}"], "ports": [{"name": "http", "port": 80}]}
    meta = {"name": name, "namespace": "default", "uid": name, "creationTimestamp": "2026-01-01T00:00:00Z"}
    return Service.decode({"metadata": meta, "spec": spec})


def _slice(service: str, part: int, size: int, unready: int = -1) -> dict[str, Any]:
    labels = {"kubernetes.io/service-name": service}
    return {
        "metadata": {"name": f"{service}-{part}", "namespace": "default", "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        "endpoints": [
            {
                "addresses": [f"10.16.{part}.{number}"],
                "conditions": {"ready": number != unready, "serving": number != unready, "terminating": False},
                "nodeName": f"node-{number % 20}",
                "targetRef": {"kind": "Pod", "name": f"{service}-{part}-{number}", "namespace": "default"},
            }
            for number in range(size)
        ],
    }
