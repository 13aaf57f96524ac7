package examples

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A snippetService is the example, running.
type snippetService struct {
	t      *testing.T
	cmd    *exec.Cmd
	url    string
	ended  chan struct{}
	err    error // of the process, once it has ended
	client http.Client
}

// snippets starts the service. At the end of the test it has shut down, and no process of it is left.
func snippets(t *testing.T, flags ...string) *snippetService {
	t.Helper()
	needs(t, "user-namespaces", "pid-namespaces", "net-namespaces", "sysctls", "seccomp", "view-user", "oom-score", "session-keyrings")
	all := append([]string{"-listen", "127.0.0.1:0", "-cgroup=false", "-warm", "2"}, flags...)
	s := &snippetService{t: t, cmd: exec.Command(filepath.Join(bin, "snippets"), all...), ended: make(chan struct{})}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewReader(stderr)
	line, _ := log.ReadString('\n')
	go func() {
		io.Copy(os.Stderr, log)
		s.err = s.cmd.Wait()
		close(s.ended)
	}()
	address, is := strings.CutPrefix(strings.TrimSpace(line), "snippets: listening on ")
	if !is {
		<-s.ended
		t.Fatalf("it said %q, and ended: %v", line, s.err)
	}
	s.url = "http://" + address
	t.Cleanup(s.stop)
	return s
}

func (s *snippetService) stop() {
	s.client.CloseIdleConnections()
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.wait()
}

// wait waits for its end.
func (s *snippetService) wait() {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(time.Minute):
		s.cmd.Process.Kill()
		s.t.Error("it has not ended after a minute")
		<-s.ended
	}
}

// A snippetEnd is what the service answers.
type snippetEnd struct {
	Cause, Signal, Stdout, Stderr, Error string
	ExitCode                             *int `json:"exit_code"`
}

// post sends a body, and returns the status, the answer and its header.
func (s *snippetService) post(ctx context.Context, body []byte) (*http.Response, snippetEnd, error) {
	r, err := http.NewRequestWithContext(ctx, "POST", s.url+"/run", bytes.NewReader(body))
	if err != nil {
		return nil, snippetEnd{}, err
	}
	r.Header.Set("Content-Type", "application/json")
	return s.do(r)
}

func (s *snippetService) do(r *http.Request) (response *http.Response, end snippetEnd, err error) {
	if response, err = s.client.Do(r); err != nil {
		return nil, end, err
	}
	defer response.Body.Close()
	return response, end, json.NewDecoder(response.Body).Decode(&end)
}

func request(language, code, stdin string) []byte {
	body, _ := json.Marshal(map[string]string{"language": language, "code": code, "stdin": stdin})
	return body
}

// sh runs a script of the shell's.
func (s *snippetService) sh(code string) snippetEnd {
	s.t.Helper()
	response, end, err := s.post(context.Background(), request("sh", code, ""))
	if err != nil || response.StatusCode != http.StatusOK {
		s.t.Fatalf("%q: %v, %v, %q", code, err, response, end.Error)
	}
	return end
}

// state is what the service says of itself.
func (s *snippetService) state() (state struct {
	Running, Admitted int
	Sandboxes         map[string]struct{ Waiting, Warm, Cold int }
}) {
	s.t.Helper()
	response, err := s.client.Get(s.url + "/state")
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&state); err != nil {
		s.t.Fatal(err)
	}
	return state
}

// until waits until the service is in a state.
func (s *snippetService) until(running, admitted int) {
	s.t.Helper()
	for range 500 {
		if state := s.state(); state.Running == running && state.Admitted == admitted {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Fatalf("its state is %+v; want %d running, %d admitted", s.state(), running, admitted)
}

func TestSnippets(t *testing.T) {
	s := snippets(t, "-timeout", "1s")
	for _, test := range []struct {
		code string
		want snippetEnd // without an exit code, it has exited with 3
	}{
		{"cat; echo err >&2; exit 3", snippetEnd{Cause: "program", Stdout: "typed\n", Stderr: "err\n"}},
		{"echo $HOME; pwd; echo text >file && cat file; hostname; exit 3", snippetEnd{Cause: "program", Stdout: "/tmp\n/tmp\ntext\nsnippet\n"}},
		{`printf '<\377>'; exit 3`, snippetEnd{Cause: "program", Stdout: "<\ufffd>"}},
		{"kill -SEGV $$", snippetEnd{Cause: "program", Signal: "segmentation fault"}},
		{"echo begun; sleep 1000", snippetEnd{Cause: "timeout", Signal: "killed", Stdout: "begun\n"}},
	} {
		response, end, err := s.post(t.Context(), request("sh", test.code, "typed\n"))
		code := end.ExitCode
		if end.ExitCode = nil; err != nil || response.StatusCode != http.StatusOK || end != test.want || code != nil && *code != 3 {
			t.Errorf("%q: %v, %+v, exit code %v; want %+v", test.code, err, end, code, test.want)
		}
	}
	if state := s.state(); state.Sandboxes["sh"].Warm == 0 {
		t.Errorf("its state is %+v; want starts of sandboxes that have waited", state)
	}
}

// Without sandboxes that wait, each is made when it is needed.
func TestSnippetsCold(t *testing.T) {
	s := snippets(t, "-warm", "0")
	if end := s.sh("echo cold"); end.Stdout != "cold\n" {
		t.Errorf("it answers %+v", end)
	}
	if state := s.state(); state.Sandboxes["sh"].Warm != 0 || state.Sandboxes["sh"].Waiting != 0 {
		t.Errorf("its state is %+v; want that none waits", state)
	}
}

// What is no request for a snippet is told what is wrong with it.
func TestSnippetsRefuse(t *testing.T) {
	s := snippets(t)
	for _, test := range []struct {
		method, path, kind string
		body               []byte
		status             int
		text               string
	}{
		{"POST", "/run", "application/json", []byte("code"), 400, "no snippet: invalid character"},
		{"POST", "/run", "application/json", []byte(`{"language":"sh","kode":"id"}`), 400, `unknown field "kode"`},
		{"POST", "/run", "application/json", append(request("sh", "id", ""), "{}"...), 400, "more behind"},
		{"POST", "/run", "application/json", request("cobol", "id", ""), 400, `no language "cobol"; there are `},
		{"POST", "/run", "application/json", request("sh", "", ""), 400, "no code"},
		{"POST", "/run", "application/json", request("sh", "echo \x00", ""), 400, "zero byte"},
		{"POST", "/run", "application/json", request("sh", strings.Repeat("#", 70<<10), ""), 413, "the code has more than 65536 bytes"},
		{"POST", "/run", "application/json", request("sh", "id", strings.Repeat("#", 300<<10)), 413, "the request has more than 262144 bytes"},
		{"POST", "/run", "text/plain", request("sh", "id", ""), 415, "application/json"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), test.method, s.url+test.path, bytes.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", test.kind)
		response, end, err := s.do(r)
		if err != nil || response.StatusCode != test.status || !strings.Contains(end.Error, test.text) {
			t.Errorf("%.60q: %v, %+v, %q; want %d, %q", test.body, err, response, end.Error, test.status, test.text)
		}
	}
	if state := s.state(); state.Sandboxes["sh"].Warm+state.Sandboxes["sh"].Cold != 0 {
		t.Errorf("its state is %+v; want that nothing was started", state)
	}
}

// What a hostile snippet tries, and what it gets.
func TestSnippetsAreConfined(t *testing.T) {
	s := snippets(t, "-timeout", "2s", "-memory", "67108864")
	secret := write(t, filepath.Join(publicDir(t), "secret"), "hidden")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	home, err := os.UserHomeDir()
	if err != nil {
		home = "/root"
	}
	mark := mark()
	for _, test := range []struct{ name, code, cause, stdout, stderr string }{
		{"fork bomb", "i=0; while [ $i -lt 200 ]; do sleep MARK & i=$((i+1)); done; wait", "", "", "annot fork"},
		{"memory", "tail -n 1 /dev/zero; echo $?", "program", "1\n", "memory exhausted"},
		{"real fork bomb", "bomb() { bomb | bomb & }; bomb; sleep 0.2; sleep MARK", "", "", ""},
		{"large file", "head -c 100000000 /dev/zero >file; [ $(wc -c <file) -le 16777216 ] && echo bounded", "program", "bounded\n", ""},
		{"many files", "for i in 1 2 3; do head -c 10000000 /dev/zero >$i; done; cat ? | wc -c", "program", "1677", "No space left"},
		{"endless output", "yes; sleep MARK", "output limit", "y\ny\n", ""},
		{"reads the home directory", "ls -a " + home + "; cat " + home + "/.ssh/* " + home + "/.bashrc; echo $?", "program", "1\n", "No such file"},
		{"reads a file", "cat " + secret + "; cat /etc/passwd; echo $?", "program", "1\n", "No such file"},
		{"background daemon", "(setsid sleep MARK >/dev/null 2>&1 </dev/null &); echo left", "program", "left\n", ""},
		{"daemon that ignores signals", "trap '' HUP INT TERM; (setsid sleep MARK &); while :; do sleep MARK; done", "timeout", "", ""},
		{"kills", "kill -9 -1; kill -9 1; echo alive", "program", "alive\n", ""},
		{"network", "bash -c 'exec 3<>/dev/tcp/" + strings.Replace(listener.Addr().String(), ":", "/", 1) + "'; echo $?", "program", "1\n", "not permitted"},
		{"writes to the system", "echo x >/usr/x; echo x >/dev/shm/x; echo x >/x; echo over", "program", "over\n", "ead-only file system"},
		{"becomes root", "unshare --user --map-root-user id; echo $?", "program", "1\n", "not permitted"},
		{"environment", "env | sort | grep -v '^_='", "program", "HOME=/tmp\nLANG=C.UTF-8\nPATH=/usr/bin:/bin\nPWD=/tmp\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			end := s.sh(strings.ReplaceAll(test.code, "MARK", mark))
			if test.cause != "" && end.Cause != test.cause || !strings.Contains(end.Stdout, test.stdout) ||
				!strings.Contains(end.Stderr, test.stderr) {
				t.Errorf("it ended by %q, after %.200q and %.200q; want %+v", end.Cause, end.Stdout, end.Stderr, test)
			}
			if len(end.Stdout)+len(end.Stderr) > 64<<10 {
				t.Errorf("%d bytes of output; want at most 64 KiB", len(end.Stdout)+len(end.Stderr))
			}
			if pids := left(t, mark); pids != nil {
				t.Errorf("still there: %v", pids)
			}
		})
	}
	if text, _ := os.ReadFile(secret); string(text) != "hidden" {
		t.Errorf("the file has %q", text)
	}
	if end := s.sh("echo fine"); end.Stdout != "fine\n" {
		t.Errorf("after all of that, it answers %+v", end)
	}
}

// Two snippets that run at the same time find nothing of each other, and those that come after another find nothing
// that it has left.
func TestSnippetsDoNotMeet(t *testing.T) {
	s := snippets(t, "-running", "2", "-timeout", "20s")
	mark := mark()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.post(ctx, request("sh", "echo MEET >/tmp/file; sleep "+mark, "")) })
	for try := 0; sleepers(mark) == nil; try++ {
		if try == 500 {
			t.Fatal("it does not sleep")
		}
		time.Sleep(10 * time.Millisecond)
	}
	end := s.sh(`ls -A /tmp /dev/shm; cat /proc/[0-9]*/cmdline | tr '\0' ' '; kill -9 -1; echo; cat /tmp/*; echo over`)
	if strings.Contains(end.Stdout, "MEET") || strings.Contains(end.Stdout, mark) || !strings.Contains(end.Stdout, "/bin/sh -c ls") ||
		!strings.HasSuffix(end.Stdout, "\nover\n") {
		t.Errorf("it found %q, and said %q; want only its own", end.Stdout, end.Stderr)
	}
	if state := s.state(); state.Running != 1 || sleepers(mark) == nil {
		t.Errorf("its state is %+v, and %v sleep; want that the other one runs", state, sleepers(mark))
	}
	cancel()
	wg.Wait()
	for range 6 {
		if end := s.sh("ls -A /tmp; echo x >/tmp/x; echo $$"); end.Stdout != "2\n" {
			t.Errorf("it found %q; want an empty directory and process 2", end.Stdout)
		}
	}
}

// When all places are taken, a request is turned away at once, and those that wait are served.
func TestSnippetsBackPressure(t *testing.T) {
	s := snippets(t, "-running", "1", "-queue", "1", "-timeout", "20s")
	ctx, cancel := context.WithCancel(t.Context())
	mark := mark()
	var wg sync.WaitGroup
	wg.Go(func() { s.post(ctx, request("sh", "sleep "+mark, "")) })
	s.until(1, 1)
	wg.Go(func() {
		if _, end, err := s.post(t.Context(), request("sh", "echo served", "")); err != nil || end.Stdout != "served\n" {
			t.Errorf("who waited got %+v, %v", end, err)
		}
	})
	s.until(1, 2)
	response, end, err := s.post(t.Context(), request("sh", "echo no", ""))
	if err != nil || response.StatusCode != 503 || response.Header.Get("Retry-After") != "1" || !strings.Contains(end.Error, "too many") {
		t.Errorf("the third got %v, %+v, %v; want 503", response, end, err)
	}
	cancel() // a client that goes takes its snippet with it
	wg.Wait()
	s.until(0, 0)
	if pids := left(t, mark); pids != nil {
		t.Errorf("still there: %v", pids)
	}
}

// The service ends when those that run have been answered; it takes no others.
func TestSnippetsShutDown(t *testing.T) {
	s := snippets(t, "-timeout", "10s")
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, end, err := s.post(t.Context(), request("sh", "sleep 0.5; echo done", "")); err != nil || end.Stdout != "done\n" {
			t.Errorf("who was there got %+v, %v", end, err)
		}
	})
	s.until(1, 1)
	children := childrenOf(s.cmd.Process.Pid)
	if len(children) == 0 {
		t.Error("it has no children")
	}
	s.cmd.Process.Signal(syscall.SIGTERM)
	s.wait()
	wg.Wait()
	if s.err != nil {
		t.Errorf("it ended with %v", s.err)
	}
	gone(t, children)
}

// Whatever the service dies of, its sandboxes die with it: those that run and those that wait.
func TestSnippetsDieWithTheService(t *testing.T) {
	for name, end := range map[string]func(*os.Process){
		"SIGKILL": func(p *os.Process) { p.Kill() },
		"two times": func(p *os.Process) {
			p.Signal(os.Interrupt)
			time.Sleep(100 * time.Millisecond)
			p.Signal(os.Interrupt)
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := snippets(t, "-timeout", "20s")
			mark := mark()
			var wg sync.WaitGroup
			wg.Go(func() { s.post(t.Context(), request("sh", "(setsid sleep "+mark+" &); sleep "+mark, "")) })
			s.until(1, 1)
			children := childrenOf(s.cmd.Process.Pid)
			end(s.cmd.Process)
			s.wait()
			wg.Wait()
			gone(t, children)
			if pids := left(t, mark); pids != nil {
				t.Errorf("still there: %v", pids)
			}
		})
	}
}

// In a cgroup the limits are for all processes of a snippet together.
func TestSnippetsCgroup(t *testing.T) {
	needs(t, "cgroup-memory", "cgroup-pids")
	s := snippets(t, "-cgroup=true", "-memory", "33554432", "-processes", "8")
	if end := s.sh("yes | tr -d '\\n' | tail -n 1"); end.Cause != "out of memory" {
		t.Errorf("it ended by %q; want out of memory", end.Cause)
	}
	mark := mark()
	end := s.sh("i=0; while [ $i -lt 50 ]; do sleep " + mark + " & i=$((i+1)); done; wait")
	if pids := left(t, mark); pids != nil || !strings.Contains(end.Stderr, "fork") {
		t.Errorf("%+v, and still there: %v", end, pids)
	}
}

// childrenOf are the children of a process, whichever of its threads has made them.
func childrenOf(pid int) (pids []int) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, file := range files {
		text, _ := os.ReadFile(file)
		for _, word := range strings.Fields(string(text)) {
			child, _ := strconv.Atoi(word)
			pids = append(pids, child)
		}
	}
	return pids
}

// gone wants processes to end, which takes a moment.
func gone(t *testing.T, pids []int) {
	t.Helper()
	for _, pid := range pids {
		for try := 0; ; try++ {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if err != nil || strings.Contains(string(stat), ") Z ") {
				break
			}
			if try == 200 {
				t.Errorf("process %d is still there: %s", pid, stat)
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}
