//go:build amd64 || arm64

package compile

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// takeProc makes a proc file system, or what there is to be where the kernel refuses one.
// It has to come while the caller's is attached in the namespace: the kernel looks
// whether the new one would show more than that.
func (v *viewer) takeProc(t *taken) {
	const usual = spec.MountNoSUID | spec.MountNoDev | spec.MountNoExec
	var options []option
	if hide := t.Proc.Hide; hide != spec.ProcHideDefault {
		options = append(options, option{key: "hidepid", value: [...]string{spec.ProcHideContents: "1", spec.ProcHideProcesses: "2", spec.ProcHidePtraceable: "4"}[hide]})
	}
	if t.Proc.PIDsOnly {
		options = append(options, option{key: "subset", value: "pid"})
	}
	attr := attributes(t.flagsOf(usual))
	if t.Proc.Fallback == spec.ProcRefuse || v.old != nil {
		t.fd = v.newFileSystem(t.field, "proc", attr, options...)
		return
	}
	p, refused, done := v.p, v.p.Ahead(), v.p.Ahead()
	t.fd = p.Variable(none)
	mount := v.tryFileSystem(t.field, "proc", attr, &refused, options...)
	p.StepOf(mount).Into(t.fd)
	p.GotoIf(t.field, v.always(), Num(0), &done).Quiet = true
	refused.Place()
	v.closeContext(t.field, p.Value(t.field, v.context))
	v.tell(t, FellBack)
	if t.Proc.Fallback == spec.ProcEmpty {
		empty := v.newFileSystem(t.field, "tmpfs", attributes(usual|spec.MountReadOnly), option{key: "mode", value: "0555"})
		p.StepOf(empty).Into(t.fd)
	} else {
		tree := v.clonePath(t.field, "/proc", atRecursive, nil)
		p.StepOf(tree).Into(t.fd)
		// What masks a file there is a device, which nodev would make an error of.
		v.seal(t.field, tree, usual&^spec.MountNoDev|spec.MountReadOnly, 0, atRecursive, t.Propagation)
	}
	done.Place()
}

// takeKernel makes one of the kernel's own file systems, of the namespaces that the child is in.
func (v *viewer) takeKernel(t *taken) {
	const quiet = spec.MountNoSUID | spec.MountNoDev | spec.MountNoExec
	switch t.Kernel {
	case spec.KernelSysfs:
		t.fd = v.newFileSystem(t.field, "sysfs", attributes(t.flagsOf(quiet|spec.MountReadOnly)))
	case spec.KernelMqueue:
		t.fd = v.newFileSystem(t.field, "mqueue", attributes(t.flagsOf(quiet)))
	case spec.KernelCgroup2:
		t.fd = v.newFileSystem(t.field, "cgroup2", attributes(t.flagsOf(quiet|spec.MountReadOnly)))
	case spec.KernelDevpts:
		t.fd = v.newTerminals(t.field, t.flagsOf(spec.MountNoSUID|spec.MountNoExec))
	}
}

// newTerminals makes an instance of devpts, which is one of its own on every kernel since 4.7.
// It says nothing of a group, which a user namespace may not have.
func (v *viewer) newTerminals(field string, flags spec.MountFlags) program.Arg {
	return v.newFileSystem(field, "devpts", attributes(flags), option{key: "newinstance"}, option{key: "ptmxmode", value: "0666"}, option{key: "mode", value: "0620"})
}

// usualNodes are the devices of a Dev that names none.
var usualNodes = []string{"null", "zero", "full", "random", "urandom", "tty"}

// devLinks are the links of a Dev.
var devLinks = [...]struct{ name, text string }{
	{"fd", "/proc/self/fd"}, {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"}, {"stderr", "/proc/self/fd/2"}, {"core", "/proc/kcore"},
}

// takeDev makes an empty /dev and takes what goes into it.
func (v *viewer) takeDev(t *taken) {
	flags := t.flagsOf(spec.MountNoSUID | spec.MountNoDev)
	if flags&spec.MountReadOnly != 0 {
		flags, t.late, t.stays = flags&^spec.MountReadOnly, spec.MountReadOnly, true
	}
	t.fd = v.newFileSystem(t.field, "tmpfs", attributes(flags), option{key: "mode", value: "0755"})
	nodes := t.Dev.Nodes
	if nodes == nil {
		nodes = usualNodes
	}
	for _, name := range nodes {
		t.parts = append(t.parts, part{name, v.clonePath(t.field, "/dev/"+name, 0, nil)})
	}
	if !t.Dev.NoPTS {
		t.parts = append(t.parts, part{terminals, v.newTerminals(t.field, spec.MountNoSUID|spec.MountNoExec)})
	}
	if t.Dev.Console != nil || t.Dev.ConsolePTY {
		t.parts = append(t.parts, part{"console", v.takeConsole(t)})
	}
}

const terminals = "pts"

// fill puts into a Dev what goes there. Nobody else is in it, so that no name in it is a link.
func (v *viewer) fill(t *taken) {
	p, dev := v.p, v.fdOf(t)
	for _, one := range t.parts {
		if one.name == terminals {
			v.add(t.field, program.Mkdirat, dev, p.Str(one.name), Num(0o755))
			v.add(t.field, program.Symlinkat, p.Str("pts/ptmx"), dev, p.Str("ptmx"))
		} else {
			v.add(t.field, program.Mknodat, dev, p.Str(one.name), Num(modeRegular|0o444), Num(0))
		}
		if v.old != nil {
			at := v.openIn(t.field, dev, one.name)
			v.close(t.field, v.argOf(t.field, v.put(t.field, one.fd, unix.MS_BIND, 0, 0, at)))
			v.close(t.field, at)
		} else {
			v.add(t.field, program.MoveMount, one.fd, p.Str(""), dev, p.Str(one.name), Num(fromDescriptor))
		}
		if one.fd.Kind != notMounted {
			v.close(t.field, one.fd)
		}
	}
	for _, l := range devLinks {
		v.add(t.field, program.Symlinkat, p.Str(l.text), dev, p.Str(l.name))
	}
	v.add(t.field, program.Mkdirat, dev, p.Str("shm"), Num(0o1777))
}

// dev notes what is in a Dev.
func (t *tree) dev(at string, d *taken) {
	for _, l := range devLinks {
		t.link(at+"/"+l.name, l.text)
	}
	for _, one := range d.parts {
		t.mount(at+"/"+one.name, foreign, program.Arg{}, nil)
	}
	if !d.Dev.NoPTS {
		t.link(at+"/ptmx", "pts/ptmx")
	}
	t.add(at + "/shm")
}

// settings are the parts of a proc file system through which root could change the machine.
var settings = [...]string{"sys", "sysrq-trigger", "irq", "bus"}

// protect makes these read-only, where the program could have the id that they belong to.
func (v *viewer) protect(t *taken) {
	if t.Proc.Writable || t.Proc.PIDsOnly || !v.ask.MapsHostRoot() {
		return
	}
	p := v.p
	for _, name := range settings {
		missing := p.Ahead()
		if v.old != nil {
			v.oldProtect(t, name, &missing)
			missing.Place()
			continue
		}
		at := v.openIn(t.field, v.fdOf(t), name)
		p.StepOf(at).On(uint32(unix.ENOENT), &missing)
		v.add(t.field, program.OpenTree, at, p.Str(""), Num(openTreeClone|emptyPath|atRecursive))
		tree := p.Result()
		v.setFlags(t.field, tree, spec.MountReadOnly, 0, atRecursive)
		v.add(t.field, program.MoveMount, tree, p.Str(""), at, p.Str(""), Num(fromDescriptor|toDescriptor))
		v.close(t.field, tree)
		v.close(t.field, at)
		missing.Place()
	}
}

// takeOverlay makes a union of directories.
func (v *viewer) takeOverlay(t *taken) {
	o := t.Overlay
	var options []option
	switch {
	case o.Private: // first: their names begin where the child is, which a long path of a layer changes
		upper, work := v.hiddenDir(t.field, 0o755), v.hiddenDir(t.field, 0o755)
		options = append(options, option{key: "upperdir", value: upper}, option{key: "workdir", value: work})
	case o.Upper != "":
		options = append(options, layer("upperdir", o.Upper), layer("workdir", o.Work))
	}
	if v.given.Lacks.Has(kernel.NoLowerdirPlus) {
		options = append(options, option{key: "lowerdir", value: lowerdirs(o.Lower)})
	} else {
		for _, dir := range o.Lower {
			options = append(options, layer("lowerdir+", dir))
		}
	}
	if o.UserXattrs || v.ask.NewUserNamespace() {
		options = append(options, option{key: "userxattr"})
	}
	if flags := t.flagsOf(0); flags&spec.MountReadOnly != 0 && (v.isRoot(t) || v.isMountedBelow(t)) {
		t.late, t.stays = spec.MountReadOnly, true
	}
	missing := v.p.Ahead()
	if t.Optional {
		v.lookFor(t, &missing)
	}
	back := v.staysHere(t, options)
	t.fd = v.newFileSystem(t.field, "overlay", attributes(t.flagsOf(0)&^t.late), options...)
	back()
	v.leftOut(t, &missing)
}

// layer is the option for a directory of an overlay. The kernel takes no longer values; it takes backslashes
// away where it used to have several paths in one value.
func layer(key, dir string) option {
	value := dir
	if key != "lowerdir+" {
		value = strings.ReplaceAll(dir, `\`, `\\`)
	}
	if len(value) > longestValue {
		return option{key: key, value: ".", in: dir}
	}
	return option{key: key, value: value}
}

const longestValue = 255

// staysHere has the child return to the directory that it is in after it has gone through those of the options.
func (v *viewer) staysHere(t *taken, options []option) (back func()) {
	if v.old != nil || !slices.ContainsFunc(options, func(o option) bool { return o.in != "" }) {
		return func() {}
	}
	v.add(t.field, program.Openat, Num(unix.AT_FDCWD), v.p.Str("."), Num(pathOnlyCloexec), Num(0)).Quiet = true
	here := v.p.Result()
	return func() {
		v.add(t.field, program.Fchdir, here).Quiet = true
		v.close(t.field, here)
	}
}

// lookFor goes on with the target if a directory of an overlay does not exist.
func (v *viewer) lookFor(t *taken, missing *program.Target) {
	p := v.p
	t.missing = p.Variable(none)
	for _, dir := range append([]string{t.Overlay.Upper, t.Overlay.Work}, t.Overlay.Lower...) {
		if dir == "" {
			continue
		}
		v.add(t.field, program.Statx, Num(unix.AT_FDCWD), p.Str(dir), Num(0), Num(unix.STATX_TYPE), v.stat).
			On(uint32(unix.ENOENT), missing).On(uint32(unix.ENOTDIR), missing)
	}
	p.Copy(t.field, v.always(), t.missing)
}

// lowerdirs is the option of kernels that take all layers at once, with colons between.
func lowerdirs(list []string) (text string) {
	for i, dir := range list {
		if i > 0 {
			text += ":"
		}
		for _, c := range []byte(dir) {
			if c == ':' || c == '\\' {
				text += `\`
			}
			text += string(c)
		}
	}
	return text
}
