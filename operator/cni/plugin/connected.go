package plugin

import (
	"errors"
	"net"

	"github.com/containernetworking/plugins/pkg/ns"
)

// connected tells whether a network namespace has an interface of this name. What can't be looked at counts as connected,
// what isn't there doesn't.
func connected(netns, name string) bool {
	if netns == "" {
		return false
	}
	found := false
	err := ns.WithNetNSPath(netns, func(ns.NetNS) error {
		links, err := net.Interfaces()
		for _, link := range links {
			found = found || link.Name == name
		}
		return err
	})
	if gone := (ns.NSPathNotExistErr{}); errors.As(err, &gone) {
		return false
	}
	return found || err != nil
}
