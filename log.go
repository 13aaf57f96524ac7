package sprog

import (
	"cmp"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"syscall"

	"github.com/sprog-dev/sprog/internal/listing"
)

// LogValue has log/slog write the error as a group: message, path, step, object, field,
// syscall, errno, signal and hint, without those that are empty. An error that only wraps
// a StartError is a text to slog: give it the one that errors.As finds.
func (e *StartError) LogValue() slog.Value {
	g := attrs{slog.String("message", e.Error())}
	g.text("path", e.Path)
	g.text("step", e.Step)
	g.text("object", e.Object)
	g.text("field", e.Field)
	g.text("syscall", e.Syscall)
	var errno syscall.Errno
	if errors.As(e.Err, &errno) {
		g.text("errno", errnoText(errno))
	}
	g.signal(e.Signal)
	g.text("hint", e.Hint)
	return slog.GroupValue(g...)
}

// LogValue has log/slog write the result as a group, with the names that docs/result.md
// lists, as far as they are about the end, its cause and the use of time and memory.
// What does not apply is left out, and so is captured output.
func (r *Result) LogValue() slog.Value {
	var g attrs
	g.text("path", r.Path)
	if len(r.Args) > 0 {
		g = append(g, slog.Any("args", r.Args))
	}
	g.number("pid", int64(r.PID), 0)
	g.text("cause", r.Cause.String())
	if r.ExitCode >= 0 {
		g = append(g, slog.Int("exit_code", r.ExitCode))
	}
	g.signal(r.Signal)
	if r.Core {
		g = append(g, slog.Bool("core_dumped", true))
	}
	g.text("oom_cgroup", r.OOMCgroup)
	g.text("syscall", r.Syscall)
	if r.Reach != ReachNothing {
		g.text("killed", r.Reach.String())
	}
	g.number("left", int64(r.Left), 0)
	g.fault(r.Err)
	if r.Cause != CauseStart {
		g = append(g, r.usage())
	}
	if c := r.Cgroup; c != nil {
		g = append(g, c.group(r.CgroupPath))
	}
	return slog.GroupValue(g...)
}

// usage is what the program has used.
func (r *Result) usage() slog.Attr {
	return slog.Group("usage", slog.Duration("wall", r.Wall), slog.Duration("user", r.User),
		slog.Duration("system", r.System), slog.Int64("max_rss", r.MaxRSS))
}

// group is what is known of a cgroup.
func (s *CgroupStats) group(path string) slog.Attr {
	var g attrs
	g.text("path", path)
	g.number("memory_peak", s.MemoryPeak, CgroupUnknown)
	g.number("pids_peak", s.PidsPeak, CgroupUnknown)
	if s.CPUUsage != CgroupUnknown {
		g = append(g, slog.Duration("cpu", s.CPUUsage))
	}
	g.number("oom_kills", s.OOMKills, CgroupUnknown)
	g.number("pids_refused", s.PidsMax, CgroupUnknown)
	return slog.Attr{Key: "cgroup", Value: slog.GroupValue(g...)}
}

// LogValue has log/slog write the trace as a group: path, duration, the number of steps,
// and the three steps that took longest, as "child execve 128.2µs". If the start did not
// succeed, failed is the step that did not.
func (t *Trace) LogValue() slog.Value {
	var g attrs
	g.text("path", t.Path)
	g = append(g, slog.Duration("duration", t.Duration), slog.Int("steps", len(t.Steps)))
	g = append(g, slog.Any("longest", t.longest(3)))
	for i := range t.Steps {
		if s := &t.Steps[i]; s.Err != nil {
			g = append(g, slog.Attr{Key: "failed", Value: s.logValue()})
			break
		}
	}
	return slog.GroupValue(g...)
}

// longest are the n steps that took most of the time, without the wait for the others.
func (t *Trace) longest(n int) []string {
	steps := slices.DeleteFunc(slices.Clone(t.Steps), func(s TraceStep) bool { return s.waits() || s.Duration <= 0 })
	slices.SortStableFunc(steps, func(a, b TraceStep) int { return cmp.Compare(b.Duration, a.Duration) })
	return each(steps[:min(n, len(steps))], func(s TraceStep) string { return s.By + " " + s.Call + " " + s.Duration.String() })
}

// logValue is one step.
func (s *TraceStep) logValue() slog.Value {
	g := attrs{slog.Duration("duration", s.Duration)}
	g.text("step", s.Text)
	g.text("field", s.Field)
	g.fault(s.Err)
	return slog.GroupValue(g...)
}

// attrs is a group that is being made.
type attrs []slog.Attr

// text adds a text, if it is not empty.
func (g *attrs) text(key, value string) {
	if value != "" {
		*g = append(*g, slog.String(key, strings.ToValidUTF8(value, "\uFFFD")))
	}
}

// number adds a number, unless it is the one that says nothing.
func (g *attrs) number(key string, n, nothing int64) {
	if n != nothing {
		*g = append(*g, slog.Int64(key, n))
	}
}

// signal adds a signal by its name.
func (g *attrs) signal(sig syscall.Signal) {
	if sig != 0 {
		g.text("signal", listing.SignalName(int(sig)))
	}
}

// fault adds an error: a group if there is a StartError in it. What an ExitError says
// is there already.
func (g *attrs) fault(err error) {
	if _, only := err.(*ExitError); only || err == nil {
		return
	}
	var start *StartError
	if errors.As(err, &start) {
		*g = append(*g, slog.Attr{Key: "error", Value: start.LogValue()})
		return
	}
	g.text("error", err.Error())
}
