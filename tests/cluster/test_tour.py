"""The scenes of the demo, each a test: real packets between real containers."""

import pytest

from demo.tour.place import Place
from demo.tour.scene import Scene
from demo.tour.walk import SCENES

# The nodes are shared by all tests of this folder.
pytestmark = pytest.mark.xdist_group("nodes")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_a_scene_shows_what_it_promises(scene: Scene, place: Place) -> None:
    """These are what a cluster network is for; the demo shows the same to people."""
    seen = list(scene.play(place))

    assert seen
    assert [each for each in seen if not each.right] == []
