"""Words of Docker's plugin protocol, and those that ovnloom adds."""

from __future__ import annotations

DRIVER = "ovnloom"
GENERIC = "com.docker.network.generic"
INTERNAL = "com.docker.network.internal"
IPV6 = "com.docker.network.enable_ipv6"
MTU = "com.docker.network.driver.mtu"
MAC = "com.docker.network.endpoint.macaddress"
ADDRESS_TYPE = "RequestAddressType"
GATEWAY = "com.docker.network.gateway"

SUBNET = "ovnloom.subnet"
VPC = "ovnloom.vpc"
PRIVATE = "ovnloom.private"
OUTSIDE = "ovnloom.outside"
LABELS = "ovnloom.labels"
SECURITY_GROUPS = "ovnloom.security_groups"

NETWORK_OPTIONS = (SUBNET, VPC, PRIVATE, OUTSIDE, MTU)
"""What `docker network create -o` may say."""
IPAM_OPTIONS = (SUBNET, VPC)
"""What `docker network create --ipam-opt` may say."""

MADE = "ovnloom.io/made-for"
"""Annotation of a Subnet that a Docker network made, and that goes with the last one."""
PENDING = "ovnloom.io/pending"
"""Annotation of a Subnet that was made when Docker asked for any pool, until it says for which network."""
NETWORK = "docker.ovnloom.io/"
"""Begin of a Subnet's annotation for each Docker network that it is; the network's id follows."""
ID_LENGTH = 60
"""Characters of a network's id in that annotation; a key has 63 at most, and ids are random."""
LENT = "ovnloom.io/lent"
"""Annotation of an IP that somebody else's IPAM chose: it goes with its endpoint."""
