//go:build linux

package bwrap

import (
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/program"
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
	case (o.ExecLabel != "" || o.FileLabel != "") && !seLinux():
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
		ForbidUserNamespaces: o.DisableUserns, RefuseUserNamespaces: o.DisableUserns || o.AssertUserns, Signals: &sprog.Signals{Default: []syscall.Signal{unix.SIGCHLD}},
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

// showInit lets the caller enter the namespaces by the number of the process above the program, as
// he may with bwrap's. That process is not filtered as the program is, which must not be able
// to trace it: it keeps a capability that the program has not, and makes no use of it.
func (o *Options) showInit(attr *sprog.Attr, f *Facts) {
	filtered, capable := len(f.Filters) > 0, o.wantedCaps(f) != 0
	if attr.Init == nil || f.UID == 0 || filtered && capable {
		return
	}
	attr.Init.Visible = true
	if filtered {
		attr.Caps.Permitted.Add = []string{"wake_alarm"}
	}
}

// caps are the changes to the capabilities, or nil.
func (o *Options) caps(f *Facts) *sprog.Caps {
	wanted := o.wantedCaps(f)
	var names []string
	for n := range uint64(64) {
		if wanted>>n&1 != 0 {
			names = append(names, strconv.FormatUint(n, 10))
		}
	}
	exactly := sprog.CapSet{Drop: []string{"all"}, Add: names}
	caps := &sprog.Caps{}
	if o.UnshareUser || o.UserNS >= 0 {
		caps.Bounding = exactly
	}
	if f.UID != 0 || len(o.CapEdits) > 0 {
		caps.Permitted, caps.Effective, caps.Inheritable, caps.Ambient = exactly, exactly, exactly, exactly
	} else if !o.UnshareUser && o.UserNS < 0 {
		return nil
	}
	return caps
}

// wantedCaps are those that the program has: root keeps what he has, and others have none.
func (o *Options) wantedCaps(f *Facts) (wanted uint64) {
	all := uint64(1)<<41 - 1
	if f.UID == 0 {
		wanted = f.Effective
	}
	for _, e := range o.CapEdits {
		change := all
		if n, known := program.CapNumber(capName(e.Name)); known {
			change = 1 << n
		}
		if wanted |= change; !e.Add {
			wanted &^= change
		}
	}
	return wanted
}

func capName(name string) string { return strings.ToUpper(name) }

// KnownCap reports whether there is a capability of the name.
func KnownCap(name string) bool {
	_, known := program.CapNumber(capName(name))
	return known
}

func seLinux() bool { return unix.Access("/sys/fs/selinux", unix.F_OK) == nil }

// mounts are the operations as mounts, and which operation each of them belongs to.
func (o *Options) mounts(f *Facts) (list []sprog.Mount, ops []Op) {
	t := &mounter{o: o, f: f}
	for _, op := range o.Ops {
		t.add(op)
	}
	return t.list, t.ops
}

// A mounter translates operations.
type mounter struct {
	o    *Options
	f    *Facts
	list []sprog.Mount
	ops  []Op
}

// put adds a mount of an operation.
func (t *mounter) put(op Op, m sprog.Mount) {
	t.list, t.ops = append(t.list, m), append(t.ops, op)
}

// add translates one operation.
func (t *mounter) add(op Op) {
	dest := path.Clean("/" + op.Dest)
	op.Dest = dest
	m := sprog.Mount{Target: dest, Create: true}
	switch op.Kind {
	case RemountReadOnly:
		t.put(op, sprog.Mount{Target: dest, Flags: sprog.MountReadOnly, Shallow: true})
		return
	case Chmod:
		t.put(op, sprog.Mount{Target: dest, Mode: mode(op.Perms)})
		return
	case Bind, ReadOnlyBind, DevBind:
		t.bind(op, m)
		return
	case Proc:
		t.proc(op, m)
		return
	case Dir, Symlink, File, BindData, ReadOnlyBindData:
		t.file(op, m)
		return
	case Tmpfs:
		t.parents(op, dest)
		m.Tmpfs = &sprog.Tmpfs{Size: op.Size, Mode: mode(op.Perms)}
	case Dev:
		m.Dev = &sprog.Dev{Console: t.f.Console}
	case Mqueue:
		m.Kernel = sprog.KernelMqueue
	case Overlay, PrivateOverlay, ReadOnlyOverlay:
		m.Overlay = t.overlay(op)
	}
	t.atRoot(dest)
	t.put(op, m)
}

func mode(perms int) *uint32 {
	if perms < 0 {
		return nil
	}
	m := uint32(perms)
	return &m
}

// atRoot forgets what a new root directory hides.
func (t *mounter) atRoot(dest string) {
	if dest == "/" {
		t.list, t.ops = nil, nil
	}
}

func (t *mounter) bind(op Op, m sprog.Mount) {
	m.Flags, m.Optional = sprog.MountNoSUID, op.Try
	if op.Kind != DevBind {
		m.Flags |= sprog.MountNoDev
	}
	if op.Kind == ReadOnlyBind {
		m.Flags |= sprog.MountReadOnly
		m.Propagation = sprog.PropagationPrivate
	}
	if op.FD >= 0 {
		m.File = t.f.Files[op.FD]
	} else {
		m.Bind = t.f.RealPath(op.Source)
	}
	if m.Target == "/" {
		m.Optional = false
	}
	t.atRoot(m.Target)
	t.put(op, m)
}

// proc is a new file system for a PID namespace, and the caller's otherwise.
func (t *mounter) proc(op Op, m sprog.Mount) {
	if t.o.UnsharePID || t.o.PIDNS >= 0 {
		m.Proc = &sprog.Proc{Writable: true}
	} else {
		m.Bind, m.Flags = "/proc", sprog.MountNoSUID|sprog.MountNoDev
	}
	t.put(op, m)
	for _, name := range t.f.Covered {
		t.put(op, sprog.Mount{Target: path.Join(m.Target, name), Flags: sprog.MountReadOnly | sprog.MountNoSUID | sprog.MountNoDev, Optional: true})
	}
}

// file makes something that is no mount, or a file with given content.
func (t *mounter) file(op Op, m sprog.Mount) {
	t.parents(op, m.Target)
	m.Mode = mode(op.Perms)
	switch op.Kind {
	case Dir:
		m.Dir = true
		if m.Target == "/" {
			return
		}
	case Symlink:
		m.Symlink = op.Source
	case File:
		m.Data, m.Copy = t.f.Data[op.FD], true
	case BindData, ReadOnlyBindData:
		m.Data, m.Flags = t.f.Data[op.FD], sprog.MountNoSUID|sprog.MountNoDev
		if op.Kind == ReadOnlyBindData {
			m.Flags |= sprog.MountReadOnly
		}
	}
	t.put(op, m)
}

// parents makes the directories above: what the group and others may not do with the
// file, they may not do with them.
func (t *mounter) parents(op Op, dest string) {
	perms := 0o755
	if op.Perms >= 0 && op.Perms&0o070 == 0 {
		perms &^= 0o050
	}
	if op.Perms >= 0 && op.Perms&0o007 == 0 {
		perms &^= 0o005
	}
	if perms == 0o755 && op.Kind != Symlink && op.Kind != File {
		return // as they are made anyway
	}
	for i := 1; i < len(dest); i++ {
		if dest[i] == '/' {
			t.put(op, sprog.Mount{Target: dest[:i], Dir: true, Mode: mode(perms), Create: true})
		}
	}
}

func (t *mounter) overlay(op Op) *sprog.Overlay {
	o := &sprog.Overlay{Private: op.Kind == PrivateOverlay, UserXattrs: true}
	for _, dir := range op.Lower {
		o.Lower = append([]string{t.absolute(dir)}, o.Lower...)
	}
	if op.Kind == Overlay {
		o.Upper, o.Work = t.absolute(op.Source), t.absolute(op.Work)
	}
	return o
}

func (t *mounter) absolute(p string) string {
	if p = t.f.RealPath(p); path.IsAbs(p) {
		return p
	}
	return path.Join(t.f.Dir, p)
}
