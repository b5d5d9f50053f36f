package plugin

import (
	"encoding/json"
	"fmt"
	"net"

	"github.com/containernetworking/cni/pkg/types"
	current "github.com/containernetworking/cni/pkg/types/100"
)

// response is what the agent did, in the keys of its socket.
type response struct {
	IPs     []address `json:"ips"`
	MAC     string    `json:"mac_address"`
	Routes  []route   `json:"routes"`
	MTU     int       `json:"mtu"`
	NICName string    `json:"nicname"`
	// HostNIC is the other end of the Pod's interface. Plugins that come after this one look for it: bandwidth does.
	HostNIC string    `json:"host_nicname"`
	DNS     types.DNS `json:"dns"`
}

type address struct {
	IP      string `json:"ip"`
	CIDR    string `json:"cidr"`
	Gateway string `json:"gateway"`
}

var everything = map[bool]net.IPNet{
	true:  {IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)},
	false: {IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
}

// readResult is the agent's answer as CNI has it.
//
// As the ipam of another plugin there are addresses and routes only: the interface is that plugin's.
func readResult(body []byte, conf *conf, asked *request) (*current.Result, error) {
	said := response{}
	if err := json.Unmarshal(body, &said); err != nil {
		return nil, fmt.Errorf("it isn't JSON of the agreed form: %w", err)
	}
	result := &current.Result{CNIVersion: current.ImplementedSpecVersion, DNS: said.DNS}
	if said.DNS.IsEmpty() {
		result.DNS = conf.DNS
	}
	if !conf.isIPAM {
		result.Interfaces = said.interfaces(asked)
	}
	gateways := []string{}
	for _, one := range said.IPs {
		address, err := one.read(conf.isIPAM)
		if err != nil {
			return nil, err
		}
		result.IPs = append(result.IPs, address)
		if one.Gateway != "" {
			gateways = append(gateways, one.Gateway)
		}
	}
	routes := said.Routes
	if len(routes) == 0 {
		for _, gateway := range gateways {
			routes = append(routes, route{GW: gateway})
		}
	}
	for _, one := range routes {
		route, err := one.read()
		if err != nil {
			return nil, err
		}
		result.Routes = append(result.Routes, route)
	}
	return result, nil
}

// interfaces are the Pod's, which addresses refer to as number 0, and the host's end of it.
func (r response) interfaces(asked *request) []*current.Interface {
	name := r.NICName
	if name == "" {
		name = asked.IfName
	}
	found := []*current.Interface{{Name: name, Mac: r.MAC, Mtu: r.MTU, Sandbox: asked.NetNS}}
	if r.HostNIC != "" {
		found = append(found, &current.Interface{Name: r.HostNIC})
	}
	return found
}

func (a address) read(isIPAM bool) (*current.IPConfig, error) {
	ip := readIP(a.IP)
	if ip == nil {
		return nil, fmt.Errorf("ip %q is not an address", a.IP)
	}
	_, network, err := net.ParseCIDR(a.CIDR)
	if err != nil {
		return nil, fmt.Errorf("cidr %q of %s is not a network", a.CIDR, a.IP)
	}
	if len(network.Mask) != len(ip) {
		return nil, fmt.Errorf("cidr %s and ip %s are not of one family", a.CIDR, a.IP)
	}
	found := &current.IPConfig{Address: net.IPNet{IP: ip, Mask: network.Mask}}
	if !isIPAM {
		found.Interface = current.Int(0)
	}
	if a.Gateway != "" {
		if found.Gateway = readIP(a.Gateway); found.Gateway == nil {
			return nil, fmt.Errorf("gateway %q is not an address", a.Gateway)
		}
	}
	return found, nil
}

func (r route) read() (*types.Route, error) {
	found := &types.Route{}
	if r.GW != "" {
		if found.GW = readIP(r.GW); found.GW == nil {
			return nil, fmt.Errorf("gw %q of a route is not an address", r.GW)
		}
	}
	if r.Dst == "" {
		if found.GW == nil {
			return nil, fmt.Errorf("a route has neither dst nor gw")
		}
		found.Dst = everything[len(found.GW) == net.IPv4len]
		return found, nil
	}
	_, network, err := net.ParseCIDR(r.Dst)
	if err != nil {
		return nil, fmt.Errorf("dst %q of a route is not a network", r.Dst)
	}
	found.Dst = *network
	return found, nil
}

// readIP is an address of as many bytes as its family has; nil when it is none.
func readIP(text string) net.IP {
	ip := net.ParseIP(text)
	if short := ip.To4(); short != nil {
		return short
	}
	return ip
}
