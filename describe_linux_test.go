//go:build amd64 || arm64

package sprog

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/atstart"
)

// A description is what a process sees of itself, in a form in which two
// processes that were started alike are equal.
type description struct {
	Args, Env       []string
	Cwd, Root       string
	Umask           int
	IDs             string // real, effective, saved
	Groups          []int
	LeadsSession    bool
	LeadsGroup      bool
	Session, Group  string // "parent's" or another
	FirstOfPIDs     bool
	Terminal        bool // a controlling one
	Limits          map[string]string
	Status          map[string]string // of /proc/self/status
	Namespaces      map[string]string // to "same" or "new"
	Maps            map[string]string // of the user namespace
	Files           map[int]string
	Cgroup          string
	ParentDeathSig  int
	Dumpable        int
	ThreadsOfParent bool // whether the parent is seen
}

// describe FD SID PGID NAMESPACES: write a description of the process to the
// descriptor, given the session, group and namespaces of its parent. The status
// is 7.
var _ = helper("describe", func(args []string) int {
	fd, _ := strconv.Atoi(args[0])
	d := describe(args[1], args[2], strings.Split(args[3], ","))
	if err := json.NewEncoder(os.NewFile(uintptr(fd), "out")).Encode(d); err != nil {
		return 1
	}
	return 7
})

// A helper program stays on its first thread: the parent-death signal, and not
// only that, is the thread's.
func init() {
	if os.Getenv(helperVar) != "" {
		runtime.LockOSThread()
	}
}

// describing are the arguments for describe.
func describing(fd int) []string {
	sid, _ := unix.Getsid(0)
	return []string{strconv.Itoa(fd), strconv.Itoa(sid), strconv.Itoa(unix.Getpgrp()), strings.Join(namespaceLinks(), ",")}
}

var namespaceNames = []string{"cgroup", "ipc", "mnt", "net", "pid", "pid_for_children", "time", "time_for_children", "user", "uts"}

func namespaceLinks() (links []string) {
	for _, name := range namespaceNames {
		link, _ := os.Readlink("/proc/self/ns/" + name)
		links = append(links, link)
	}
	return links
}

func describe(sid, pgid string, namespaces []string) description {
	d := description{
		Args: os.Args[1:2], Env: os.Environ(), Umask: syscall.Umask(0),
		FirstOfPIDs: os.Getpid() == 1, ThreadsOfParent: os.Getppid() != 0,
		Namespaces: map[string]string{}, Files: openFiles(), Cgroup: contentsOf("/proc/self/cgroup"),
		Status: statusOf("/proc/self/status"), Maps: map[string]string{},
	}
	d.Cwd, _ = os.Getwd()
	if link, err := os.Readlink("/proc/self/cwd"); err == nil {
		d.Cwd = link
	}
	d.Root, _ = os.Readlink("/proc/self/root")
	ruid, euid, suid := unix.Getresuid()
	rgid, egid, sgid := unix.Getresgid()
	d.IDs = fmt.Sprint(ruid, euid, suid, rgid, egid, sgid)
	d.Groups, _ = unix.Getgroups()
	d.describeSession(sid, pgid)
	d.Limits = limitsOf()
	for i, link := range namespaceLinks() {
		d.Namespaces[namespaceNames[i]] = "new"
		if link == namespaces[i] {
			d.Namespaces[namespaceNames[i]] = "same"
		}
	}
	for _, name := range []string{"uid_map", "gid_map", "setgroups"} {
		d.Maps[name] = strings.Join(strings.Fields(contentsOf("/proc/self/"+name)), " ")
	}
	var sig int32
	unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&sig)), 0, 0, 0)
	d.ParentDeathSig = int(sig)
	d.Dumpable, _ = unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	return d
}

func (d *description) describeSession(sid, pgid string) {
	s, _ := unix.Getsid(0)
	g := unix.Getpgrp()
	d.LeadsSession, d.LeadsGroup = s == os.Getpid(), g == os.Getpid()
	d.Session, d.Group = "another", "another"
	if strconv.Itoa(s) == sid {
		d.Session = "parent's"
	}
	if strconv.Itoa(g) == pgid {
		d.Group = "parent's"
	}
	if fd, err := unix.Open("/dev/tty", unix.O_RDWR|unix.O_CLOEXEC, 0); err == nil {
		unix.Close(fd)
		d.Terminal = true
	}
}

// statusOf are the fields of a status file that do not change by themselves.
func statusOf(file string) map[string]string {
	fields := map[string]string{}
	for _, name := range []string{"SigBlk", "SigIgn", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb",
		"NoNewPrivs", "Seccomp", "TracerPid", "Cpus_allowed", "Mems_allowed", "THP_enabled"} {
		fields[name] = procField(file, name)
	}
	return fields
}

// limitsOf are the resource limits. The one on open files has been raised by
// the runtime.
func limitsOf() map[string]string {
	limits := map[string]string{"nofile at start": fmt.Sprint(atstart.NofileCur, atstart.NofileMax)}
	for line := range strings.Lines(contentsOf("/proc/self/limits")) {
		if len(line) > 26 && !strings.HasPrefix(line, "Max open files") {
			limits[strings.TrimSpace(line[:26])] = strings.Join(strings.Fields(line[26:]), " ")
		}
	}
	return limits
}

// openFiles are the descriptors that the process was given.
func openFiles() map[int]string {
	files := map[int]string{}
	for fd := range 1 << 13 {
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err != nil || flags&unix.FD_CLOEXEC != 0 {
			continue
		}
		mode, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		to, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
		if err != nil {
			to = "?"
		}
		if before, _, numbered := strings.Cut(to, ":["); numbered {
			to = before
		}
		files[fd] = fmt.Sprintf("%s %#o", to, mode)
	}
	return files
}

func contentsOf(file string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
