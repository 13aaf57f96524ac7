package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// serviceRates are how many requests come in a second, and closedClients how many clients send one after the other.
var serviceRates = []float64{10, 20, 50, 100, 200}

const closedClients = 8

// measureService puts load on a service that runs snippets: examples/snippets with sandboxes that wait and without, and one
// that has bubblewrap make them. All of them run for the whole time, and are asked in turns.
func measureService(b *bench, s *section) error {
	servers, err := b.startServers()
	defer func() {
		for _, server := range servers {
			server.end()
		}
	}()
	if err != nil {
		return err
	}
	for _, rate := range serviceRates {
		if err := b.loadInTurns(s, servers, rate, "", func(server *server, seed uint64) (load, error) {
			return server.open(rate, b.loadTime(), seed)
		}); err != nil {
			return err
		}
	}
	if err := b.loadInTurns(s, servers, closedClients, variantClosed, func(server *server, _ uint64) (load, error) {
		return server.closed(closedClients, b.loadTime())
	}); err != nil {
		return err
	}
	s.Notes = append(s.Notes,
		"A request has the shell say one word, in a sandbox of its own. It is counted from when it was to be sent, in random gaps; the client runs on the same cores. "+
			"At capacity: "+fmt.Sprint(closedClients)+" clients that send one request after the other.",
		"bwrap is started by os/exec. It has the same namespaces, the same view and no capabilities, but no filter and no limits, which it does not make by itself.")
	for _, server := range servers {
		if server.name == byWarm {
			s.Notes = append(s.Notes, server.told())
		}
	}
	s.serviceTable()
	s.charts = serviceCharts(s.Samples)
	return nil
}

const variantClosed = "at capacity"

func (b *bench) loadTime() time.Duration {
	if b.quick {
		return time.Second
	}
	return 2 * time.Second
}

// A load is what came of some requests.
type load struct {
	elapsed time.Duration
	latency []int64
}

// loadInTurns has each server bear a load in each round.
func (b *bench) loadInTurns(s *section, servers []*server, x float64, variant string, bear func(*server, uint64) (load, error)) error {
	var list []*sample
	for _, server := range servers {
		list = append(list, &sample{Contender: server.name, Variant: variant, X: x})
	}
	for round := range b.rounds(8) {
		for _, i := range turns(round, len(servers)) {
			l, err := bear(servers[i], uint64(round))
			if err != nil {
				return fmt.Errorf("%s: %w", servers[i].name, err)
			}
			list[i].add(len(l.latency), l.elapsed, l.latency, 0, 0)
			time.Sleep(200 * time.Millisecond) // sandboxes are made for the next ones
		}
	}
	for _, sample := range list {
		sample.finish()
	}
	s.Samples = append(s.Samples, list...)
	return nil
}

// A server is a process that runs snippets, and who asks it.
type server struct {
	name   string
	cmd    *exec.Cmd
	stdin  io.Closer
	url    string
	client *http.Client
}

func (b *bench) startServers() (list []*server, err error) {
	service := filepath.Join(b.dir, "snippets")
	build := exec.Command("go", "build", "-trimpath", "-o", service, "github.com/sprog-dev/sprog/examples/snippets")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, errSkip(fmt.Sprintf("the service cannot be built here: %v: %s", err, out))
	}
	flags := []string{"-listen", "127.0.0.1:0", "-cgroup=false", "-running", "8", "-queue", "5000", "-timeout", "1m", "-warm"}
	for _, c := range []struct {
		name string
		cmd  *exec.Cmd
	}{
		{byWarm, exec.Command(service, append(flags[:len(flags):len(flags)], "8")...)},
		{byCold, exec.Command(service, append(flags[:len(flags):len(flags)], "0")...)},
		{byBwrap, nil},
	} {
		if c.cmd == nil {
			if _, err := exec.LookPath("bwrap"); err != nil {
				continue
			}
			if c.cmd, err = self("bwrapservice"); err != nil {
				return list, err
			}
		}
		server, err := startServer(c.name, c.cmd)
		if err != nil {
			return list, err
		}
		list = append(list, server)
		if _, err := server.ask(); err != nil {
			return list, errSkip(fmt.Sprintf("%s does not work here: %v", c.name, err))
		}
	}
	return list, nil
}

// startServer starts a server, which says on its standard error where it listens.
func startServer(name string, cmd *exec.Cmd) (*server, error) {
	cmd.Stderr = nil
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{name: name, cmd: cmd, stdin: stdin, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 1000}}}
	log := bufio.NewReader(stderr)
	line, _ := log.ReadString('\n')
	_, address, is := strings.Cut(strings.TrimSpace(line), "listening on ")
	if !is {
		s.end()
		return nil, errSkip(fmt.Sprintf("%s does not start here: %s", name, line))
	}
	go io.Copy(os.Stderr, log)
	s.url = "http://" + address
	return s, nil
}

func (s *server) end() {
	s.client.CloseIdleConnections()
	s.stdin.Close()
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.cmd.Wait()
}

var serviceRequest, _ = json.Marshal(map[string]string{"language": "sh", "code": "echo ok"})

// ask sends one request, and returns how long the answer took.
func (s *server) ask() (time.Duration, error) {
	begin := time.Now()
	response, err := s.client.Post(s.url+"/run", "application/json", bytes.NewReader(serviceRequest))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && !bytes.Contains(text, []byte(`"stdout":"ok\n"`)) {
		err = fmt.Errorf("it answered %s", text)
	}
	return time.Since(begin), err
}

// open sends requests at moments that have nothing to do with how fast the server is.
func (s *server) open(rate float64, d time.Duration, seed uint64) (load, error) {
	random := rand.New(rand.NewPCG(seed, uint64(rate)))
	n := max(int(rate*d.Seconds()), 1)
	l, failed := load{latency: make([]int64, n)}, make([]error, n)
	var wg sync.WaitGroup
	begin := time.Now()
	due := begin
	for i := range n {
		due = due.Add(time.Duration(random.ExpFloat64() / rate * float64(time.Second)))
		sent := due // or as soon afterwards as the client comes to it
		time.Sleep(time.Until(sent))
		wg.Go(func() {
			_, failed[i] = s.ask()
			l.latency[i] = int64(time.Since(sent))
		})
	}
	wg.Wait()
	l.elapsed = time.Since(begin)
	return l, errors.Join(failed...)
}

// closed has clients send one request after the other.
func (s *server) closed(clients int, d time.Duration) (load, error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	var l load
	var failed error
	begin := time.Now()
	for range clients {
		wg.Go(func() {
			for time.Since(begin) < d {
				took, err := s.ask()
				mu.Lock()
				l.latency = append(l.latency, int64(took))
				failed = errors.Join(failed, err)
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	l.elapsed = time.Since(begin)
	return l, failed
}

// told is what the server says of its sandboxes.
func (s *server) told() string {
	var state struct {
		Sandboxes map[string]struct{ Warm, Cold uint64 }
	}
	response, err := s.client.Get(s.url + "/state")
	if err == nil {
		defer response.Body.Close()
		err = json.NewDecoder(response.Body).Decode(&state)
	}
	if err != nil {
		return err.Error()
	}
	sh := state.Sandboxes["sh"]
	return fmt.Sprintf("Of %d starts of the service with 8 sandboxes that wait, %d found none: that is what happens at capacity.", sh.Warm+sh.Cold, sh.Cold)
}

// bwrapServiceMain is a server that has bubblewrap make the sandboxes. It ends with its standard input.
func bwrapServiceMain([]string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	places := make(chan struct{}, 8)
	http.HandleFunc("POST /run", func(w http.ResponseWriter, r *http.Request) {
		places <- struct{}{}
		defer func() { <-places }()
		var asked struct{ Language, Code, Stdin string }
		err := json.NewDecoder(r.Body).Decode(&asked)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		cmd := exec.CommandContext(r.Context(), "bwrap", append(bwrapSandbox, "/bin/sh", "-c", asked.Code)...)
		var stdout, stderr bytes.Buffer
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(asked.Stdin), &stdout, &stderr
		err = cmd.Run()
		json.NewEncoder(w).Encode(map[string]any{"stdout": stdout.String(), "stderr": stderr.String(), "error": fmt.Sprint(err)})
	})
	go http.Serve(listener, nil)
	fmt.Fprintf(os.Stderr, "listening on %s\n", listener.Addr())
	io.Copy(io.Discard, os.Stdin)
	return nil
}

// bwrapSandbox is what comes closest to that of examples/snippets.
var bwrapSandbox = []string{
	"--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--hostname", "snippet",
	"--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
	"--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--chdir", "/tmp",
	"--clearenv", "--setenv", "PATH", "/usr/bin:/bin", "--setenv", "HOME", "/tmp",
}
