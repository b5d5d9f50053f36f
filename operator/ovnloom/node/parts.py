"""The parts of the agent, in the order in which a start needs them."""

from __future__ import annotations

from ovnloom.node.egress import egress
from ovnloom.node.encap import encap
from ovnloom.node.join import join
from ovnloom.node.masquerade import masquerade
from ovnloom.node.part import Make
from ovnloom.node.providers import providers
from ovnloom.node.routes import pod_routes
from ovnloom.node.services import services

PARTS: tuple[Make, ...] = (encap, join, pod_routes, masquerade, egress, services, providers)
