"""Who is asked whether he reaches whom, and what the answer proves."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """Two Pods, by namespace and beginning of their names, and what it proves that a packet arrives or doesn't."""

    source: tuple[str, str]
    target: tuple[str, str]
    arrives: bool
    proves: str
    port: int = 80
    """Of TCP, at the Pod, or at the Service when one is named."""
    service: str = ""
    """Name of the Service in the target's namespace to which the packet is sent."""


SUBNETS = (
    Question(
        ("acme-web", "front"),
        ("acme-db", "db-0"),
        True,
        "Subnets of one Vpc reach each other through its router.",
    ),
    Question(
        ("shop", "web"),
        ("vault", "safe"),
        True,
        "A private Subnet lets in those that its allowSubnets name.",
    ),
    Question(
        ("default", "visitor"),
        ("vault", "safe"),
        False,
        "A private Subnet keeps all others out, though they are in the same Vpc.",
    ),
    Question(
        ("shop", "web"),
        ("acme-db", "db-0"),
        False,
        "Vpcs don't meet: what no Subnet of the own Vpc has leaves by the node.",
    ),
)
"""About Vpcs and Subnets."""

POLICIES = (
    Question(
        ("shop", "till"),
        ("shop", "printer"),
        True,
        "A Service leads to its backend, and the policy of the Pod behind it knows who sent the packet.",
        service="printer",
    ),
    Question(
        ("shop", "web"),
        ("shop", "printer"),
        False,
        "A NetworkPolicy denies whom no rule selects, through the Service as well.",
        service="printer",
    ),
    Question(
        ("shop", "till"),
        ("shop", "printer"),
        True,
        "A rule that says ipp means the port that the Pod calls so: 631.",
        port=631,
    ),
    Question(
        ("shop", "till"),
        ("shop", "printer"),
        False,
        "The same Pods at another port: no rule says it for them.",
        port=9100,
    ),
    Question(
        ("default", "visitor"),
        ("shop", "printer"),
        True,
        "An ipBlock lets addresses in, whoever has them.",
        port=9100,
    ),
    Question(
        ("acme-web", "front"),
        ("acme-db", "ledger"),
        True,
        "A rule of the SecurityGroup that the Pod named in its annotation.",
        port=5432,
    ),
    Question(
        ("acme-web", "front"),
        ("acme-db", "ledger"),
        False,
        "What no group of a Pod allows is denied.",
        port=22,
    ),
)
"""About Services, NetworkPolicies and SecurityGroups."""
