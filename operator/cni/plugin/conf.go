package plugin

import (
	"encoding/json"

	"github.com/containernetworking/cni/pkg/types"
	"github.com/containernetworking/cni/pkg/version"
)

// Type is the name of this plugin in a network configuration, and of its file.
const Type = "kube-ovn"

// DefaultProvider is that of the cluster's default network.
const DefaultProvider = "ovn"

// A route as users write it; without dst it is the default route of the gateway's family.
type route struct {
	Dst string `json:"dst,omitempty"`
	GW  string `json:"gw,omitempty"`
}

// own are the keys that this plugin reads either at the top or, as the ipam of another plugin, under "ipam".
type own struct {
	ServerSocket string  `json:"server_socket"`
	Provider     string  `json:"provider"`
	Routes       []route `json:"routes"`
}

type ipam struct {
	Type string `json:"type"`
	own
}

type conf struct {
	CNIVersion string `json:"cniVersion"`
	Name       string `json:"name"`
	Type       string `json:"type"`
	own
	IPAM ipam      `json:"ipam"`
	DNS  types.DNS `json:"dns"`

	DeviceID             string `json:"deviceID"`
	VFDriver             string `json:"vf_driver"`
	VhostUserVolume      string `json:"vhost_user_socket_volume_name"`
	VhostUserSocket      string `json:"vhost_user_socket_name"`
	VhostUserConsumption string `json:"vhost_user_socket_consumption"`

	PrevResult json.RawMessage `json:"prevResult"`
	// A list that isn't there differs from an empty one: only the latter says that no attachment is in use.
	Valid *[]types.GCAttachment `json:"cni.dev/valid-attachments"`
	// Where runtimes that follow the first text of the specification put the same list.
	ValidOnce *[]types.GCAttachment `json:"cni.dev/attachments"`

	isIPAM   bool
	hasValid bool
}

// readConf reads a network configuration, with the keys of this plugin taken from where they stand.
func readConf(stdin []byte) (*conf, error) {
	found := &conf{}
	if err := json.Unmarshal(stdin, found); err != nil {
		return nil, types.NewError(types.ErrDecodingFailure, "the network configuration can't be read", err.Error())
	}
	// Without the key it is the oldest version, not none.
	decoded, err := (&version.ConfigDecoder{}).Decode(stdin)
	if err != nil {
		return nil, types.NewError(types.ErrDecodingFailure, "cniVersion can't be read", err.Error())
	}
	found.CNIVersion = decoded
	where := "server_socket"
	if found.Type != Type {
		found.isIPAM = true
		found.own = found.IPAM.own
		where = "ipam.server_socket"
	}
	if found.ServerSocket == "" {
		return nil, wrongConf(where + " is empty; set it to the socket of the node agent, /run/openvswitch/kube-ovn-daemon.sock")
	}
	if found.Provider == "" {
		found.Provider = DefaultProvider
	}
	return found, found.readAttachments(stdin)
}

// readAttachments tells an empty list, which JSON may also spell as null, from none.
func (c *conf) readAttachments(stdin []byte) error {
	keys := map[string]json.RawMessage{}
	if err := json.Unmarshal(stdin, &keys); err != nil {
		return types.NewError(types.ErrDecodingFailure, "the network configuration can't be read", err.Error())
	}
	_, isThere := keys["cni.dev/valid-attachments"]
	_, wasThere := keys["cni.dev/attachments"]
	c.hasValid = isThere || wasThere
	return nil
}

// attachments are those that the runtime still uses.
func (c *conf) attachments() []types.GCAttachment {
	for _, list := range []*[]types.GCAttachment{c.Valid, c.ValidOnce} {
		if list != nil {
			return *list
		}
	}
	return nil
}

func wrongConf(sentence string) error {
	return types.NewError(types.ErrInvalidNetworkConfig, "invalid network config", sentence)
}
