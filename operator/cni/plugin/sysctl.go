package plugin

import (
	"errors"
	"io/fs"
	"os"

	"github.com/containernetworking/plugins/pkg/ns"
)

// sysctls are set before the Pod has an address: a runtime may have switched IPv6 off, and a Pod takes its addresses and
// routes from the controller, not from the advertisement of a router.
var sysctls = []struct{ path, value string }{
	{"/proc/sys/net/ipv6/conf/all/disable_ipv6", "0"},
	{"/proc/sys/net/ipv6/conf/default/disable_ipv6", "0"},
	{"/proc/sys/net/ipv6/conf/all/accept_ra", "0"},
	{"/proc/sys/net/ipv6/conf/default/accept_ra", "0"},
}

// prepare sets the sysctls of a network namespace. A kernel without IPv6, or one that forbids it to us, stays as it is.
func prepare(netns string) error {
	return ns.WithNetNSPath(netns, func(ns.NetNS) error {
		for _, one := range sysctls {
			err := os.WriteFile(one.path, []byte(one.value), 0)
			if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission) {
				return err
			}
		}
		return nil
	})
}
