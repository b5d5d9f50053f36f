"""Fixtures of other folders, and a node's switch."""

import pytest

from sandbox import Ovn
from tests.northbound.conftest import controllers as controllers  # noqa: PLC0414,RUF100  (a fixture)
from tests.service.chassis import Chassis


@pytest.fixture
def chassis(own_ovn: Ovn) -> Chassis:
    """Open vSwitch in userspace and an ovn-controller, which follow the test's own OVN, and end with it."""
    found = Chassis(own_ovn, "chassis-n1")
    found.up()
    return found
