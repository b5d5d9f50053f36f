"""The tour's samples in clusters of other families."""

import pytest
import yaml

from demo.tour import families
from demo.tour.place import FOLDER

DUAL = {
    "protocol": "Dual",
    "cidrBlock": "10.88.0.0/24,fd00:10:88::/112",
    "gateway": "10.88.0.1,fd00:10:88::1",
    "excludeIps": ["10.88.0.1..10.88.0.20", "fd00:10:88::1..fd00:10:88::20"],
}


def test_the_files_themselves_are_those_of_an_ipv4_cluster() -> None:
    """People read and apply the files; what the demo applies has to be the same."""
    for file in FOLDER.glob("*.yaml"):
        for each in yaml.safe_load_all(file.read_text()):
            assert families.rewritten("ipv4", each) == each


def test_a_subnet_of_a_sample_has_both_families_in_a_dual_cluster() -> None:
    """Texts become comma lists and lists get items, as the kind wants them."""
    objects = list(yaml.safe_load_all((FOLDER / "06-underlay.yaml").read_text()))
    (subnet,) = (families.rewritten("dual", each) for each in objects if each["kind"] == "Subnet")

    assert {field: subnet["spec"][field] for field in DUAL} == DUAL


@pytest.mark.parametrize("file", sorted(file.name for file in FOLDER.glob("*.yaml")))
def test_no_ipv4_is_left_in_a_cluster_of_ipv6(file: str) -> None:
    """An address that this forgot would be refused, or worse, be one that nobody reaches."""
    for each in yaml.safe_load_all((FOLDER / file).read_text()):
        text = yaml.safe_dump(families.rewritten("ipv6", each))
        assert not families.ADDRESS.search(text)
        assert "IPv4" not in text


def test_other_fields_stay_as_they_are() -> None:
    """Only addresses have families."""
    pod = {"image": "agnhost:2.56", "args": ["netexec", "--http-port=8080"], "id": 0, "nat": True, "none": None}

    assert families.rewritten("dual", pod) == pod


def test_twins_keep_apart_what_is_apart() -> None:
    """Two addresses of a sample are two in every family."""
    numbers = [families.of("ipv6", f"10.77.0.{last}") for last in range(256)]

    assert len(set(numbers)) == len(numbers)
    assert all(len(each) == 1 for each in numbers)
