"""The agent of a node: what the cluster says becomes the network of this host and of its Pods."""
