package plugin

import (
	"strings"
	"testing"
)

const socket = `"server_socket": "/run/agent.sock"`

// A network of Multus and an address for macvlan name the same things in different places.
func TestTheKeysOfAnIPAMStandUnderIPAM(t *testing.T) {
	text := `{"name": "lan", "type": "macvlan", "server_socket": "/wrong", "ipam":
		{"type": "kube-ovn", "server_socket": "/run/agent.sock", "provider": "lan.shop", "routes": [{"dst": "10.9.0.0/16"}]}}`

	found, err := readConf([]byte(text))

	if err != nil || !found.isIPAM || found.ServerSocket != "/run/agent.sock" || found.Provider != "lan.shop" || found.Routes[0].Dst != "10.9.0.0/16" {
		t.Fatalf("%+v %v", found, err)
	}
}

// The conflist of a cluster doesn't name a provider, and may be as old as CNI.
func TestWithoutAProviderItIsTheDefaultNetwork(t *testing.T) {
	found, err := readConf([]byte(`{"name": "kube-ovn", "type": "kube-ovn", ` + socket + `}`))

	if err != nil || found.Provider != "ovn" || found.isIPAM || found.CNIVersion != "0.1.0" {
		t.Fatalf("%+v %v", found, err)
	}
}

// Nobody could guess which of two sockets is meant.
func TestAnEmptySocketIsRefusedByTheNameOfItsKey(t *testing.T) {
	for text, key := range map[string]string{
		`{"name": "a", "type": "kube-ovn"}`:                                             "server_socket is empty",
		`{"name": "a", "type": "macvlan", "ipam": {"type":"kube-ovn"}, ` + socket + `}`: "ipam.server_socket is empty",
	} {
		if _, err := readConf([]byte(text)); err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Taking one for the other would remove the interfaces of all running Pods.
func TestAListOfNoAttachmentsIsNotTheLackOfAList(t *testing.T) {
	for text, has := range map[string]bool{
		`{"type": "kube-ovn", ` + socket + `}`:                                    false,
		`{"type": "kube-ovn", "cni.dev/valid-attachments": [], ` + socket + `}`:   true,
		`{"type": "kube-ovn", "cni.dev/valid-attachments": null, ` + socket + `}`: true,
		`{"type": "kube-ovn", "cni.dev/attachments": [], ` + socket + `}`:         true,
	} {
		found, err := readConf([]byte(text))
		if err != nil || found.hasValid != has || len(found.attachments()) != 0 {
			t.Errorf("%s: %+v %v", text, found, err)
		}
	}
}
