"""Fixtures of other folders."""

from tests.northbound.conftest import controllers as controllers  # noqa: PLC0414,RUF100  (a fixture)
