//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/sprog-dev/sprog"
)

const (
	mostBody       = 256 << 10       // of a request
	mostCode       = 64 << 10        // a sandbox that waits takes some 100 KB of arguments
	requestTimeout = 5 * time.Second // for a client to say what it wants, and to take the answer
)

// A service runs snippets. It holds one prepared sandbox for each language.
type service struct {
	languages map[string]*sprog.Prepared
	admitted  chan struct{} // has an element for each request that runs or waits for its turn
	running   chan struct{} // has one for each that runs
}

// A snippet is what a client asks for.
type snippet struct {
	Language string `json:"language"`
	Code     string `json:"code"`
	Stdin    string `json:"stdin"`
}

// An answer is what has become of it. Times are in seconds, and memory is in bytes.
type answer struct {
	Cause    string  `json:"cause"` // what it has ended by: see docs/result.md
	ExitCode *int    `json:"exit_code,omitempty"`
	Signal   string  `json:"signal,omitempty"`
	Stdout   string  `json:"stdout"`
	Stderr   string  `json:"stderr"`
	Wall     float64 `json:"wall"`
	CPU      float64 `json:"cpu"`
	MaxRSS   int64   `json:"max_rss"`
}

// A refusal is why a request is not answered: a status of HTTP, and a text for the client.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func (s *service) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /run", s.run)
	mux.HandleFunc("GET /state", s.state)
	return mux
}

func (s *service) close() {
	for _, p := range s.languages {
		p.Close()
	}
}

// run answers a request. The order is that of what costs a client most to hold: it has sent everything
// before it gets a place in the queue, and a place in the queue before it gets a sandbox.
func (s *service) run(w http.ResponseWriter, r *http.Request) {
	asked, err := s.read(w, r)
	if err != nil {
		refuse(w, err)
		return
	}
	result, err := s.inTurn(r.Context(), asked)
	if err != nil {
		if r.Context().Err() != nil {
			return // the client has gone while it waited
		}
		refuse(w, err)
		return
	}
	reply(w, http.StatusOK, result)
}

// inTurn runs a snippet when its turn comes, and turns it away if too many wait. Who takes an answer slowly
// holds up nobody: the place is free by then.
func (s *service) inTurn(ctx context.Context, asked *snippet) (*answer, error) {
	select {
	case s.admitted <- struct{}{}:
		defer func() { <-s.admitted }()
	default:
		return nil, &refusal{http.StatusServiceUnavailable, "too many snippets are waiting already"}
	}
	select {
	case s.running <- struct{}{}:
		defer func() { <-s.running }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return s.execute(ctx, asked)
}

// read reads a request, and says what is wrong with it.
func (s *service) read(w http.ResponseWriter, r *http.Request) (*snippet, error) {
	// A page in a browser may not send this type elsewhere unless it is allowed to, and nothing here allows it.
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return nil, &refusal{http.StatusUnsupportedMediaType, "the Content-Type has to be application/json"}
	}
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(requestTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	http.NewResponseController(w).SetReadDeadline(time.Time{}) // it would end the context later
	if over, is := errors.AsType[*http.MaxBytesError](err); is {
		return nil, &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the request has more than %d bytes", over.Limit)}
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, "the request did not arrive"}
	}
	asked := new(snippet)
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(asked); err != nil {
		return nil, &refusal{http.StatusBadRequest, "the request is no snippet: " + err.Error()}
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, &refusal{http.StatusBadRequest, "there is more behind the snippet"}
	}
	return asked, s.check(asked)
}

func (s *service) check(asked *snippet) error {
	switch {
	case s.languages[asked.Language] == nil:
		names := slices.Sorted(maps.Keys(s.languages))
		return &refusal{http.StatusBadRequest, fmt.Sprintf("no language %q; there are %s", asked.Language, strings.Join(names, ", "))}
	case asked.Code == "":
		return &refusal{http.StatusBadRequest, "there is no code"}
	case len(asked.Code) > mostCode:
		return &refusal{http.StatusRequestEntityTooLarge, fmt.Sprintf("the code has more than %d bytes", mostCode)}
	case strings.Contains(asked.Code, "\x00"):
		return &refusal{http.StatusBadRequest, "there is a zero byte in the code"}
	}
	return nil
}

// execute runs a snippet in a sandbox that nobody has used and nobody will use again. It ends with the context, which is that
// of the request: when the client goes, too.
func (s *service) execute(ctx context.Context, asked *snippet) (*answer, error) {
	var stdout, stderr bytes.Buffer // Ending.Output is the most that comes
	argv := interpreters[asked.Language]
	cmd, err := s.languages[asked.Language].Start(sprog.Inputs{
		Context: ctx,
		Args:    append(argv[:len(argv):len(argv)], asked.Code),
		Stdin:   strings.NewReader(asked.Stdin),
		Stdout:  &stdout,
		Stderr:  &stderr,
	})
	if err != nil {
		log.Print(err) // it says more of this machine than a stranger has to know
		return nil, &refusal{http.StatusInternalServerError, "the sandbox could not be started"}
	}
	cmd.Wait() // its error is in the result
	result := cmd.Result()
	a := &answer{
		Cause: result.Cause.String(), Stdout: stdout.String(), Stderr: stderr.String(),
		Wall: result.Wall.Seconds(), CPU: (result.User + result.System).Seconds(), MaxRSS: result.MaxRSS,
	}
	if result.Signal != 0 {
		a.Signal = result.Signal.String()
	} else {
		a.ExitCode = &result.ExitCode
	}
	return a, nil
}

// state tells an operator how busy the service is, and whether enough sandboxes wait.
func (s *service) state(w http.ResponseWriter, _ *http.Request) {
	type pool struct {
		Waiting int    `json:"waiting"`
		Warm    uint64 `json:"warm"`
		Cold    uint64 `json:"cold"`
		Error   string `json:"error,omitempty"`
	}
	pools := map[string]pool{}
	for name, p := range s.languages {
		now := p.State()
		pools[name] = pool{Waiting: now.Waiting, Warm: now.Warm, Cold: now.Cold}
		if now.Err != nil {
			pools[name] = pool{now.Waiting, now.Warm, now.Cold, now.Err.Error()}
		}
	}
	reply(w, http.StatusOK, map[string]any{"running": len(s.running), "admitted": len(s.admitted), "sandboxes": pools})
}

func refuse(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if r, is := errors.AsType[*refusal](err); is {
		status = r.status
	}
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	reply(w, status, map[string]string{"error": err.Error()})
}

func reply(w http.ResponseWriter, status int, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		log.Print(err)
	}
	http.NewResponseController(w).SetWriteDeadline(time.Now().Add(requestTimeout))
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(text, '\n'))
}
