"""Kubernetes' own end-to-end tests, against a sandbox with ovnloom in it."""
