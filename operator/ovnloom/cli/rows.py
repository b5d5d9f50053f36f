"""The rows of a northbound database that runs, as of one moment: read over a connection that never writes."""

from __future__ import annotations

from time import monotonic

import ovs.poller

from ovnloom.cli.wrong import Wrong
from ovnloom.errors import Unavailable
from ovnloom.northbound import stream_json
from ovnloom.northbound.change import Change
from ovnloom.northbound.connection import use_certificates
from ovnloom.northbound.mirror import Mirror
from ovnloom.northbound.replica import Replica
from ovnloom.northbound.schema_request import fetch_schema
from ovnloom.settings import Settings


def read(settings: Settings) -> Mirror:
    """A mirror of the leader's rows. Raises Wrong when no server answers in time."""
    if settings.ovn_private_key:
        use_certificates(settings.ovn_private_key, settings.ovn_certificate, settings.ovn_ca_certificate)
    stream_json.install()
    hint = "name it by --ovn-nb, or plan with --against nb-snapshot=FILE or --against empty"
    try:
        schema = fetch_schema(settings.ovn_nb, settings.ovn_timeout)
    except Unavailable as problem:
        raise Wrong(f"northbound database: {problem}; {hint}") from problem
    changes: list[Change] = []
    replica = Replica(settings.ovn_nb, schema, changes.append)
    deadline = monotonic() + settings.ovn_timeout
    try:
        while not replica.is_synced:
            replica.run()
            if replica.is_synced:
                break
            if monotonic() > deadline:
                words = f"{settings.ovn_nb}: no leader sent its rows in {settings.ovn_timeout:g} s"
                raise Wrong(f"northbound database: {words}; {hint}")
            poller = ovs.poller.Poller()
            replica.wait(poller)
            poller.timer_wait(200)
            poller.block()
    finally:
        replica.close()
    mirror = Mirror(replica.shape)
    mirror.apply(changes)
    return mirror
