"""What the reference allows and the rows mean is also what OVN does: northd and ovn-trace, in dozens of worlds."""

from collections.abc import Callable

import pytest

from sandbox import Ovn
from tests.northbound.conftest import Controller
from tests.policy.compare import TRACED, check_traced, search
from tests.policy.compiled import Compiled
from tests.policy.reference import Reference
from tests.policy.worlds import World, worlds


@pytest.mark.timeout(120 + 2 * TRACED)
def test_ovn_lets_through_what_kubernetes_allows_and_the_rows_say(
    own_ovn: Ovn, controllers: Callable[..., Controller]
) -> None:
    """Our reading of rows could be wrong in the same way as the rows are; OVN's can't."""
    controller = controllers(own_ovn.nb).lock()

    def check(world: World) -> None:
        compiled = Compiled(world)
        check_traced(compiled, Reference(compiled.bodies), own_ovn, controller)

    search(worlds(), check, 100, TRACED)
