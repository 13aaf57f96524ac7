//go:build linux

// Package show reads what a process has: from /proc, by system calls that take its number, and of
// the calling process also what the kernel tells nobody else.
//
// A directory of /proc that is open stays that of its process. A system call by the number may reach
// another process that has got the number since. So the answer counts only if the directory is still
// alive after the last call: the number was taken all the time.
//
// What a process is called, where it works and what is mounted there was written by it or by
// others: see [Quote].
package show

import (
	"encoding/json"
	"strconv"
)

// Version is that of the JSON form. It changes if a key is removed or means something else.
const Version = 1

// A Process is what a process has. Pointers and lists are nil where the kernel does not tell;
// Unreadable says why.
type Process struct {
	Version int `json:"version"`

	PID        int      `json:"pid"`
	Numbers    []int    `json:"numbers"` // in its PID namespaces, from the caller's to its own
	Name       string   `json:"name"`
	Args       []string `json:"args"`
	Executable *string  `json:"executable"`
	State      string   `json:"state"`
	Parent     int      `json:"parent"`
	Threads    int      `json:"threads"`

	UID          IDs          `json:"uid"`
	GID          IDs          `json:"gid"`
	Groups       []int        `json:"groups"`
	Capabilities Capabilities `json:"capabilities"`
	Securebits   []string     `json:"securebits"`
	NoNewPrivs   *bool        `json:"no_new_privs"`
	Dumpable     *string      `json:"dumpable"`
	Seccomp      Seccomp      `json:"seccomp"`
	Speculation  Speculation  `json:"speculation"`
	Label        *string      `json:"label"`
	Keyring      *string      `json:"session_keyring"`
	Personality  *uint32      `json:"personality"`

	Namespaces []Namespace `json:"namespaces"`
	UIDMap     []IDMap     `json:"uid_map"`
	GIDMap     []IDMap     `json:"gid_map"`
	Setgroups  *string     `json:"setgroups"`

	Limits     []Limit    `json:"limits"`
	Scheduling Scheduling `json:"scheduling"`
	Cgroups    []Cgroup   `json:"cgroups"`
	Signals    Signals    `json:"signals"`
	View       View       `json:"view"`
	Session    Session    `json:"session"`

	Unreadable map[string]string `json:"unreadable"` // by the key, such as "view.root"

	Unlike string `json:"-"` // why no program can be started like it, or ""

	own bool
}

// IDs are those of one kind, as the caller's user namespace has them.
type IDs struct {
	Real       int `json:"real"`
	Effective  int `json:"effective"`
	Saved      int `json:"saved"`
	FileSystem int `json:"file_system"`
}

// Capabilities are the five sets.
type Capabilities struct {
	Bounding    CapSet `json:"bounding"`
	Permitted   CapSet `json:"permitted"`
	Effective   CapSet `json:"effective"`
	Inheritable CapSet `json:"inheritable"`
	Ambient     CapSet `json:"ambient"`
}

// Seccomp is how system calls are filtered.
type Seccomp struct {
	Mode    string `json:"mode"` // none, strict or filter
	Filters *int   `json:"filters"`
}

// Speculation is what the kernel says of two flaws of processors, in its own words.
type Speculation struct {
	StoreBypass    *string `json:"store_bypass"`
	IndirectBranch *string `json:"indirect_branch"`
}

// A Namespace is one that the process is in.
type Namespace struct {
	Kind string  `json:"kind"`
	ID   *uint64 `json:"id"`
	Same *bool   `json:"same"` // as the caller's
}

// An IDMap is a line of the map of a user namespace, as the caller sees it.
type IDMap struct {
	Inside  uint32 `json:"inside"`
	Outside uint32 `json:"outside"`
	Count   uint32 `json:"count"`
}

// A Limit is a resource limit.
type Limit struct {
	Name string `json:"name"`
	Soft Bound  `json:"soft"`
	Hard Bound  `json:"hard"`
}

// A Bound is a limit's value; all ones are none.
type Bound uint64

// MarshalJSON writes a number, or "unlimited".
func (b Bound) MarshalJSON() ([]byte, error) {
	if b == unlimited {
		return []byte(`"unlimited"`), nil
	}
	return json.Marshal(uint64(b))
}

func (b Bound) String() string {
	if b == unlimited {
		return "unlimited"
	}
	return strconv.FormatUint(uint64(b), 10)
}

const unlimited = ^Bound(0)

// Scheduling is about processors and memory.
type Scheduling struct {
	Policy       *string `json:"policy"`
	Priority     int     `json:"priority,omitempty"`
	Runtime      uint64  `json:"runtime,omitempty"` // in nanoseconds, as the next two
	Deadline     uint64  `json:"deadline,omitempty"`
	Period       uint64  `json:"period,omitempty"`
	ResetOnFork  bool    `json:"reset_on_fork,omitempty"`
	Nice         *int    `json:"nice"`
	UtilMin      *int    `json:"util_min"`
	UtilMax      *int    `json:"util_max"`
	CPUs         *string `json:"cpus"`
	MemoryNodes  *string `json:"memory_nodes"`
	IOPriority   *string `json:"io_priority"`
	OOMScoreAdj  *int    `json:"oom_score_adj"`
	OOMScore     *int    `json:"oom_score"`
	TimerSlack   *uint64 `json:"timer_slack"` // in nanoseconds
	HugePages    *bool   `json:"transparent_huge_pages"`
	MemoryMerge  *bool   `json:"memory_merge"`
	Coredump     *uint32 `json:"coredump_filter"`
	deadlineBits uint64
}

// A Cgroup is where the process is in one hierarchy.
type Cgroup struct {
	Controllers string  `json:"controllers"` // of v1, or "" for v2
	Path        string  `json:"path"`        // from the root of the caller's cgroup namespace
	Directory   *string `json:"directory"`   // where it is mounted here
}

// Signals are sets of names.
type Signals struct {
	Ignored []string `json:"ignored"`
	Blocked []string `json:"blocked"`
	Caught  []string `json:"caught"`

	ignored, blocked uint64
}

// View is what the process sees of the file system.
type View struct {
	Root  *string `json:"root"`
	Dir   *string `json:"dir"`
	Umask *string `json:"umask"`
	More  []Mount `json:"mounts_more"` // that the caller does not have
	Less  []Mount `json:"mounts_less"` // that only the caller has

	dirSame bool // the name of the directory leads the caller there, too
	mounts  []Mount
}

// A Mount is what is mounted somewhere.
type Mount struct {
	Point string `json:"point"`
	Type  string `json:"type"`
	Root  string `json:"root"` // what of the file system
	Flags string `json:"flags"`
}

// Session is where the process stands among those of a terminal.
type Session struct {
	Session    int     `json:"session"`
	Group      int     `json:"process_group"`
	Terminal   *string `json:"terminal"` // "" for none
	Foreground int     `json:"foreground_group"`
}
