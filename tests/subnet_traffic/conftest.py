"""Fixtures of other folders that verdicts are compared with."""

from tests.northbound.conftest import controllers as controllers  # noqa: PLC0414,RUF100  (a fixture)
