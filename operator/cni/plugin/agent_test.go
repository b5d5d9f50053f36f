package plugin

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/containernetworking/cni/pkg/skel"
	"github.com/containernetworking/cni/pkg/types"
)

// serve is an agent that answers by a function, until the test ends.
func serve(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent.sock")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: answer, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return path
}

// A runtime that waits for ever starts no other Pod.
func TestAnAgentThatDoesNotAnswerIsLeft(t *testing.T) {
	done := make(chan struct{})
	path := serve(t, func(_ http.ResponseWriter, request *http.Request) {
		select {
		case <-request.Context().Done():
		case <-done:
		}
	})
	t.Cleanup(func() { close(done) })
	limits := Limits{Del: 50 * time.Millisecond}

	err := (&Plugin{limits}).Del(&skel.CmdArgs{
		Args:      "K8S_POD_NAME=web;K8S_POD_NAMESPACE=shop",
		StdinData: []byte(`{"name": "kube-ovn", "type": "kube-ovn", "server_socket": "` + path + `"}`),
	})

	problem, ok := err.(*types.Error)
	if !ok || problem.Code != types.ErrTryAgainLater || !strings.Contains(problem.Msg, "didn't answer /api/v1/del within 50ms") {
		t.Fatal(err)
	}
}

// Killed in the middle, the agent may have done part of it: that is no reason to think that nobody listens.
func TestAnAgentThatEndsMeanwhileIsNotAway(t *testing.T) {
	path := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })

	_, err := agent{path}.call(http.MethodPost, "/api/v1/del", struct{}{}, time.Second)

	if err == nil || !strings.Contains(err.Error(), "ended while it answered") {
		t.Fatal(err)
	}
}
