//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"testing"
)

var (
	_ slog.LogValuer = (*StartError)(nil)
	_ slog.LogValuer = (*Result)(nil)
	_ slog.LogValuer = (*Trace)(nil)
)

// logged is what log/slog writes of a value as JSON.
func logged(t *testing.T, value any) map[string]any {
	t.Helper()
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("text", "it", value)
	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	group, ok := line["it"].(map[string]any)
	if !ok {
		t.Fatalf("slog writes %s; want a group", b.Bytes())
	}
	return group
}

// wantLogged compares some members of a group.
func wantLogged(t *testing.T, got map[string]any, want map[string]string) {
	t.Helper()
	for name, value := range want {
		if is := fmt.Sprint(got[name]); is != value {
			t.Errorf("%s = %s; want %s", name, is, value)
		}
	}
}

func TestStartErrorLogValue(t *testing.T) {
	c := &Cmd{Path: "/bin/true", Dir: "/no/such"}
	err := c.Start()
	wantLogged(t, logged(t, err), map[string]string{
		"message": err.Error(), "path": "/bin/true", "step": "chdir", "object": "/no/such", "field": "Dir",
		"syscall": `chdir("/no/such")`, "errno": "ENOENT", "hint": "/no does not exist", "signal": "<nil>",
	})
	wantLogged(t, logged(t, c.Result()), map[string]string{"cause": "start", "exit_code": "<nil>", "usage": "<nil>"})
	wantLogged(t, logged(t, c.Result())["error"].(map[string]any), map[string]string{"step": "chdir", "errno": "ENOENT"})
}

func TestResultLogValue(t *testing.T) {
	c := shell("exit 3", nil)
	c.Run()
	got := logged(t, c.Result())
	wantLogged(t, got, map[string]string{"cause": "program", "exit_code": "3", "signal": "<nil>", "error": "<nil>",
		"pid": fmt.Sprint(c.Process.Pid), "args": fmt.Sprint(c.Args)})
	if use := got["usage"].(map[string]any); use["wall"].(float64) <= 0 || use["max_rss"].(float64) <= 0 {
		t.Errorf("usage = %v", use)
	}
	c = shell("kill -KILL $$", nil)
	c.Run()
	wantLogged(t, logged(t, c.Result()), map[string]string{"signal": "SIGKILL", "exit_code": "<nil>"})
}

// Names that are no text do not make the log's line something else.
func TestLogValueOfHostileNames(t *testing.T) {
	c := &Cmd{Path: "/no/\xff\n\x1b[2J\u009b2J"}
	err := c.Start()
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("x", "error", err, "result", c.Result())
	for _, bad := range []string{"\x1b", "\u009b", "\xff"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("the log has %q in %q", bad, b.String())
		}
	}
	if n := strings.Count(b.String(), "\n"); n != 1 {
		t.Errorf("the log has %d lines; want 1", n)
	}
}

func TestTraceLogValue(t *testing.T) {
	c := &Cmd{Path: "/bin/true", Dir: "/no/such", Trace: new(Trace)}
	c.Run()
	got := logged(t, c.Trace)
	wantLogged(t, got, map[string]string{"path": "/bin/true", "steps": fmt.Sprint(len(c.Trace.Steps)),
		"duration": fmt.Sprint(float64(c.Trace.Duration))})
	wantLogged(t, got["failed"].(map[string]any), map[string]string{"step": `chdir("/no/such")`, "field": "Dir", "error": syscall.ENOENT.Error()})
	if longest := got["longest"].([]any); len(longest) != 3 {
		t.Errorf("longest = %v", longest)
	}
}
