//go:build amd64 || arm64

package explain

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
)

// execHint explains the errors of execve, of which each has many reasons.
func (f Failure) execHint() terms.Text {
	who := f.Viewer()
	switch {
	case f.Errno == unix.E2BIG:
		return f.tooBig()
	case f.Errno == unix.EAGAIN && who.Known:
		return terms.Sprintf("user %s has more processes than its RLIMIT_NPROC allows, which is %s", who.UID, f.limitOf(unix.RLIMIT_NPROC))
	}
	if f.joins(spec.MountNamespace) {
		return "" // what the program sees is not to be seen from here
	}
	if (f.Ask.HasView() || f.Ask.Attr.LookPath) && f.E.Field != "Attr.Program" {
		return f.viewedProgramHint()
	}
	x := execution{View(f.Ask), who, f.Errno, f.capsWithin}
	if f.E.Field == "Attr.Program" {
		return f.programFDHint(x)
	}
	return x.why(f.Ask.Path, 0)
}

// stageHint is for the second stage, which is an image of the machine's in a
// memfd.
func (f Failure) stageHint() terms.Text {
	switch {
	case f.Errno == unix.ENOENT && f.E.Step == "execve":
		return "without execveat, Linux 3.19, the child needs /proc for its second stage"
	case f.Errno == unix.EACCES && strings.HasPrefix(f.E.Step, "exec"):
		return memfdText()
	}
	return ""
}

// NoImage is for an image that has no file.
func NoImage(err error) terms.Text {
	switch {
	case errors.Is(err, unix.EACCES):
		return memfdText()
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
		return terms.Sprintf("%s, and no file without a name can be made and executed in /dev/shm, %s or /var/tmp instead", noMemfd, os.TempDir())
	}
	return ""
}

// NoData is for a file whose content is given.
func NoData(err error) terms.Text {
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return terms.Sprintf("%s, and nothing else cannot be written to", noMemfd)
	}
	return ""
}

// noMemfd is why no memfd can be made.
const noMemfd = "there is no memfd_create, Linux 3.17, or the seccomp filter in force denies it"

// memfdText tells of the setting that forbids to execute a memfd.
func memfdText() terms.Text {
	if level := kernel.Sysctl("vm/memfd_noexec"); level == "1" || level == "2" {
		return terms.Sprintf("vm.memfd_noexec is %s, and the start has a second stage, which is executed from a memfd", level)
	}
	return ""
}

// programFDHint is for a program that is executed from its descriptor.
func (f Failure) programFDHint(x execution) terms.Text {
	w := &pathwalk.Walk{View: x.View, Who: x.who, Fds: []pathwalk.Seen{pathwalk.Seen(f.ProgramFD)}} // which is the caller's to close
	path := cmp.Or(pathwalk.RealPath(f.ProgramFD), f.Ask.Path)                                      // which may be no more than a name
	if f.Errno == unix.EACCES {
		if why := x.notAllowed(path, w); why != "" {
			return why
		}
	}
	file, err := w.Read()
	if err != nil {
		return ""
	}
	defer file.Close()
	switch {
	case f.Errno == unix.ENOENT && pathwalk.ScriptInterpreter(file) != "" && f.Ask.FileAt(f.Executable) < 0:
		return terms.Sprintf("it is a script, which its interpreter opens as /dev/fd/%s after that is closed: "+
			"give the child the same file by {Attr.Files|Attr.Files.File}", f.Executable)
	case f.Errno == unix.ENOENT && f.Lacks.Has(kernel.NoExecveat):
		return "without execveat, Linux 3.19, the child needs /proc"
	}
	return x.whyFile(path, file, w.Stat(), 0)
}

// An execution is the kernel's search for what executes a program.
type execution struct {
	pathwalk.View
	who      pathwalk.Viewer
	errno    unix.Errno
	bounding func() uint64 // the capabilities that the process can get
}

// scriptsDeep is the kernel's limit for scripts run by scripts.
const scriptsDeep = 5

// why tells why the program at a path is not executed, or the one that
// executes that one.
func (x execution) why(path string, depth int) terms.Text {
	w := x.Follow(path, x.who)
	defer w.Close()
	switch {
	case w.Stop != 0:
		return x.reached(w, path, depth)
	case depth > scriptsDeep:
		if x.errno == unix.ELOOP {
			return "interpreters can be scripts themselves, but only five deep"
		}
		return ""
	}
	if x.errno == unix.EACCES {
		if why := x.notAllowed(path, w); why != "" {
			return why
		}
	}
	file, err := w.Read()
	if err != nil {
		return x.refusedByModule()
	}
	defer file.Close()
	return x.whyFile(path, file, w.Stat(), depth)
}

// whyFile is why for a file that is open.
func (x execution) whyFile(path string, file pathwalk.Readable, st *unix.Stat_t, depth int) terms.Text {
	switch x.errno {
	case unix.ETXTBSY:
		return terms.Plain(writerOf(file.Seen, st))
	case unix.EPERM:
		return x.uncapable(path, file)
	}
	if interp := pathwalk.ScriptInterpreter(file); interp != "" {
		return x.whyNamed(interp, "the interpreter "+terms.Printable(interp)+", which the first line of "+terms.Printable(path)+" names", depth)
	}
	if x.errno == unix.ENOEXEC {
		return terms.Plain(format(path, file, st.Size))
	}
	if interp := pathwalk.ELFInterpreter(file); interp != "" {
		return x.whyNamed(interp, "the dynamic loader "+terms.Printable(interp)+", which the ELF file "+terms.Printable(path)+" names", depth)
	}
	return x.refusedByModule()
}

// LooksExecutable reports whether nothing is to be seen that would keep the
// program from being executed. It spares an Exec, which is going to succeed, to
// look for each reason in turn.
func (f Failure) LooksExecutable() bool {
	if f.Ask.Attr.Program != nil || f.joins(spec.MountNamespace) || f.Ask.HasView() || f.Ask.Attr.LookPath {
		return false
	}
	x := execution{View: View(f.Ask), who: f.Viewer()}
	return x.fine(f.Ask.Path, 0)
}

func (x execution) fine(path string, depth int) bool {
	w := x.Follow(path, x.who)
	defer w.Close()
	if w.Stop != 0 || depth > scriptsDeep || x.notAllowed(path, w) != "" {
		return false
	}
	file, err := w.Read()
	if err != nil {
		return false
	}
	defer file.Close()
	if interp := pathwalk.ScriptInterpreter(file); interp != "" {
		return x.fine(interp, depth+1)
	}
	if _, err := unix.Getxattr(pathwalk.OwnPath(file.Seen), "security.capability", nil); err == nil || !ownProgram(file, w.Stat().Size) {
		return false
	}
	interp := pathwalk.ELFInterpreter(file)
	if interp == "" {
		return true
	}
	loader, err := x.View.Open(interp)
	if err != nil {
		return false
	}
	defer loader.Close()
	return ownProgram(loader, 1<<62)
}

// whyNamed goes on with what a file names to execute it.
func (x execution) whyNamed(interp, words string, depth int) terms.Text {
	w := x.Follow(interp, x.who)
	defer w.Close()
	switch {
	case x.errno == unix.ENOENT && w.Stop == unix.ENOENT && strings.HasSuffix(interp, "\r"):
		return terms.Sprintf("%s, ends in a carriage return: the file has the line ends of Windows (dos2unix removes them)", words)
	case x.errno == unix.ENOENT && w.Stop == unix.ENOENT:
		return terms.Sprintf("%s, does not exist%s", words, x.Where())
	case x.errno == unix.ELIBBAD && w.Stop == 0:
		return terms.Sprintf("%s, is no ELF file for this machine", words)
	case w.Stop != 0 && w.Stop == x.errno && w.Why != "":
		return terms.Sprintf("%s, cannot be reached: %s", words, w.Why)
	}
	why := x.why(interp, depth+1)
	if why == "" || strings.HasPrefix(string(why), "the interpreter ") || strings.HasPrefix(string(why), "the dynamic loader ") {
		return why // which it names itself
	}
	return terms.Sprintf("%s: %s", words, why)
}

// reached tells why a walk has not come to its end.
func (x execution) reached(w *pathwalk.Walk, path string, depth int) terms.Text {
	if w.Stop == unix.ENOENT && x.errno == unix.ENOENT && depth == 0 {
		if other := x.otherPlace(path); other != "" {
			return terms.Sprintf("%s: %s", w.Why, other)
		}
	}
	return terms.Plain(w.Reason(x.errno))
}

// otherPlace tells of a program that is where somebody may have meant it to be
// looked for.
func (x execution) otherPlace(path string) terms.Text {
	w := (pathwalk.View{}).Follow(path, pathwalk.Viewer{})
	defer w.Close()
	switch {
	case w.Stop != 0 || w.Stat().Mode&unix.S_IFMT != unix.S_IFREG:
		return ""
	case x.Root != "":
		return "the path is looked up in the new root; the old one has it"
	case x.Dir != "":
		return "a relative path begins at {Dir}; where this process is, it exists"
	}
	return ""
}

// notAllowed explains EACCES of a file that the walk has come to.
func (x execution) notAllowed(path string, w *pathwalk.Walk) terms.Text {
	st := w.Stat()
	var fs unix.Statfs_t
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return terms.Sprintf("%s is %s, and only regular files are executed", terms.Printable(path), pathwalk.KindOf(st))
	case unix.Fstatfs(int(w.Last()), &fs) == nil && fs.Flags&unix.ST_NOEXEC != 0:
		return terms.Sprintf("%s is in a file system that is mounted noexec%s", terms.Printable(path), pathwalk.MountPoint(w.Last()))
	case st.Mode&0o111 == 0:
		return terms.Sprintf("nobody may execute %s, which is %s: chmod +x gives the right", terms.Printable(path), pathwalk.ModeOf(st))
	case !x.who.May(w.Last(), st, pathwalk.ToExecute):
		return terms.Plain(x.who.MayNot("execute", terms.Printable(path), w.Last(), st))
	}
	return ""
}

// ModulesFile lists the security modules.
const ModulesFile = "/sys/kernel/security/lsm"

// refusedByModule is for an EACCES that the modes do not explain.
func (x execution) refusedByModule() terms.Text {
	if x.errno != unix.EACCES || !x.who.Known {
		return ""
	}
	list, _ := kernel.Read(ModulesFile)
	var active []string
	for _, module := range strings.Split(strings.TrimSpace(list), ",") {
		if slices.Contains([]string{"apparmor", "selinux", "smack", "tomoyo", "ipe", "bpf", "landlock"}, module) {
			active = append(active, module)
		}
	}
	if len(active) == 0 {
		return ""
	}
	return terms.Sprintf("the modes of the files allow it; likely a security module does not, of which these are active: %s", strings.Join(active, ", "))
}

// capsWithin are the capabilities that the child's bounding set leaves.
func (f Failure) capsWithin() uint64 {
	return CapsBefore(f.Ask)[kernel.Bounding] &^ f.Ask.Caps[kernel.Bounding].Loses()
}

// uncapable is for a file that is to have capabilities at once, and cannot.
func (x execution) uncapable(path string, file pathwalk.Readable) terms.Text {
	value := make([]byte, 24) // struct vfs_ns_cap_data
	n, err := unix.Getxattr(pathwalk.OwnPath(file.Seen), "security.capability", value)
	if err != nil || n < 20 || value[0]&1 == 0 { // VFS_CAP_FLAGS_EFFECTIVE
		return ""
	}
	word := func(at int) uint64 {
		return uint64(value[at]) | uint64(value[at+1])<<8 | uint64(value[at+2])<<16 | uint64(value[at+3])<<24
	}
	if missing := (word(4) | word(12)<<32) &^ x.bounding(); missing != 0 {
		return terms.Sprintf("%s has %s as a file capability, which is not in the child's bounding set: the kernel gives a program all of those or does not execute it", terms.Printable(path), spec.OneCap(missing))
	}
	return ""
}

// tooBig says what is too big: the arguments, the environment or a string of them.
func (f Failure) tooBig() terms.Text {
	page := os.Getpagesize()
	for _, list := range []struct {
		name    string
		strings []string
	}{{"Args", f.Ask.Argv}, {"Env", f.Ask.Env}} {
		for i, s := range list.strings {
			if len(s) >= 32*page { // MAX_ARG_STRLEN
				return terms.Sprintf("%s has %s bytes, and one string can have %s", terms.Field(spec.Index(list.name, i)), len(s), 32*page-1)
			}
		}
	}
	args, vars := stringsSize(f.Ask.Argv), stringsSize(f.Ask.Env)
	stack := f.limitOf(unix.RLIMIT_STACK)
	most := max(min(stack/4, 6<<20), 128<<10) // bprm_stack_limits in fs/exec.c
	if uint64(args+vars) <= most {
		return ""
	}
	because := "which is the most that the kernel takes"
	if most == stack/4 {
		because = "a quarter of the soft RLIMIT_STACK, " + limitText(stack)
	}
	return terms.Sprintf("the arguments take %s bytes and the environment %s, pointers included; together they can take %s, %s", args, vars, most, because)
}

func stringsSize(list []string) (n int) {
	for _, s := range list {
		n += len(s) + 1 + 8
	}
	return n
}
