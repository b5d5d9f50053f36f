"""Bits of the packet mark that this host's tables share: one meaning each, so that no table needs another.

Who sets a bit masquerades by it as well, unless it is said otherwise here. They are those that users of kube-proxy and
Kube-OVN know from their own firewall rules.
"""

MASQUERADE = 0x4000
"""kube-proxy's: the packet gets an address of this host on its way out. Our own tables don't set it."""
LOCAL_SERVICE = 0x80000
"""Came to a Service that keeps the client's address (externalTrafficPolicy Local).

`table inet ovnloom` masquerades such a packet only where the reply would not come back through this host: to Pods of
centralised Subnets.
"""
