//go:build tools

// Package programs pins the helm that a sandbox offers; see README.md.
package programs

import (
	_ "helm.sh/helm/v3/cmd/helm"
)
