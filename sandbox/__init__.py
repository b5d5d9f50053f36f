"""A real Kubernetes control plane and a real OVN, as processes of this machine.

`Sandbox` is the whole, `Ovn` the light variant with the OVN servers only. The command line is `python -m sandbox`.
"""

from sandbox.cluster import Sandbox
from sandbox.errors import SandboxError
from sandbox.ovn import Ovn
from sandbox.wait import until

__all__ = ["Ovn", "Sandbox", "SandboxError", "until"]
