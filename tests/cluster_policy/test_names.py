"""The names of groups and sets of cluster-wide policies."""

from hypothesis import example, given
from hypothesis import strategies as st

from ovnloom.ovn import names
from ovnloom.ovn.expression import check_match
from ovnloom.ovn.match import at_group, to_set

NAME = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,8}[a-z0-9])?", fullmatch=True)
"""Of an object of the cluster; those of namespaces have no dots."""
KIND: st.SearchStrategy[names.ClusterKind] = st.sampled_from(["anp", "banp", "cnp"])


@given(one=st.tuples(KIND, NAME), other=st.tuples(KIND, NAME))
@example(one=("anp", "a-b"), other=("anp", "a.b"))
def test_no_two_policies_have_one_group(
    one: tuple[names.ClusterKind, str], other: tuple[names.ClusterKind, str]
) -> None:
    """Their rules would hold for each other's Pods."""
    groups = [names.cluster_policy_group(*one), names.cluster_policy_group(*other)]

    assert (groups[0] == groups[1]) == (one == other)
    assert check_match(str(at_group("outport", groups[0]))) is None


@given(kind=KIND, name=NAME, other=NAME, namespace=NAME)
def test_no_group_of_another_kind_has_the_name_of_one(
    kind: names.ClusterKind, name: str, other: str, namespace: str
) -> None:
    """A user who may write NetworkPolicies could otherwise choose the names of an administrator's group."""
    group = names.cluster_policy_group(kind, name)
    others = {
        names.policy_port_group(other, namespace),
        names.node_port_group(other),
        names.subnet_node_port_group(other, namespace),
        names.security_port_group(other),
        names.selection_group(other),
        names.pool_address_set(other),
    }

    assert group not in others
    assert not group.startswith(names.RESERVED_GROUPS)


@given(kind=KIND, name=NAME, rule=st.integers(0, 99), other=st.tuples(KIND, NAME))
def test_a_set_of_nodes_is_no_set_that_ovn_makes_of_a_group(
    kind: names.ClusterKind, name: str, rule: int, other: tuple[names.ClusterKind, str]
) -> None:
    """OVN keeps `GROUP_ip4` for each group, and refuses a second set of that name."""
    found = names.cluster_policy_nodes(kind, name, rule, 4)

    assert found != names.group_addresses(names.cluster_policy_group(*other), 4)
    assert check_match(str(to_set(4, found))) is None
