package sprog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sprog-dev/sprog/internal/listing"
)

// A resultJSON is a Result as it is written. Times are in seconds, sizes in bytes;
// what does not apply is left out.
type resultJSON struct {
	Path        string            `json:"path,omitempty"`
	Args        []string          `json:"args,omitempty"`
	PathBytes   []byte            `json:"path_base64,omitempty"`
	ArgsBytes   [][]byte          `json:"args_base64,omitempty"`
	PID         int               `json:"pid,omitempty"`
	Cause       Cause             `json:"cause"`
	Error       *errorJSON        `json:"error,omitempty"`
	ExitCode    *int              `json:"exit_code,omitempty"`
	Signal      string            `json:"signal,omitempty"`
	Core        bool              `json:"core_dumped,omitempty"`
	OOMCgroup   string            `json:"oom_cgroup,omitempty"`
	Syscall     string            `json:"syscall,omitempty"`
	Reach       string            `json:"killed,omitempty"`
	Left        int               `json:"left,omitempty"`
	Start       time.Time         `json:"start"`
	Usage       *usageJSON        `json:"usage,omitempty"`
	Cgroup      *cgroupJSON       `json:"cgroup,omitempty"`
	Namespaces  map[string]uint64 `json:"namespaces,omitempty"`
	Protections []string          `json:"protections,omitempty"`
	Stdout      *captureJSON      `json:"stdout,omitempty"`
	Stderr      *captureJSON      `json:"stderr,omitempty"`
}

// A usageJSON is what a program has used that was started.
type usageJSON struct {
	Wall          seconds `json:"wall"`
	User          seconds `json:"user"`
	System        seconds `json:"system"`
	MaxRSS        int64   `json:"max_rss"`
	MaxRSSBound   bool    `json:"max_rss_is_bound,omitempty"`
	MinorFaults   int64   `json:"minor_faults"`
	MajorFaults   int64   `json:"major_faults"`
	BlocksRead    int64   `json:"blocks_read"`
	BlocksWritten int64   `json:"blocks_written"`
	Voluntary     int64   `json:"voluntary_switches"`
	Involuntary   int64   `json:"involuntary_switches"`
}

// MarshalJSON writes the result times in seconds, sizes in bytes and signals
// by their names. docs/result.md lists the names.
func (r *Result) MarshalJSON() ([]byte, error) {
	j := resultJSON{
		Path: r.Path, Args: r.Args, PID: r.PID, Cause: r.Cause, Error: errorOf(r.Err), Core: r.Core,
		OOMCgroup: r.OOMCgroup, Syscall: r.Syscall, Start: r.Start, Left: r.Left,
		Protections: r.Protections, Stdout: captured(r.Stdout), Stderr: captured(r.Stderr),
	}
	if !utf8.ValidString(r.Path) {
		j.PathBytes = []byte(r.Path)
	}
	if slices.ContainsFunc(r.Args, func(arg string) bool { return !utf8.ValidString(arg) }) {
		for _, arg := range r.Args {
			j.ArgsBytes = append(j.ArgsBytes, []byte(arg))
		}
	}
	if r.Cause != CauseStart {
		j.Usage = &usageJSON{
			seconds(r.Wall), seconds(r.User), seconds(r.System), r.MaxRSS, r.MaxRSSBound, r.MinorFaults, r.MajorFaults,
			r.BlocksRead, r.BlocksWritten, r.VoluntarySwitches, r.InvoluntarySwitches,
		}
	}
	if r.ExitCode >= 0 {
		j.ExitCode = &r.ExitCode
	}
	if r.Signal != 0 {
		j.Signal = listing.SignalName(int(r.Signal))
	}
	if r.Reach != ReachNothing {
		j.Reach = r.Reach.String()
	}
	if r.Cgroup != nil {
		j.Cgroup = cgroupOf(r.CgroupPath, r.Cgroup)
	}
	for _, ns := range r.Namespaces {
		if j.Namespaces == nil {
			j.Namespaces = map[string]uint64{}
		}
		j.Namespaces[ns.Kind.String()] = ns.Ino
	}
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false) // commands are full of & and >
	err := out.Encode(j)
	return escapeControls(b.Bytes()), err
}

// escapeControls escapes what a terminal may obey in what a program has written, and JSON allows to stand
// for itself: C1 controls, which xterm takes for escape sequences, and what turns the text around.
func escapeControls(b []byte) []byte {
	if !bytes.ContainsFunc(b, isControl) {
		return b
	}
	var out []byte
	for _, r := range string(b) {
		if isControl(r) {
			out = fmt.Appendf(out, `\u%04x`, r)
		} else {
			out = utf8.AppendRune(out, r)
		}
	}
	return out
}

// isControl reports whether a character beyond ASCII is a control or changes the direction: one that
// is in ASCII is escaped already, but for DEL.
func isControl(r rune) bool {
	return r >= 0x7f && r <= 0x9f || unicode.Is(unicode.Bidi_Control, r)
}

// seconds is a time in JSON.
type seconds time.Duration

func (s seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(s).Seconds(), 'f', 9, 64), nil
}

// An errorJSON is an error with what a StartError knows.
type errorJSON struct {
	Message string `json:"message"`
	Step    string `json:"step,omitempty"`
	Object  string `json:"object,omitempty"`
	Field   string `json:"field,omitempty"`
	Syscall string `json:"syscall,omitempty"`
	Errno   string `json:"errno,omitempty"`
	Hint    string `json:"hint,omitempty"`
}

// errorOf leaves out what the exit code or the signal says already.
func errorOf(err error) *errorJSON {
	if err == nil {
		return nil
	}
	if _, only := err.(*ExitError); only {
		return nil
	}
	j := &errorJSON{Message: err.Error()}
	var start *StartError
	if errors.As(err, &start) {
		j.Step, j.Object, j.Field, j.Syscall, j.Hint = start.Step, start.Object, start.Field, start.Syscall, start.Hint
		var errno syscall.Errno
		if errors.As(start.Err, &errno) {
			j.Errno = errnoText(errno)
		}
	}
	return j
}

// A captureJSON is what was kept of a stream. Text that is not UTF-8 is given
// a second time, byte for byte.
type captureJSON struct {
	Head  string `json:"head"`
	Tail  string `json:"tail"`
	Lost  int64  `json:"lost"`
	Head8 []byte `json:"head_base64,omitempty"`
	Tail8 []byte `json:"tail_base64,omitempty"`
}

func captured(c *Capture) *captureJSON {
	if c == nil {
		return nil
	}
	head, tail, lost := c.Kept()
	j := &captureJSON{Head: string(head), Tail: string(tail), Lost: lost}
	if !utf8.Valid(head) || !utf8.Valid(tail) {
		j.Head8, j.Tail8 = head, tail
	}
	return j
}

// A cgroupJSON is the counters of a cgroup that are known.
type cgroupJSON struct {
	Path          string   `json:"path"`
	MemoryPeak    *int64   `json:"memory_peak,omitempty"`
	SwapPeak      *int64   `json:"swap_peak,omitempty"`
	PidsPeak      *int64   `json:"pids_peak,omitempty"`
	CPU           *seconds `json:"cpu,omitempty"`
	User          *seconds `json:"user,omitempty"`
	System        *seconds `json:"system,omitempty"`
	Throttled     *seconds `json:"throttled,omitempty"`
	IOReadBytes   *int64   `json:"io_read_bytes,omitempty"`
	IOWriteBytes  *int64   `json:"io_write_bytes,omitempty"`
	OOM           *int64   `json:"oom,omitempty"`
	OOMKills      *int64   `json:"oom_kills,omitempty"`
	PidsMax       *int64   `json:"pids_refused,omitempty"`
	MemoryMaxHits *int64   `json:"memory_max_hits,omitempty"`
}

func cgroupOf(path string, s *CgroupStats) *cgroupJSON {
	return &cgroupJSON{path, known(s.MemoryPeak), known(s.SwapPeak), known(s.PidsPeak),
		known(seconds(s.CPUUsage)), known(seconds(s.CPUUser)), known(seconds(s.CPUSystem)), known(seconds(s.CPUThrottledTime)),
		known(s.IOReadBytes), known(s.IOWriteBytes), known(s.OOM), known(s.OOMKills), known(s.PidsMax), known(s.MemoryMax)}
}

// known is a counter, or nil if the kernel has none.
func known[T int64 | seconds](n T) *T {
	if n == CgroupUnknown {
		return nil
	}
	return &n
}
