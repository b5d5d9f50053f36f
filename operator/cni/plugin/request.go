package plugin

import (
	"encoding/json"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
)

// request is what the agent is asked, in the keys of its socket.
type request struct {
	CNIType      string    `json:"cni_type"`
	PodName      string    `json:"pod_name"`
	PodNamespace string    `json:"pod_namespace"`
	PodUID       string    `json:"pod_uid,omitempty"`
	ContainerID  string    `json:"container_id"`
	NetNS        string    `json:"net_ns"`
	IfName       string    `json:"if_name"`
	Provider     string    `json:"provider"`
	Routes       []route   `json:"routes"`
	DNS          types.DNS `json:"dns"`

	VFDriver             string `json:"vf_driver"`
	DeviceID             string `json:"deviceID"`
	VhostUserVolume      string `json:"vhost_user_socket_volume_name"`
	VhostUserSocket      string `json:"vhost_user_socket_name"`
	VhostUserConsumption string `json:"vhost_user_socket_consumption"`

	PrevResult json.RawMessage `json:"prev_result,omitempty"`
}

// podArgs are the keys of CNI_ARGS that a kubelet's runtime sets; others are ignored.
type podArgs struct {
	types.CommonArgs
	K8S_POD_NAME      types.UnmarshallableString //nolint:revive // the key's own name
	K8S_POD_NAMESPACE types.UnmarshallableString //nolint:revive // the key's own name
	K8S_POD_UID       types.UnmarshallableString //nolint:revive // the key's own name
}

// newRequest is one for the Pod that CNI_ARGS names.
func newRequest(args *skel.CmdArgs, conf *conf) (*request, error) {
	pod := podArgs{CommonArgs: types.CommonArgs{IgnoreUnknown: true}}
	if args.Args != "" {
		if err := types.LoadArgs(args.Args, &pod); err != nil {
			return nil, wrongConf("CNI_ARGS can't be read: " + err.Error())
		}
	}
	if pod.K8S_POD_NAME == "" {
		return nil, wrongConf("CNI_ARGS has no K8S_POD_NAME; this plugin connects Pods only")
	}
	if pod.K8S_POD_NAMESPACE == "" {
		return nil, wrongConf("CNI_ARGS has no K8S_POD_NAMESPACE; this plugin connects Pods only")
	}
	asked := &request{
		CNIType:              conf.Type,
		PodName:              string(pod.K8S_POD_NAME),
		PodNamespace:         string(pod.K8S_POD_NAMESPACE),
		PodUID:               string(pod.K8S_POD_UID),
		ContainerID:          args.ContainerID,
		NetNS:                args.Netns,
		IfName:               args.IfName,
		Provider:             conf.Provider,
		Routes:               conf.Routes,
		DNS:                  conf.DNS,
		VFDriver:             conf.VFDriver,
		DeviceID:             conf.DeviceID,
		VhostUserVolume:      conf.VhostUserVolume,
		VhostUserSocket:      conf.VhostUserSocket,
		VhostUserConsumption: conf.VhostUserConsumption,
	}
	if conf.VhostUserConsumption == "kubevirt" {
		asked.VhostUserVolume = "vhostuser-sockets"
	}
	if asked.Routes == nil {
		asked.Routes = []route{}
	}
	return asked, nil
}
