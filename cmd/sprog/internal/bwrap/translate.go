//go:build linux

package bwrap

import (
	"os"
	"path"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// Facts are what a command line is translated by, besides its options.
type Facts struct {
	UID, GID  int
	Effective uint64              // the caller's capabilities
	Dir       string              // the working directory, as the shell calls it
	Covered   []string            // what of /proc the caller can write to, and the program is not to
	Console   *os.File            // standard output, if that is a terminal
	Files     map[int]*os.File    // the descriptors that options name
	Data      map[int][]byte      // the content of those that files are made of
	Filters   [][]byte            // of system calls
	HasUserNS func() bool         // whether the system has user namespaces
	HasCgroup func() error        // why it has no cgroup namespaces, or nil
	RealPath  func(string) string // what a path is that leads through the caller's /proc
}

// Check refuses options that do not go together, and adds those that are implied.
func (o *Options) Check(f *Facts) error {
	switch {
	case o.UserNSBlockFD >= 0 && !o.UnshareUser:
		return mistake("--userns-block-fd requires --unshare-user")
	case o.UserNSBlockFD >= 0 && o.InfoFD < 0:
		return mistake("--userns-block-fd requires --info-fd")
	case o.UserNS >= 0 && o.UnshareUser:
		return mistake("--userns not compatible --unshare-user")
	case o.UserNS >= 0 && o.UnshareUserTry:
		return mistake("--userns not compatible --unshare-user-try")
	case o.DisableUserns && !o.UnshareUser:
		return mistake("--disable-userns requires --unshare-user")
	case o.DisableUserns && o.UserNSBlockFD >= 0:
		return mistake("--disable-userns is not compatible with --userns-block-fd")
	}
	if f.UID != 0 && o.UserNS < 0 || o.UnshareUserTry && f.HasUserNS() {
		o.UnshareUser = true
	}
	if len(o.Command) == 0 {
		return errUsage
	}
	if err := o.checkIDs(f); err != nil {
		return err
	}
	if o.UnshareCgroup {
		if err := f.HasCgroup(); err != nil {
			return err
		}
	}
	o.UnshareCgroup = o.UnshareCgroup || o.UnshareCgroupTry && f.HasCgroup() == nil
	return nil
}

// checkIDs refuses what takes a namespace that is not asked for.
func (o *Options) checkIDs(f *Facts) error {
	if o.UID < 0 {
		o.UID = f.UID
	}
	if o.GID < 0 {
		o.GID = f.GID
	}
	newUser := o.UnshareUser || o.UserNS >= 0
	switch {
	case !newUser && o.UID != f.UID:
		return mistake("Specifying --uid requires --unshare-user or --userns")
	case !newUser && o.GID != f.GID:
		return mistake("Specifying --gid requires --unshare-user or --userns")
	case !o.UnshareUTS && o.Hostname != "":
		return mistake("Specifying --hostname requires --unshare-uts")
	case o.AsPID1 && !o.UnsharePID:
		return mistake("Specifying --as-pid-1 requires --unshare-pid")
	case o.AsPID1 && len(o.Locks) > 0:
		return mistake("Specifying --as-pid-1 and --lock-file is not permitted")
	case o.FileLabel != "" || o.ExecLabel != "" && !seLinux():
		return mistake("labeling not supported on this system")
	}
	return nil
}

// errUsage has the usage printed, as an error.
const errUsage = mistake("")

// Translate is the command that the options describe. It has to have been checked.
func (o *Options) Translate(f *Facts) (*sprog.Cmd, []Op) {
	attr := &sprog.Attr{
		Root: &sprog.Root{Empty: true, Propagation: sprog.PropagationSlave}, InheritAll: true, NoNewPrivs: true,
		Hostname: o.Hostname, Loopback: o.UnshareNet, LookPath: true,
		ForbidUserNamespaces: o.DisableUserns, RefuseUserNamespaces: o.DisableUserns || o.AssertUserns,
		Signals: &sprog.Signals{Default: []syscall.Signal{unix.SIGCHLD}},
	}
	cmd := &sprog.Cmd{Path: o.Command[0], Args: append([]string(nil), o.Command...), Env: o.environment(), Attr: attr,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, SysProcAttr: &syscall.SysProcAttr{Setsid: o.NewSession}}
	if o.Argv0 != nil {
		cmd.Args[0] = *o.Argv0
	}
	o.setNamespaces(cmd, f)
	o.setDir(cmd, f)
	o.setInit(cmd, f)
	attr.Caps = o.caps(f)
	o.showInit(attr, f)
	if o.DieWithParent {
		cmd.SysProcAttr.Pdeathsig = unix.SIGKILL
	}
	if len(f.Filters) > 0 {
		attr.Seccomp = &sprog.Seccomp{Programs: f.Filters}
	}
	if o.BlockFD >= 0 {
		attr.WaitFor = f.Files[o.BlockFD]
	}
	if o.ExecLabel != "" {
		attr.ExecLabel = &sprog.ExecLabel{SELinux: o.ExecLabel}
	}
	var ops []Op
	attr.Mounts, ops = o.mounts(f)
	return cmd, ops
}

// environment is that of the program, but for PWD.
func (o *Options) environment() []string {
	env := []string{}
	for _, e := range o.Env {
		if !strings.HasPrefix(e, "PWD=") {
			env = append(env, e)
		}
	}
	return env
}

func (o *Options) setNamespaces(cmd *sprog.Cmd, f *Facts) {
	sys, attr := cmd.SysProcAttr, cmd.Attr
	sys.Cloneflags = unix.CLONE_NEWNS
	for _, n := range []struct {
		given bool
		flag  uintptr
	}{
		{o.UnshareUser, unix.CLONE_NEWUSER}, {o.UnshareIPC, unix.CLONE_NEWIPC}, {o.UnsharePID, unix.CLONE_NEWPID},
		{o.UnshareNet, unix.CLONE_NEWNET}, {o.UnshareUTS, unix.CLONE_NEWUTS}, {o.UnshareCgroup, unix.CLONE_NEWCGROUP},
	} {
		if n.given {
			sys.Cloneflags |= n.flag
		}
	}
	if o.UnshareUser && o.UserNSBlockFD < 0 {
		sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: o.UID, HostID: f.UID, Size: 1}}
		sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: o.GID, HostID: f.GID, Size: 1}}
	}
	if o.UserNS >= 0 {
		attr.Join = append(attr.Join, sprog.Namespace{Kinds: sprog.UserNamespace, File: f.Files[o.UserNS]})
		if o.UID != f.UID || o.GID != f.GID {
			uid, gid := uint32(o.UID), uint32(o.GID)
			attr.IDs = &sprog.IDs{RealUser: &uid, EffectiveUser: &uid, RealGroup: &gid, EffectiveGroup: &gid}
		}
	}
	if o.UserNS2 >= 0 {
		attr.UserNamespace = f.Files[o.UserNS2]
	}
	if o.PIDNS >= 0 {
		attr.Join = append(attr.Join, sprog.Namespace{Kinds: sprog.PIDNamespace, File: f.Files[o.PIDNS]})
	}
}

// setDir has the program start where it was told to, or in the first of the caller's
// directory, the home directory and the root that it sees.
func (o *Options) setDir(cmd *sprog.Cmd, f *Facts) {
	if o.Chdir != "" {
		cmd.Dir, cmd.Env = path.Join("/", o.Chdir), append(cmd.Env, "PWD="+o.Chdir)
		return
	}
	cmd.Attr.Dirs = []string{f.Dir}
	for _, e := range cmd.Env {
		if home, is := strings.CutPrefix(e, "HOME="); is && path.IsAbs(home) {
			cmd.Attr.Dirs = append(cmd.Attr.Dirs, home)
			break
		}
	}
	cmd.Attr.Dirs, cmd.Env = append(cmd.Attr.Dirs, "/"), append(cmd.Env, "PWD=")
}

// setInit has a process above the program: what reaps in a PID namespace, and holds
// files and locks.
func (o *Options) setInit(cmd *sprog.Cmd, f *Facts) {
	if o.AsPID1 || !o.UnsharePID && len(o.Locks) == 0 && o.SyncFD < 0 {
		return
	}
	cmd.Attr.Init = &sprog.Init{Linger: true, Locks: o.Locks}
	if file := f.Files[o.SyncFD]; file != nil {
		cmd.Attr.Init.Keep = []*os.File{file}
	}
}
