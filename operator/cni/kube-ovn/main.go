// Command kube-ovn is the CNI plugin of ovnloom: what a container runtime asks for, the node agent of this host does.
package main

import (
	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/version"

	"ovnloom.io/cni/plugin"
)

func main() {
	verbs := plugin.New()
	skel.PluginMainFuncs(skel.CNIFuncs{
		Add:    verbs.Add,
		Check:  verbs.Check,
		Del:    verbs.Del,
		GC:     verbs.GC,
		Status: verbs.Status,
	}, version.All, plugin.About())
}
