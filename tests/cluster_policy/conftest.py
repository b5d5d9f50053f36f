"""Fixtures of other folders that these tests use."""

from tests.northbound.conftest import controllers as controllers  # noqa: PLC0414,RUF100  (a fixture)
