package plugin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/containernetworking/cni/pkg/types"
)

// most is how much of an answer is read: an address costs some hundred bytes.
const most = 1 << 20

// agent is the node agent behind its unix socket.
type agent struct {
	socket string
}

// answer is what the agent said, whatever its status.
type answer struct {
	status int
	body   []byte
}

// awayError says that no agent listens at the socket, so that nothing was done.
type awayError struct {
	socket string
	cause  error
}

func (e *awayError) Error() string {
	return fmt.Sprintf("no node agent listens at %s (%s); it comes with the Pod of DaemonSet kube-ovn-cni on this node",
		e.socket, reason(e.cause))
}

func (e *awayError) Unwrap() error { return e.cause }

// call sends one request and waits for the answer for at most the limit.
func (a agent) call(method, path string, body any, limit time.Duration) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answer{}, fmt.Errorf("the request can't be written: %w", err)
		}
		content = bytes.NewReader(text)
	}
	// The host's name means nothing on a unix socket.
	request, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, content)
	if err != nil {
		return answer{}, fmt.Errorf("the request can't be written: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := a.client().Do(request)
	if err != nil {
		return answer{}, a.failed(ctx, err, path, limit)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil {
		return answer{}, a.failed(ctx, err, path, limit)
	}
	return answer{response.StatusCode, text}, nil
}

func (a agent) client() *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", a.socket)
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
}

func (a agent) failed(ctx context.Context, err error, path string, limit time.Duration) error {
	if operation := (*net.OpError)(nil); errors.As(err, &operation) && operation.Op == "dial" && ctx.Err() == nil {
		return &awayError{a.socket, err}
	}
	if ctx.Err() != nil {
		return fmt.Errorf("the node agent at %s didn't answer %s within %s; its log says what it waited for",
			a.socket, path, limit)
	}
	return fmt.Errorf("the node agent at %s ended while it answered %s (%s)", a.socket, path, reason(err))
}

// sentence is what the agent says is wrong.
func (a answer) sentence() string {
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(a.body, &said) == nil && said.Error != "" {
		return said.Error
	}
	if text := strings.TrimSpace(string(a.body)); text != "" {
		return text
	}
	return "the node agent gave no reason; its log has it"
}

// reason is the system's word for it, without the layers of those who passed it on.
func reason(err error) string {
	if number := syscall.Errno(0); errors.As(err, &number) {
		return number.Error()
	}
	return err.Error()
}

// again tells the runtime to try once more.
func again(err error) error {
	return types.NewError(types.ErrTryAgainLater, err.Error(), "")
}
