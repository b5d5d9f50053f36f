//go:build tools

// Package reference pins the plugins of others that stand beside ours on a host: container runtimes call loopback, and
// portmap and bandwidth are chained behind ours. In a module of its own, what they need is no part of ours.
package reference

import (
	_ "github.com/containernetworking/plugins/plugins/main/loopback"
	_ "github.com/containernetworking/plugins/plugins/meta/bandwidth"
	_ "github.com/containernetworking/plugins/plugins/meta/portmap"
)
