"""Docker's container network model: a Docker network is a Subnet, an endpoint a port of its logical switch."""
