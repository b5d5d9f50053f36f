"""What the rows let through: may FROM reach TO, answered from the northbound rows alone, without a packet."""

from ovnloom.verdict.network import Network, Unknown
from ovnloom.verdict.question import PROTOCOLS, Protocol, Question
from ovnloom.verdict.values import Branch, Outcome, Step, Verdict

__all__ = ["PROTOCOLS", "Branch", "Network", "Outcome", "Protocol", "Question", "Step", "Unknown", "Verdict"]
