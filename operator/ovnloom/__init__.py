"""A Kubernetes network programmed through OVN, computed as a value."""

__version__ = "0.1.0"
