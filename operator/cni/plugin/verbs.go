package plugin

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/containernetworking/cni/pkg/ns"
	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
)

// CodeNotAsItShouldBe is the error code of a CHECK that found a difference; from 100 on they are a plugin's own.
const CodeNotAsItShouldBe uint = 100

// Limits are how long the agent is waited for. They are longer than what the agent itself allows, and shorter than what
// a kubelet waits for its runtime (two minutes, four for a sandbox).
type Limits struct {
	Add, Check, Del, GC, Status time.Duration
}

// Plugin answers the verbs of CNI.
type Plugin struct {
	limits Limits
}

// New is the plugin as it is on a host.
func New() *Plugin {
	return &Plugin{Limits{
		Add:    60 * time.Second,
		Check:  15 * time.Second,
		Del:    30 * time.Second,
		GC:     30 * time.Second,
		Status: 5 * time.Second,
	}}
}

// Add connects a Pod. Whatever fails may be tried again: the agent leaves nothing half done.
func (p *Plugin) Add(args *skel.CmdArgs) error {
	conf, asked, err := read(args)
	if err != nil {
		return err
	}
	// The library looks only after the plugin is done, and the sysctls would be the host's.
	if isHost, err := ns.CheckNetNS(args.Netns); err != nil {
		return err
	} else if isHost {
		return types.NewError(types.ErrInvalidNetNS, "CNI_NETNS "+args.Netns+" is the network namespace of the host", "")
	}
	if err := prepare(args.Netns); err != nil {
		return types.NewError(types.ErrInvalidNetNS, "sysctls of "+args.Netns+" can't be set", err.Error())
	}
	said, err := agent{conf.ServerSocket}.call(http.MethodPost, "/api/v1/add", asked, p.limits.Add)
	if err != nil {
		return again(err)
	}
	if said.status != http.StatusOK {
		return refused(said, "/api/v1/add")
	}
	result, err := readResult(said.body, conf, asked)
	if err != nil {
		details := err.Error()
		return types.NewError(types.ErrDecodingFailure, "the answer of the node agent can't be read", details)
	}
	return types.PrintResult(result, conf.CNIVersion)
}

// Del disconnects a Pod; what is gone already is fine.
//
// Without an agent it fails, and the runtime tries again, as long as the interface is there: it would stay connected.
// Otherwise (a reboot, a sandbox that ended, an ADD that found no agent) only a port of Open vSwitch can be left, which
// the agent removes by itself. A failure would keep the Pod from ending on a host where no agent comes back, and
// containerd, which calls DEL after an ADD that failed, would keep the name of the sandbox and refuse the next one.
func (p *Plugin) Del(args *skel.CmdArgs) error {
	conf, asked, err := read(args)
	if err != nil {
		return err
	}
	said, err := agent{conf.ServerSocket}.call(http.MethodPost, "/api/v1/del", asked, p.limits.Del)
	if away := (*awayError)(nil); errors.As(err, &away) && !connected(args.Netns, args.IfName) {
		return nil
	}
	return done(said, err, "/api/v1/del")
}

// Check fails when a Pod's interface isn't as ADD left it.
func (p *Plugin) Check(args *skel.CmdArgs) error {
	conf, asked, err := read(args)
	if err != nil {
		return err
	}
	if len(conf.PrevResult) == 0 || string(conf.PrevResult) == "null" {
		return wrongConf("prevResult is missing; CHECK compares with what ADD answered")
	}
	asked.PrevResult = conf.PrevResult
	said, err := agent{conf.ServerSocket}.call(http.MethodPost, "/api/v1/check", asked, p.limits.Check)
	if err == nil && said.status == http.StatusConflict {
		return types.NewError(CodeNotAsItShouldBe, said.sentence(), "")
	}
	return done(said, err, "/api/v1/check")
}

// attachment is one that the runtime still uses.
type attachment struct {
	ContainerID string `json:"container_id"`
	IfName      string `json:"if_name"`
}

// inUse says which attachments of one network there are; another network of the same plugin has a list of its own.
type inUse struct {
	CNIType  string       `json:"cni_type"`
	Provider string       `json:"provider"`
	Valid    []attachment `json:"valid_attachments"`
}

// GC removes what is left of attachments that the runtime doesn't know any more.
//
// Without a list nothing is compared and nothing removed: CNI's own library, told to collect everything, calls DEL for
// each attachment that it knows and then GC without a list.
func (p *Plugin) GC(args *skel.CmdArgs) error {
	conf, err := readConf(args.StdinData)
	if err != nil || !conf.hasValid {
		return err
	}
	used := inUse{CNIType: conf.Type, Provider: conf.Provider, Valid: []attachment{}}
	for _, one := range conf.attachments() {
		used.Valid = append(used.Valid, attachment{one.ContainerID, one.IfName})
	}
	said, err := agent{conf.ServerSocket}.call(http.MethodPost, "/api/v1/gc", used, p.limits.GC)
	return done(said, err, "/api/v1/gc")
}

// Status fails while an ADD would.
func (p *Plugin) Status(args *skel.CmdArgs) error {
	conf, err := readConf(args.StdinData)
	if err != nil {
		return err
	}
	said, err := agent{conf.ServerSocket}.call(http.MethodGet, "/api/v1/status", nil, p.limits.Status)
	if err != nil {
		return types.NewError(types.ErrPluginNotAvailable, err.Error(), "")
	}
	if said.status != http.StatusOK {
		return types.NewError(types.ErrPluginNotAvailable, said.sentence(), "")
	}
	return nil
}

func read(args *skel.CmdArgs) (*conf, *request, error) {
	conf, err := readConf(args.StdinData)
	if err != nil {
		return nil, nil, err
	}
	asked, err := newRequest(args, conf)
	return conf, asked, err
}

// done is nothing when the agent did it, otherwise why not.
func done(said answer, err error, path string) error {
	if err != nil {
		return again(err)
	}
	if said.status != http.StatusNoContent && said.status != http.StatusOK {
		return refused(said, path)
	}
	return nil
}

// refused has the agent's sentence first: it ends up in an Event of the Pod.
func refused(said answer, path string) error {
	return types.NewError(types.ErrTryAgainLater, said.sentence(), fmt.Sprintf("the node agent answered %s with %d", path, said.status))
}
