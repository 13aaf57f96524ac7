//go:build amd64 || arm64

package explain

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/mountinfo"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// A ViewFacts is what the child has left behind of a view that came to nothing.
type ViewFacts struct {
	Kernel  []string   // what the kernel said of a file system that was being made
	Program []byte     // the beginning of the program, where the child could read it
	Flaw    terms.Text // what a step has found, which the kernel had nothing against
}

// viewHint is for the steps that put a view together.
func (f Failure) viewHint() terms.Text {
	if f.Mounts.Flaw != "" {
		return f.Mounts.Flaw
	}
	if why := f.emulatedView(); why != "" {
		return why
	}
	if why := f.kernelSays(); why != "" {
		return why
	}
	if f.Errno == unix.ENOSPC && (f.E.Step == "open_tree" || f.E.Step == "move_mount" || f.E.Step == "mount") {
		return terms.Plain("a mount namespace can have " + kernel.Sysctl("fs/mount-max") + " mounts: fs.mount-max")
	}
	if f.Errno == unix.EMFILE {
		return terms.Plain("each mount takes a descriptor until it is placed, and RLIMIT_NOFILE is " + strconv.FormatUint(f.limitOf(unix.RLIMIT_NOFILE), 10))
	}
	switch f.E.Step {
	case "open_tree":
		return f.sourceHint()
	case "fsopen", "fsconfig", "fsmount":
		return f.fileSystemHint()
	case "openat":
		return f.openedHint()
	case "openat2", "readlinkat":
		return f.targetHint()
	case "mount":
		return f.mountHint()
	case "move_mount":
		return f.attachHint()
	case "mount_setattr":
		return f.flagsHint()
	case "mkdirat", "mknodat", "symlinkat":
		return f.makingHint()
	case "pivot_root":
		return f.turnHint()
	case "write":
		if f.Errno == unix.EFBIG {
			return terms.Plain("the content is longer than RLIMIT_FSIZE allows, which is " + limitText(f.limitOf(unix.RLIMIT_FSIZE)))
		}
	}
	return f.mountRights()
}

// emulatedView is for what an emulator answers to a call for mounts. It knows what does not exist.
func (f Failure) emulatedView() terms.Text {
	if f.Errno == unix.ENOENT || f.Errno == unix.ENOTDIR || f.Errno == unix.EACCES {
		return ""
	}
	return EmulatedView()
}

// EmulatedView says what an emulator does not know of views, or "" if there is none.
func EmulatedView() terms.Text {
	switch kernel.Emulator() {
	case "gVisor":
		return "gVisor is in the place of the kernel, and knows only a part of what mounts take: leave out what changes the view, or have the container's runtime mount it"
	case "proot":
		return "proot is between this process and the kernel, and translates paths without knowing of mounts: leave out what changes the view, or give proot its own -b and -r"
	}
	return ""
}

// mount is what the step is about, and the name of its field; nil for the host's root.
func (f Failure) mount() (m *spec.Mount, field terms.Text) {
	_, index, of := strings.Cut(f.E.Field, "[")
	i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
	if of && err == nil && i < len(f.Ask.Attr.Mounts) {
		return &f.Ask.Attr.Mounts[i], terms.Text(spec.Index(spec.MountsField, i))
	}
	root, _, _ := f.Ask.ViewRoot()
	return root, spec.RootField
}

// kernelSays is what the kernel has to say of a new file system.
func (f Failure) kernelSays() terms.Text {
	if len(f.Mounts.Kernel) == 0 {
		return ""
	}
	said := strings.Join(f.Mounts.Kernel, "; ")
	if strings.Contains(said, "too revealing") {
		return f.tooRevealing(mountedOver(f.kernelDir()))
	}
	return terms.Plain("the kernel says: " + terms.Printable(said))
}

// kernelDir is where the caller has the file system of the kernel's that a mount makes anew, or "".
func (f Failure) kernelDir() string {
	switch m, _ := f.mount(); {
	case m == nil:
		return ""
	case m.Proc != nil:
		return "/proc"
	case m.Kernel == spec.KernelSysfs:
		return "/sys"
	}
	return ""
}

// tooRevealing is for a file system of the kernel's that would show what the caller's does not: parts
// of that have something mounted over them, as in every container.
func (f Failure) tooRevealing(over []string) terms.Text {
	dir := f.kernelDir()
	why := terms.Plain("a user namespace gets no more of " + dir + " than the caller has")
	if len(over) > 0 {
		const most = 5
		list := strings.Join(over[:min(len(over), most)], ", ")
		if len(over) > most {
			list += " and " + strconv.Itoa(len(over)-most) + " more"
		}
		why += terms.Plain(", and these have something mounted over them: " + terms.Printable(list))
	}
	if dir == "/proc" {
		_, field := f.mount()
		why += ". {Proc.Fallback|" + field + "} says what there is to be instead"
	}
	return why
}

// mountedOver are the mount points below a directory of the caller's.
func mountedOver(dir string) (list []string) {
	text, _ := kernel.Read("/proc/self/mountinfo")
	for m := range mountinfo.Mounts(text) {
		if strings.HasPrefix(m.Point, dir+"/") && !slices.Contains(list, m.Point) {
			list = append(list, m.Point)
		}
	}
	return list
}

// MappedHint is for the source of a mount whose ids are to be mapped, which this process itself could not clone.
func (f Failure) MappedHint() terms.Text {
	if (f.Errno == unix.EPERM || f.Errno == unix.EACCES) && !kernel.HasCap(unix.CAP_SYS_ADMIN) {
		return "it takes CAP_SYS_ADMIN in the user namespace that the file system belongs to"
	}
	return f.sourceHint()
}

// sourceHint is for what a mount is to be of.
func (f Failure) sourceHint() terms.Text {
	if m, _ := f.mount(); m != nil && m.File != nil && f.Errno == unix.ENOENT && strings.HasSuffix(f.E.Object, " (deleted)") {
		return "the file has been removed, so that the child finds it nowhere: it is passed on only without another user namespace, and with CAP_SYS_ADMIN"
	}
	switch f.Errno {
	case unix.ENOENT, unix.ENOTDIR, unix.EACCES, unix.ELOOP:
		v := pathwalk.View{}
		v.Dir, _ = unix.Getwd()
		w := v.Follow(f.E.Object, f.Viewer())
		defer w.Close()
		return terms.Plain(w.Reason(f.Errno))
	case unix.EINVAL:
		return "it is a file of another mount namespace, or one that cannot be bound"
	}
	return f.mountRights()
}

// openedHint is for what is opened without openat2: a part of the target's path, or what is to go there.
func (f Failure) openedHint() terms.Text {
	m, _ := f.mount()
	ofTarget := m != nil && strings.HasPrefix(m.At()+"/", strings.TrimSuffix(f.E.Object, "/")+"/")
	if why := f.sourceHint(); !ofTarget || m.Bind == f.E.Object && why != "" {
		return why
	}
	return f.targetHint()
}

// mountHint is for mount(2), which does what takes several calls since Linux 5.12.
func (f Failure) mountHint() terms.Text {
	m, _ := f.mount()
	switch {
	case m == nil:
	case m.Overlay != nil || f.kernelDir() != "":
		return f.fileSystemHint()
	case f.Errno == unix.ENOTDIR || f.Errno == unix.EINVAL:
		return f.attachHint()
	}
	return f.flagsHint()
}

// fileSystemHint is for a new file system of which the kernel says nothing.
func (f Failure) fileSystemHint() terms.Text {
	m, _ := f.mount()
	switch {
	case f.E.Step == "fsopen" && f.Errno == unix.ENODEV:
		return terms.Plain("this kernel has no file system " + terms.Printable(f.E.Object))
	case m != nil && m.Overlay != nil:
		return f.overlayHint(m.Overlay)
	case f.Errno == unix.EPERM && f.kernelDir() != "" && f.Ask.NewUserNamespace():
		// Before 6.17 only the kernel's log says which it is.
		if over := mountedOver(f.kernelDir()); len(over) > 0 && f.E.Step != "fsconfig" {
			return f.tooRevealing(over)
		}
		if m.Proc != nil && f.E.Step != "fsmount" {
			return "the PID namespace that the program is in belongs to another user namespace"
		}
	}
	return f.mountRights()
}

// overlayHint is for an overlay. Before 6.5 the kernel says nothing of what it has against a directory.
func (f Failure) overlayHint(o *spec.Overlay) terms.Text {
	if why := f.layerHint(o); why != "" {
		return why
	}
	switch {
	case f.Errno == unix.EPERM && f.Ask.NewUserNamespace() && kernel.OlderThan(5, 11):
		return "overlays in a user namespace take Linux 5.11"
	case f.Errno == unix.EINVAL && f.Ask.NewUserNamespace():
		return "likely something is mounted below one of the directories, which a user namespace must not uncover, or one is on a file system that overlays cannot be made of"
	case f.Errno == unix.EINVAL:
		return "likely one of the directories is on a file system that overlays cannot be made of, or upper and work are not on the same one"
	}
	return f.mountRights()
}

// layerHint looks for the directory of an overlay that the errno is about.
func (f Failure) layerHint(o *spec.Overlay) terms.Text {
	for _, dir := range append(slices.Clone(o.Lower), o.Upper, o.Work) {
		if dir == "" {
			continue
		}
		w := (pathwalk.View{}).Follow(dir, f.Viewer())
		defer w.Close()
		if w.Stop == f.Errno {
			return terms.Plain(w.Why)
		}
		mustBeDir := f.Errno == unix.ENOTDIR || f.Errno == unix.EINVAL
		if w.Stop == 0 && mustBeDir && w.Stat().Mode&unix.S_IFMT != unix.S_IFDIR {
			return terms.Plain(terms.Printable(dir) + " is " + pathwalk.KindOf(w.Stat()) + ", no directory")
		}
	}
	return ""
}

// targetHint is for a place that a mount is to go to.
func (f Failure) targetHint() terms.Text {
	m, _ := f.mount()
	switch f.Errno {
	case unix.ELOOP:
		return "the path leads through a link of /proc to something that is open, which is not followed, or through too many links"
	case unix.ENOTDIR:
		if f.E.Step == "openat" {
			return "something on the way is no directory in the program's view; symbolic links are followed with openat2 and mount_setattr only, Linux 5.12"
		}
		return "something on the way is no directory in the program's view"
	case unix.ENOENT:
		if m == nil || m.Source() == "" {
			return "the program sees nothing there, of which flags could be set"
		}
		if m.Create {
			return "a symbolic link there leads to nothing in the program's view, and nothing is made through links"
		}
		return "the program sees nothing there, and nothing is made on a file system of the caller's unless {Create|Attr.Mounts.Create} asks for it"
	}
	return ""
}

// attachHint is for a mount that does not go where it is to.
func (f Failure) attachHint() terms.Text {
	switch f.Errno {
	case unix.ENOTDIR, unix.EINVAL:
		if root, _, _ := f.Ask.ViewRoot(); root != nil && f.E.Object == "/" {
			return "the root has to be a directory"
		}
		return "a directory goes on a directory, and a file on what is none"
	case unix.ENOENT:
		return "the program sees nothing there"
	case unix.ELOOP:
		return "the mount would be within itself"
	}
	return f.mountRights()
}

// flagsHint is for flags and propagation.
func (f Failure) flagsHint() terms.Text {
	m, _ := f.mount()
	switch {
	case f.Errno == unix.EPERM && m != nil && m.Clear != 0 && f.Ask.NewUserNamespace():
		return "a flag that a mount has in the caller's namespace cannot be cleared in a new user namespace"
	case f.Errno == unix.EPERM && m != nil && (m.Flags|m.Clear)&spec.MountNoAtime != 0 && f.Ask.NewUserNamespace():
		return "what a mount does about times of access in the caller's namespace cannot be changed in a new user namespace"
	case f.Errno == unix.EINVAL && kernel.OlderThan(5, 14):
		return "MOUNT_ATTR_NOSYMFOLLOW takes Linux 5.14"
	}
	return f.mountRights()
}

// makingHint is for a file or directory that a mount needs.
func (f Failure) makingHint() terms.Text {
	switch f.Errno {
	case unix.EEXIST:
		return "something else is there in the program's view"
	case unix.EOVERFLOW:
		return "the file system has no id for the owner of a new file: the user namespace has to map the caller's user and group by {SysProcAttr.UidMappings} and {GidMappings|SysProcAttr.GidMappings}"
	case unix.EROFS:
		return "it is missing in the program's view, and cannot be made: what is mounted there is read-only"
	case unix.EACCES:
		return "it is missing in the program's view, and the child has no right to make it"
	case unix.ENOTDIR:
		return "something on the way is no directory in the program's view"
	}
	return ""
}

// turnHint is for the change of the root.
func (f Failure) turnHint() terms.Text {
	switch {
	case f.Errno == unix.EINVAL && chrooted():
		return "this process is in a chroot whose root is no mount: mount --bind the directory on itself before the chroot"
	case f.Errno == unix.EINVAL:
		return "likely this process's root is that of an initramfs, which cannot be left so"
	}
	return f.mountRights()
}

// mountRights is for a call that is refused whatever it is about.
func (f Failure) mountRights() terms.Text {
	if f.Errno != unix.EPERM && f.Errno != unix.EACCES {
		return ""
	}
	if !f.Ask.NewUserNamespace() && !kernel.HasCap(unix.CAP_SYS_ADMIN) {
		return "mounts take CAP_SYS_ADMIN, which an ordinary user has in a new user namespace: add {CLONE_NEWUSER to SysProcAttr.Cloneflags|SysProcAttr.Cloneflags: CLONE_NEWUSER}"
	}
	if why := f.restrictedHint(); why != "" {
		return why
	}
	if f.E.Step != "move_mount" && f.E.Step != "pivot_root" && f.E.Step != "umount2" && f.E.Step != "mount" {
		return ""
	}
	const domain = "this process is in a Landlock domain that restricts files, which may change no mounts"
	switch hasLandlock := kernel.Known.Landlock.Ask().ABI > 0; {
	case !kernel.Filtered() && hasLandlock:
		return "likely " + domain
	case kernel.HasCap(unix.CAP_SYS_ADMIN) && kernel.MoveMountDenied() && f.E.Step == "move_mount":
		return "the seccomp filter that is in force for this process denies it: see Seccomp in /proc/self/status"
	case kernel.Filtered() && hasLandlock:
		return "either the seccomp filter that is in force for this process denies it, or " + domain + ": nothing tells which"
	}
	return ""
}

// viewedProgramHint is for a program that is executed in a view, which is not this process's. The child
// has left the beginning of the file if it could read that.
func (f Failure) viewedProgramHint() terms.Text {
	name, head := terms.Printable(f.Ask.Path), bytes.NewReader(f.Mounts.Program)
	there := len(f.Mounts.Program) > 0
	interp, by := pathwalk.ScriptInterpreter(head), "the interpreter %s, which the first line of "+name+" names"
	if interp == "" {
		interp, by = pathwalk.ELFInterpreter(head), "the dynamic loader %s, which the ELF file "+name+" names"
	}
	by = strings.Replace(by, "%s", terms.Printable(interp), 1)
	switch {
	case f.Errno == unix.ENOENT && f.Ask.Attr.LookPath:
		return "no directory of the PATH that the program is to have has it"
	case f.Errno == unix.ENOENT && interp != "":
		return terms.Plain(by + ", does not exist in the program's view" + elsewhere(interp))
	case f.Errno == unix.ENOENT && !there:
		return terms.Plain("the program's view has no such file" + elsewhere(f.Ask.Path))
	case f.Errno == unix.ENOEXEC && there:
		return terms.Plain(format(f.Ask.Path, head, int64(len(f.Mounts.Program))))
	case f.Errno == unix.EACCES && f.noExec() != "":
		return f.noExec()
	case f.Errno == unix.EACCES && there:
		return terms.Plain(name + ", or what executes it, is there and may not be executed: by its mode, or because its file system is mounted noexec")
	}
	return ""
}

// elsewhere tells of a file that this process sees.
func elsewhere(path string) string {
	if (pathwalk.View{}).Exists(path) {
		return "; this process sees it, so a mount of it is missing"
	}
	return ""
}

// noExec names the mount of the view that the program is in, if that is noexec.
func (f Failure) noExec() terms.Text {
	at, flags, field := "/", spec.MountFlags(0), terms.Text(spec.RootField)
	if r := f.Ask.Attr.Root; r != nil {
		flags = r.Flags
	}
	for i := range f.Ask.Attr.Mounts {
		m := &f.Ask.Attr.Mounts[i]
		below := strings.HasPrefix(f.Ask.Path, strings.TrimSuffix(m.At(), "/")+"/") || f.Ask.Path == m.At()
		if below && len(m.At()) >= len(at) {
			at, flags, field = m.At(), m.Flags, terms.Text(spec.Index(spec.MountsField, i))
		}
	}
	if flags&spec.MountNoExec == 0 {
		return ""
	}
	return terms.Plain(terms.Printable(f.Ask.Path)+" is below "+terms.Printable(at)+", which ") + "{" + field + "}" + " has mounted noexec"
}
