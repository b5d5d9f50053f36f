"""A host's network: links, addresses, Open vSwitch; it knows nothing of Kubernetes."""
