package sprog

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// A program that writes without end is ended by its output, and what is kept is what was allowed.
func TestOutputLimit(t *testing.T) {
	for name, script := range map[string]string{
		"endless": "exec yes", "by a child": "yes & wait", "both streams": "yes >&2", "ends by itself": "head -c 20000 /dev/zero",
	} {
		var out bytes.Buffer
		c := Command("sh", "-c", script)
		c.Stdout, c.Stderr = &out, &out
		c.Ending = &Ending{Output: 10000, Grace: time.Second}
		c.Attr = &Attr{Init: &Init{}}
		err := c.Run()
		r := c.Result()
		if !errors.Is(err, ErrOutput) || r.Cause != CauseOutput || out.Len() != 10000 {
			t.Errorf("%s: %v, by %v, %d bytes; want ErrOutput and 10000", name, err, r.Cause, out.Len())
		}
		if text, _ := r.Cause.MarshalText(); string(text) != "output limit" {
			t.Errorf("the cause is called %q", text)
		}
	}
}

// What is within the limit comes through as it is.
func TestOutputWithinLimit(t *testing.T) {
	var out bytes.Buffer
	c := Command("sh", "-c", "head -c 10000 /dev/zero; exit 3")
	c.Stdout = &out
	c.Ending = &Ending{Output: 10000}
	err := c.Run()
	if e := (*ExitError)(nil); !errors.As(err, &e) || errors.Is(err, ErrOutput) || c.Result().Cause != CauseProgram || out.Len() != 10000 {
		t.Errorf("%v, by %v, %d bytes", err, c.Result().Cause, out.Len())
	}
}

// What goes straight to a file cannot be counted.
func TestOutputLimitNeedsCopying(t *testing.T) {
	for _, c := range []*Cmd{{Path: "/bin/true"}, {Path: "/bin/true", Stdout: os.Stdout, Stderr: os.Stderr}} {
		c.Ending = &Ending{Output: 1}
		if err := c.Run(); err == nil || !strings.Contains(err.Error(), "1 (Ending.Output): needs Stdout or Stderr to be a writer that is no file") {
			t.Errorf("Run = %v", err)
		}
	}
	c := &Cmd{Path: "/bin/true", Stdout: new(bytes.Buffer), Ending: &Ending{Output: -1}}
	if err := c.Run(); err == nil || !strings.Contains(err.Error(), "is negative") {
		t.Errorf("Run = %v", err)
	}
}
