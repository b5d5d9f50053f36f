"""`ovnloom docker`: the process that serves dockerd's plugin socket."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from ovnloom import log
from ovnloom.docker.cluster import Cluster
from ovnloom.docker.driver import Driver
from ovnloom.docker.endpoints import Host
from ovnloom.docker.ipam import Ipam
from ovnloom.docker.labels import LabelFollower
from ovnloom.docker.plug import Plugs
from ovnloom.docker.serve import application, serving
from ovnloom.docker.site import Site
from ovnloom.docker.standalone import Standalone
from ovnloom.docker.sweep import Sweep
from ovnloom.errors import Refused, Unavailable
from ovnloom.host.ovs import OpenVSwitch
from ovnloom.kube.client import Client
from ovnloom.northbound.connection import use_certificates
from ovnloom.settings import DockerSettings, Settings

logger = log.get("docker")


def run(settings: DockerSettings) -> int:
    """Runs until SIGTERM or SIGINT; the exit code is 0 then, and 1 when it can't start."""
    log.setup(settings.log_form, settings.log_level)
    if settings.ovn_private_key:
        use_certificates(settings.ovn_private_key, settings.ovn_certificate, settings.ovn_ca_certificate)
    try:
        asyncio.run(_run(settings))
    except (Refused, Unavailable, OSError) as wrong:
        logger.error("can't start", reason=str(wrong))  # noqa: TRY400 # a user's mistake needs no traceback
        return 1
    return 0


async def _run(settings: DockerSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ovs = OpenVSwitch(settings.ovs_remote)
    ovs.start()
    host = Host(settings.docker_host or socket.gethostname().lower(), settings.docker_namespace)
    try:
        async with _site(settings) as site:
            plugs = Plugs(ovs, settings.integration_bridge, settings.port_timeout)
            driver, ipam = Driver(site, settings, host, plugs), Ipam(site, settings, host)
            async with serving(application(driver, ipam), settings.docker_socket):
                logger.info("serving", host=host.name, socket=settings.docker_socket)
                work = [site.run()]
                if settings.docker_api:
                    work.append(Sweep(site, plugs, host.name, settings.docker_api, settings.docker_sweep).run())
                    work.append(LabelFollower(site, host.name, settings.docker_api).run())
                await _until(stop, work)
                logger.info("stopping")
    finally:
        ovs.stop()


async def _until(stop: asyncio.Event, work: list[Coroutine[Any, Any, None]]) -> None:
    """All of it goes on until it is to stop; what fails before is raised."""
    tasks = [asyncio.create_task(each) for each in (*work, stop.wait())]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in done:
        task.result()


@asynccontextmanager
async def _site(settings: DockerSettings) -> AsyncIterator[Site]:
    """With a kubeconfig the API server has the objects, without one the northbound database."""
    if not settings.kubeconfig:
        async with Standalone(pipeline_settings(settings)) as alone:
            yield alone
        return
    async with await Client.open(settings.kubeconfig, settings.kube_timeout) as client:
        yield Cluster(pipeline_settings(settings), client, settings.address_timeout)


def pipeline_settings(settings: DockerSettings) -> Settings:
    """What the pipeline has to know; the defaults for all that is a controller's business."""
    return Settings(ovn_nb=settings.ovn_nb, ovn_timeout=settings.ovn_timeout, cluster_router=settings.cluster_router)
