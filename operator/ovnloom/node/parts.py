"""The parts of the agent, in the order in which a start needs them."""

from __future__ import annotations

from ovnloom.node.part import Make
from ovnloom.node.providers import providers
from ovnloom.node.services import services

PARTS: tuple[Make, ...] = (services, providers)
