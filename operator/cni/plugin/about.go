// Package plugin forwards the verbs of CNI to the node agent, which does the work: a host needs no more than one file.
package plugin

// Version is that of ovnloom; the build sets it.
var Version = "unreleased"

// About is printed when the plugin is called by hand.
func About() string {
	return "CNI plugin kube-ovn of ovnloom " + Version
}
