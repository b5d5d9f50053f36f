//go:build tools

// Package programs pins the CoreDNS that a sandbox runs.
package programs

import (
	_ "github.com/coredns/coredns"
)
