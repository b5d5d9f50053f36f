"""The objects of the cluster: slim typed views for the world, models of our own kinds for the CRDs."""
