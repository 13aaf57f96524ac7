//go:build linux

package main

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/listing"
)

// An ownProcess is what the answers of the doctor depend on.
type ownProcess struct {
	Kernel        string   `json:"kernel"`
	Machine       string   `json:"machine"`
	UID           int      `json:"uid"`
	Capabilities  []string `json:"capabilities"`   // effective ones
	UserNamespace bool     `json:"user_namespace"` // other than the initial one
	Filter        bool     `json:"seccomp_filter"`
	NoNewPrivs    bool     `json:"no_new_privs"`
	Container     string   `json:"container,omitempty"` // what the engine calls itself
}

func describeOwnProcess() ownProcess {
	p := ownProcess{UID: os.Geteuid(), Capabilities: effectiveCaps(), Container: containerEngine()}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		p.Kernel, p.Machine = unix.ByteSliceToString(u.Release[:]), unix.ByteSliceToString(u.Machine[:])
	}
	if ids, err := os.ReadFile("/proc/self/uid_map"); err == nil {
		p.UserNamespace = strings.Join(strings.Fields(string(ids)), " ") != "0 0 4294967295"
	}
	mode, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0)
	p.Filter = err == nil && mode == 2
	set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	p.NoNewPrivs = err == nil && set == 1
	return p
}

func effectiveCaps() []string {
	names := []string{}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if unix.Capget(&header, &data[0]) != nil {
		return names
	}
	for n := range uint64(64) {
		if data[n>>5].Effective>>(n&31)&1 != 0 {
			names = append(names, listing.CapName(n))
		}
	}
	return names
}

// containerEngine goes by the files that engines leave. There need not be any,
// and an image may have brought them to a virtual machine.
func containerEngine() string {
	for _, of := range [][2]string{{"/run/.containerenv", "podman"}, {"/.dockerenv", "docker"}} {
		if _, err := os.Lstat(of[0]); err == nil {
			return of[1]
		}
	}
	return os.Getenv("container")
}

// sentences are the head of the report.
func (p *ownProcess) sentences() []string {
	who := "uid " + strconv.Itoa(p.UID)
	if p.UserNamespace {
		who += " of a user namespace"
	}
	head := "Linux " + p.Kernel + " on " + p.Machine + ", asked by " + who + " with " + p.capabilities()
	if p.Container != "" {
		head += ", it seems in a container of " + p.Container
	}
	lines := []string{head + "."}
	if p.NoNewPrivs {
		lines = append(lines, "no_new_privs is set: no program gains rights by being executed, newuidmap among them.")
	}
	if p.Filter {
		lines = append(lines, "A seccomp filter is in force.")
	}
	return lines
}

func (p *ownProcess) capabilities() string {
	last := lastCap()
	have := make(map[string]bool)
	for _, name := range p.Capabilities {
		have[name] = true
	}
	var lacking []string
	for n := range uint64(last + 1) {
		if name := listing.CapName(n); !have[name] {
			lacking = append(lacking, name)
		}
	}
	switch {
	case len(have) == 0:
		return "no capabilities"
	case len(lacking) == 0:
		return "all capabilities"
	case len(lacking) <= 5:
		return "all capabilities but " + strings.Join(lacking, ", ")
	}
	return strconv.Itoa(len(have)) + " of " + strconv.Itoa(last+1) + " capabilities"
}

// lastCap is the highest number of a capability that the kernel knows.
func lastCap() int {
	for n := unix.CAP_LAST_CAP; ; n++ {
		if has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, uintptr(n+1), 0, 0, 0); err != nil || has < 0 {
			return n
		}
	}
}

func (p *ownProcess) helpWithCapabilities() string {
	switch {
	case p.UserNamespace:
		return "they count in the initial user namespace, which this is not"
	case p.UID != 0 && p.Container != "":
		return "root has them, and in a container those that --cap-add has given"
	case p.UID != 0:
		return "root has them"
	case p.Container != "":
		return "--cap-add of " + p.Container + " gives one"
	}
	return "whoever has started this process has kept them back"
}

func (p *ownProcess) helpWithFilter() string {
	if p.Container != "" {
		return "--security-opt seccomp=FILE of " + p.Container + " sets another, and --cap-add relaxes the one that is there by default."
	}
	return "It is inherited, and cannot be taken off."
}
