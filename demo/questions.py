"""Who is asked whether he reaches whom, and what the answer proves."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """Two Pods, by namespace and beginning of their names, and what it proves that a packet arrives or doesn't."""

    source: tuple[str, str]
    target: tuple[str, str]
    arrives: bool
    proves: str


QUESTIONS = (
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
