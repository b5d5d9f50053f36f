"""A real Kubernetes control plane and a real OVN, as processes of this machine.

`Sandbox` is the whole, `Ovn` the light variant with the OVN servers only. A `Host` on a `Fabric` is a machine in
namespaces, `OpenVswitch` what runs on it. The command line is `python -m sandbox`.
"""

from sandbox.cluster import Sandbox
from sandbox.errors import SandboxError
from sandbox.fabric import Fabric
from sandbox.host import Host
from sandbox.openvswitch import OpenVswitch
from sandbox.ovn import Ovn
from sandbox.wait import until

__all__ = ["Fabric", "Host", "OpenVswitch", "Ovn", "Sandbox", "SandboxError", "until"]
