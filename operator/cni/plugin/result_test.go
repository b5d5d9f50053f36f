package plugin

import (
	"encoding/json"
	"strings"
	"testing"
)

var pod = &request{IfName: "eth0", NetNS: "/run/netns/a"}

func shown(t *testing.T, body string, conf *conf) string {
	t.Helper()
	result, err := readResult([]byte(body), conf, pod)
	if err != nil {
		t.Fatal(err)
	}
	asked, err := result.GetAsVersion("1.0.0")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(asked)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// bandwidth looks for the host's end in the result and fails without it.
func TestTheResultHasBothEndsAndAddressesOfThePodsOne(t *testing.T) {
	body := `{"ips": [{"protocol": "IPv4", "ip": "10.16.0.5", "cidr": "10.16.0.0/16", "gateway": "10.16.0.1"},
		{"protocol": "IPv6", "ip": "fd00::5", "cidr": "fd00::/64"}], "mac_address": "00:00:00:aa:bb:cc", "mtu": 1400,
		"nicname": "eth0", "host_nicname": "0123456789ab_h", "routes": [{"gw": "10.16.0.1"}, {"dst": "10.9.0.0/16"}]}`

	text := shown(t, body, &conf{Type: Type})

	want := `{"cniVersion":"1.0.0","interfaces":[{"mac":"00:00:00:aa:bb:cc","mtu":1400,"name":"eth0","sandbox":"/run/netns/a"},{"name":"0123456789ab_h"}],` +
		`"ips":[{"address":"10.16.0.5/16","gateway":"10.16.0.1","interface":0},{"address":"fd00::5/64","interface":0}],` +
		`"routes":[{"dst":"0.0.0.0/0","gw":"10.16.0.1"},{"dst":"10.9.0.0/16"}]}`
	if text != want {
		t.Fatalf("%s\n%s", text, want)
	}
}

// An agent that reports no routes set the gateways, and plugins that come after want to know.
func TestWithoutRoutesEachGatewayIsADefaultRoute(t *testing.T) {
	body := `{"ips": [{"ip": "10.16.0.5", "cidr": "10.16.0.0/16", "gateway": "10.16.0.1"}, {"ip": "fd00::5", "cidr": "fd00::/64", "gateway": "fd00::1"}]}`

	text := shown(t, body, &conf{Type: Type})

	if !strings.Contains(text, `"routes":[{"dst":"0.0.0.0/0","gw":"10.16.0.1"},{"dst":"::/0","gw":"fd00::1"}]`) {
		t.Fatal(text)
	}
}

// The specification gives interfaces to the plugin that makes them; it numbers them itself.
func TestAnIPAMAnswersWithoutInterfaces(t *testing.T) {
	text := shown(t, `{"ips": [{"ip": "10.16.0.5", "cidr": "10.16.0.0/16"}]}`, &conf{Type: "macvlan", isIPAM: true})

	if strings.Contains(text, "interface") {
		t.Fatal(text)
	}
}

// A Pod whose address comes from a DHCP server outside has a MAC only.
func TestAnAnswerWithoutAddressesIsAResult(t *testing.T) {
	text := shown(t, `{"ips": [], "mac_address": "00:00:00:aa:bb:cc"}`, &conf{Type: Type})

	if !strings.Contains(text, `"mac":"00:00:00:aa:bb:cc"`) || strings.Contains(text, `"ips"`) {
		t.Fatal(text)
	}
}

// A wrong mask is worse than no Pod.
func TestAnAnswerThatMakesNoSenseIsNoResult(t *testing.T) {
	for body, want := range map[string]string{
		`{"ips": [{"ip": "10.16.0.500", "cidr": "10.16.0.0/16"}]}`:                  "10.16.0.500",
		`{"ips": [{"ip": "10.16.0.5", "cidr": "10.16.0.0"}]}`:                       "10.16.0.0",
		`{"ips": [{"ip": "10.16.0.5", "cidr": "fd00::/64"}]}`:                       "family",
		`{"ips": [{"ip": "10.16.0.5", "cidr": "10.16.0.0/16", "gateway": "here"}]}`: "here",
		`{"routes": [{"dst": "10.0.0.0/33"}]}`:                                      "10.0.0.0/33",
		`{"routes": [{}]}`:                                                          "neither",
		`{"routes": [{"gw": "there"}]}`:                                             "there",
		`busy`:                                                                      "JSON",
	} {
		if _, err := readResult([]byte(body), &conf{}, pod); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", body, err)
		}
	}
}
