//go:build amd64 || arm64

package explain

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// chdirHint is for the working directory.
func (f Failure) chdirHint() terms.Text {
	switch {
	case f.Mounts.Flaw != "":
		return f.Mounts.Flaw
	case f.joins(spec.MountNamespace):
		return ""
	case f.Ask.HasView() && f.Errno == unix.ENOENT:
		return terms.Plain("the program's view has no such directory" + elsewhere(f.E.Object))
	case f.Ask.HasView():
		return ""
	}
	v := View(f.Ask)
	v.Dir = ""
	if v.Root == "" {
		v.Dir, _ = unix.Getwd()
	}
	w := v.Follow(f.E.Object, f.Viewer())
	defer w.Close()
	why := w.Reason(f.Errno)
	if w.Stop == 0 && f.Errno == unix.EACCES && w.Stat().Mode&unix.S_IFMT == unix.S_IFDIR && !w.Who.May(w.Last(), w.Stat(), pathwalk.ToSearch) {
		why = w.Who.MayNot("search", w.Here(), w.Last(), w.Stat())
	}
	if v.Root != "" && f.Errno == unix.ENOENT && why != "" && (pathwalk.View{}).Exists(f.E.Object) {
		why += ": the path is looked up in the new root; the old one has it"
	}
	if w.Stop == 0 && f.Errno == unix.ENOTDIR {
		why = w.Here() + " is " + pathwalk.KindOf(w.Stat())
	}
	return terms.Plain(why)
}

// fchdirHint is for a working directory by its descriptor.
func (f Failure) fchdirHint() terms.Text {
	var st unix.Stat_t
	if unix.Fstat(f.DirFD, &st) != nil {
		return ""
	}
	who := f.Viewer()
	switch path := terms.Printable(pathwalk.RealPath(f.DirFD)); {
	case f.Errno == unix.ENOTDIR:
		return terms.Sprintf("%s is %s", path, pathwalk.KindOf(&st))
	case f.Errno == unix.EACCES && !who.May(pathwalk.Seen(f.DirFD), &st, pathwalk.ToSearch):
		return terms.Plain(who.MayNot("search", path, pathwalk.Seen(f.DirFD), &st))
	}
	return ""
}

// chrootHint is for chroot, which comes before the credentials.
func (f Failure) chrootHint() terms.Text {
	if f.Errno == unix.EPERM && f.lacksCap(unix.CAP_SYS_CHROOT) {
		return "it takes CAP_SYS_CHROOT, which an ordinary user has in a new user namespace: {CLONE_NEWUSER in SysProcAttr.Cloneflags|SysProcAttr.Cloneflags: CLONE_NEWUSER}"
	}
	if f.joins(spec.MountNamespace) {
		return ""
	}
	w := (pathwalk.View{}).Follow(f.E.Object, pathwalk.Viewer{})
	defer w.Close()
	if w.Stop == 0 && f.Errno == unix.ENOTDIR {
		return terms.Sprintf("%s is %s", w.Here(), pathwalk.KindOf(w.Stat()))
	}
	return terms.Plain(w.Reason(f.Errno))
}

// nullHint is for /dev/null, which the child opens where it is given nothing.
func (f Failure) nullHint() terms.Text {
	if f.E.Object == "/dev/null" && f.Errno == unix.ENOENT {
		return "this process sees no /dev/null: give the child its {Stdin}, {Stdout} and {Stderr}, or this root a /dev"
	}
	return ""
}

// openHint is for the files that the child opens by their paths.
func (f Failure) openHint() terms.Text {
	if why := f.nullHint(); why != "" || f.joins(spec.MountNamespace) || f.Ask.HasView() {
		return why
	}
	flags, mode := f.opening()
	w := View(f.Ask).Follow(f.E.Object, f.Viewer())
	defer w.Close()
	st := w.Stat()
	write := flags&(unix.O_ACCMODE|unix.O_TRUNC) != 0
	switch {
	case w.Stop == unix.ENOENT && f.Errno == unix.EACCES && flags&unix.O_CREAT != 0 && w.Stat().Mode&unix.S_IFMT == unix.S_IFDIR && !w.Who.May(w.Last(), w.Stat(), pathwalk.ToWrite):
		return terms.Plain(w.Who.MayNot("create files in", w.Here(), w.Last(), w.Stat()))
	case w.Stop != 0:
		return terms.Plain(w.Reason(f.Errno))
	case f.Errno == unix.EACCES && mode&pathwalk.ToRead != 0 && !w.Who.May(w.Last(), st, pathwalk.ToRead):
		return terms.Plain(w.Who.MayNot("read", w.Here(), w.Last(), st))
	case f.Errno == unix.EACCES && mode&pathwalk.ToWrite != 0 && !w.Who.May(w.Last(), st, pathwalk.ToWrite):
		return terms.Plain(w.Who.MayNot("write to", w.Here(), w.Last(), st))
	case f.Errno == unix.EISDIR:
		return terms.Sprintf("%s is a directory, which cannot be written to", w.Here())
	case f.Errno == unix.ENXIO && st.Mode&unix.S_IFMT == unix.S_IFIFO:
		return "nobody has the FIFO open for reading"
	case f.Errno == unix.ENXIO && st.Mode&unix.S_IFMT == unix.S_IFSOCK:
		return terms.Sprintf("%s is a socket, which is connected to and not opened", w.Here())
	case f.Errno == unix.EROFS && write:
		return terms.Sprintf("%s is in a file system that is mounted read-only%s", w.Here(), pathwalk.MountPoint(w.Last()))
	case f.Errno == unix.ETXTBSY && write:
		return "the file is being executed, and cannot be written to meanwhile"
	}
	return ""
}

// opening is how the file was to be opened.
func (f Failure) opening() (flags int, mode uint32) {
	i := slices.IndexFunc(f.Ask.Attr.Files, func(file spec.File) bool { return file.Path == f.E.Object })
	if i < 0 {
		return 0, 0
	}
	flags = f.Ask.Attr.Files[i].Flags
	return flags, [...]uint32{pathwalk.ToRead, pathwalk.ToWrite, pathwalk.ToRead | pathwalk.ToWrite, 0}[flags&unix.O_ACCMODE]
}

func (f Failure) setsidHint() terms.Text {
	if f.Errno == unix.EPERM && f.Ask.InPlace {
		return "a process that leads a process group cannot lead a session: only a child can"
	}
	return ""
}

// setpgidHint is for setpgid(2).
func (f Failure) setpgidHint() terms.Text {
	group := f.Ask.Sys.Pgid
	switch {
	case f.Ask.Sys.Setsid:
		return "{SysProcAttr.Setsid} has made a group for it already"
	case f.Errno != unix.EPERM || group == 0:
		return ""
	case f.Ask.Sys.Cloneflags&unix.CLONE_NEWPID != 0 || f.joins(spec.PIDNamespace):
		return "the number is looked up in the child's PID namespace"
	case unix.Kill(-group, 0) == unix.ESRCH:
		return terms.Sprintf("there is no process group %s", group)
	}
	return terms.Sprintf("process group %s is in another session", group)
}

// loopbackHint is for the loopback device.
func (f Failure) loopbackHint() terms.Text {
	if f.Errno == unix.EPERM {
		return f.noRightInside(spec.NetworkNamespace, "CAP_NET_ADMIN")
	}
	return ""
}

func (f Failure) setcttyHint() terms.Text {
	switch {
	case f.Errno == unix.ENOTTY:
		return terms.Sprintf("descriptor %s of the child is no terminal", f.Ask.Sys.Ctty)
	case f.Errno == unix.EPERM && !f.Ask.Sys.Setsid:
		return "only the leader of a session gets a controlling terminal: {SysProcAttr.Setsid} makes the child one"
	case f.Errno == unix.EPERM:
		return "the terminal controls another session already"
	}
	return ""
}

func (f Failure) foregroundHint() terms.Text {
	switch f.Errno {
	case unix.ENOTTY:
		return terms.Sprintf("descriptor %s of this process, which {SysProcAttr.Ctty} names, is not the terminal that controls its session", f.Ask.Sys.Ctty)
	case unix.EPERM:
		return "the process group is not in the session that the terminal controls"
	}
	return ""
}

func (f Failure) nocttyHint() terms.Text {
	if f.Errno == unix.ENOTTY {
		return "descriptor 0 of the child is not the terminal that controls its session"
	}
	return ""
}

// dupHint is for any step that puts a file at a number: which that is, the start has
// found out.
func (f Failure) dupHint() terms.Text {
	if f.E.Step == "dup3" && f.Errno == unix.EBADF {
		return "no descriptor is left: the number is not below RLIMIT_NOFILE"
	}
	return ""
}

// hostnameHint is for the host's names.
func (f Failure) hostnameHint() terms.Text {
	if f.Errno == unix.EPERM {
		return f.noRightInside(spec.UTSNamespace, "CAP_SYS_ADMIN")
	}
	return ""
}

func (f Failure) noRightInside(kind spec.NamespaceKind, capability string) terms.Text {
	if f.joins(kind) && !f.joins(spec.UserNamespace) {
		return terms.Sprintf("it takes %s in the user namespace that the joined %s namespace belongs to: join that too", capability, kind.String())
	}
	return terms.Sprintf("it takes %s in the user namespace that the %s namespace belongs to", capability, kind.String())
}

// sysctlValueHint is for a parameter of the kernel's that is not set.
func (f Failure) sysctlValueHint() terms.Text {
	switch f.Errno {
	case unix.EINVAL:
		return "the parameter does not take that value"
	case unix.EPERM, unix.EACCES:
		return "the child has no right to that parameter: it takes the rights of root in the user namespace that the other namespace belongs to"
	}
	return ""
}

// moveHint is for a cgroup that the child does not get into.
func (f Failure) moveHint() terms.Text {
	i := slices.IndexFunc(f.Ask.Attr.CgroupV1, func(dir string) bool { return f.E.Object == dir+"/cgroup.procs" })
	switch {
	case i < 0:
		return cgroupHint(f.Errno)
	case f.Errno == unix.ENOSPC:
		for _, name := range []string{"cpuset.cpus", "cpuset.mems"} {
			if list, err := kernel.Read(f.Ask.Attr.CgroupV1[i] + "/" + name); err == nil && strings.TrimSpace(list) == "" {
				return terms.Sprintf("%s of the cgroup is empty, and has to be set before a process comes in", name)
			}
		}
	case f.Errno == unix.EACCES:
		return "cgroup.procs of the cgroup may not be written by this process's user"
	case f.Errno == unix.EINVAL:
		return "a real-time process comes only into a cgroup whose cpu.rt_runtime_us is not 0"
	}
	return ""
}

// sysctlHint is for a parameter of the kernel's whose file is not opened.
func (f Failure) sysctlHint() terms.Text {
	switch f.Errno {
	case unix.ENOENT:
		return "the kernel has no such parameter, or the new namespace does not, or it comes with a module that is not loaded"
	case unix.EROFS:
		return "/proc/sys is mounted read-only, as it is in containers"
	case unix.EACCES, unix.EPERM:
		return "the parameter is read-only, or the child is not root in the user namespace that the other namespace belongs to"
	}
	return ""
}

// subreaperHint is for an init that adopts what its program leaves behind.
func (f Failure) subreaperHint() terms.Text {
	if f.Errno == unix.EINVAL {
		return "this kernel has no child subreapers, as gVisor has none, so an init works in a new PID namespace only: add {CLONE_NEWPID to SysProcAttr.Cloneflags|SysProcAttr.Cloneflags: CLONE_NEWPID}"
	}
	return ""
}

func (f Failure) ptraceHint() terms.Text {
	if f.Errno == unix.EPERM && kernel.Sysctl("kernel/yama/ptrace_scope") == "3" {
		return "kernel.yama.ptrace_scope is 3: nobody may trace"
	}
	return ""
}

// cgroupHint says what the kernel means where a child cannot be born in its
// cgroup.
func cgroupHint(errno error) terms.Text {
	switch errno {
	case unix.EACCES, unix.EPERM:
		return "cgroup.procs of the nearest cgroup above both this process's and the new one must be writable"
	case unix.EBUSY:
		return "a cgroup whose cgroup.subtree_control has controllers cannot hold processes"
	case unix.EOPNOTSUPP:
		return "the cgroup is below one that is threaded"
	case unix.ENOENT:
		return "the cgroup has been removed, or is outside of this process's cgroup namespace"
	case unix.EBADF:
		return "it is not open, or not the directory of a cgroup of version 2"
	case unix.ENODEV:
		return "the cgroup has been removed"
	}
	return ""
}
