"""The controller without the waiting: a pipeline and a northbound database in a dict."""

from ovnloom.northbound.edits import Plan
from ovnloom.northbound.operations import Written
from ovnloom.pipeline import Pipeline
from tests.northbound.simulation import Database
from tests.pipeline.small_world import run


class Loop:
    """Turns of the pipeline, each written at once."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.database = Database()

    def settle(self) -> Plan:
        """Plans are written until nothing is due; the answer is the last one that did something, or an empty one."""
        run(self.pipeline)
        last = Plan()
        for _ in range(20):
            if not self.pipeline.unsettled:
                return last
            found = self.pipeline.plan()
            self.pipeline.observe(self.database.transact(Written(found).operations))
            self.pipeline.settled(found.owners, found)
            last = found
        raise AssertionError(f"it never rests: {found.operations}")

    def everything(self) -> Plan:
        """What is still to do for anybody: nothing, once settled."""
        self.pipeline.queue_everything()
        found = self.pipeline.plan()
        self.pipeline.settled(found.owners, found)
        return found
