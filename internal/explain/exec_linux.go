//go:build amd64 || arm64

package explain

import (
	"cmp"
	"errors"
	"fmt"
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
func (f Failure) execHint() string {
	who := f.Viewer()
	switch {
	case f.Errno == unix.E2BIG:
		return f.tooBig()
	case f.Errno == unix.EAGAIN && who.Known:
		return fmt.Sprintf("user %d has more processes than its RLIMIT_NPROC allows, which is %d", who.UID, f.limitOf(unix.RLIMIT_NPROC))
	}
	if f.joins(spec.MountNamespace) {
		return "" // what the program sees is not to be seen from here
	}
	x := execution{View(f.Ask), who, f.Errno, f.capsWithin}
	if f.E.Field == "Attr.Program" {
		return f.programFDHint(x)
	}
	return x.why(f.Ask.Path, 0)
}

// stageHint is for the second stage, which is an image of the machine's in a
// memfd.
func (f Failure) stageHint() string {
	switch {
	case f.Errno == unix.ENOENT && f.E.Step == "execve":
		return "without execveat, Linux 3.19, the child needs /proc for its second stage"
	case f.Errno == unix.EACCES && strings.HasPrefix(f.E.Step, "exec"):
		return memfdText()
	}
	return ""
}

// NoImage is for an image that has no file.
func NoImage(err error) string {
	switch {
	case errors.Is(err, unix.EACCES):
		return memfdText()
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
		return NoMemfd + ", and no file without a name can be made and executed in /dev/shm, " + os.TempDir() + " or /var/tmp instead"
	}
	return ""
}

// NoData is for a file whose content is given.
func NoData(err error) string {
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		return NoMemfd + ", and nothing else cannot be written to"
	}
	return ""
}

// NoMemfd is why no memfd can be made.
const NoMemfd = "there is no memfd_create, Linux 3.17, or the seccomp filter in force denies it"

// memfdText tells of the setting that forbids to execute a memfd.
func memfdText() string {
	if level := kernel.Sysctl("vm/memfd_noexec"); level == "1" || level == "2" {
		return "vm.memfd_noexec is " + level + ", and the start has a second stage, which is executed from a memfd"
	}
	return ""
}

// programFDHint is for a program that is executed from its descriptor.
func (f Failure) programFDHint(x execution) string {
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
		return "it is a script, which its interpreter opens as /dev/fd/" + spec.Itoa(f.Executable) +
			" after that is closed: give the child the same file by Attr.Files"
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
func (x execution) why(path string, depth int) string {
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
func (x execution) whyFile(path string, file pathwalk.Readable, st *unix.Stat_t, depth int) string {
	switch x.errno {
	case unix.ETXTBSY:
		return writerOf(file.Seen, st)
	case unix.EPERM:
		return x.uncapable(path, file)
	}
	if interp := pathwalk.ScriptInterpreter(file); interp != "" {
		return x.whyNamed(interp, "the interpreter "+terms.Printable(interp)+", which the first line of "+terms.Printable(path)+" names", depth)
	}
	if x.errno == unix.ENOEXEC {
		return format(path, file, st.Size)
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
	if f.Ask.Attr.Program != nil || f.joins(spec.MountNamespace) {
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
func (x execution) whyNamed(interp, words string, depth int) string {
	w := x.Follow(interp, x.who)
	defer w.Close()
	switch {
	case x.errno == unix.ENOENT && w.Stop == unix.ENOENT && strings.HasSuffix(interp, "\r"):
		return words + ", ends in a carriage return: the file has the line ends of Windows (dos2unix removes them)"
	case x.errno == unix.ENOENT && w.Stop == unix.ENOENT:
		return words + ", does not exist" + x.Where()
	case x.errno == unix.ELIBBAD && w.Stop == 0:
		return words + ", is no ELF file for this machine"
	case w.Stop != 0 && w.Stop == x.errno && w.Why != "":
		return words + ", cannot be reached: " + w.Why
	}
	why := x.why(interp, depth+1)
	if why == "" || strings.HasPrefix(why, "the interpreter ") || strings.HasPrefix(why, "the dynamic loader ") {
		return why // which it names itself
	}
	return words + ": " + why
}

// reached tells why a walk has not come to its end.
func (x execution) reached(w *pathwalk.Walk, path string, depth int) string {
	if w.Stop == unix.ENOENT && x.errno == unix.ENOENT && depth == 0 {
		if other := x.otherPlace(path); other != "" {
			return w.Why + ": " + other
		}
	}
	return w.Reason(x.errno)
}

// otherPlace tells of a program that is where somebody may have meant it to be
// looked for.
func (x execution) otherPlace(path string) string {
	w := (pathwalk.View{}).Follow(path, pathwalk.Viewer{})
	defer w.Close()
	switch {
	case w.Stop != 0 || w.Stat().Mode&unix.S_IFMT != unix.S_IFREG:
		return ""
	case x.Root != "":
		return "the path is looked up in the new root; the old one has it"
	case x.Dir != "":
		return "a relative path begins at Dir; where this process is, it exists"
	}
	return ""
}

// notAllowed explains EACCES of a file that the walk has come to.
func (x execution) notAllowed(path string, w *pathwalk.Walk) string {
	st := w.Stat()
	var fs unix.Statfs_t
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return terms.Printable(path) + " is " + pathwalk.KindOf(st) + ", and only regular files are executed"
	case unix.Fstatfs(int(w.Last()), &fs) == nil && fs.Flags&unix.ST_NOEXEC != 0:
		return terms.Printable(path) + " is in a file system that is mounted noexec" + pathwalk.MountPoint(w.Last())
	case st.Mode&0o111 == 0:
		return "nobody may execute " + terms.Printable(path) + ", which is " + pathwalk.ModeOf(st) + ": chmod +x gives the right"
	case !x.who.May(w.Last(), st, pathwalk.ToExecute):
		return x.who.MayNot("execute", terms.Printable(path), w.Last(), st)
	}
	return ""
}

// ModulesFile lists the security modules.
const ModulesFile = "/sys/kernel/security/lsm"

// refusedByModule is for an EACCES that the modes do not explain.
func (x execution) refusedByModule() string {
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
	return "the modes of the files allow it; likely a security module does not, of which these are active: " + strings.Join(active, ", ")
}

// capsWithin are the capabilities that the child's bounding set leaves.
func (f Failure) capsWithin() uint64 {
	return CapsBefore(f.Ask)[kernel.Bounding] &^ f.Ask.Caps[kernel.Bounding].Loses()
}

// uncapable is for a file that is to have capabilities at once, and cannot.
func (x execution) uncapable(path string, file pathwalk.Readable) string {
	value := make([]byte, 24) // struct vfs_ns_cap_data
	n, err := unix.Getxattr(pathwalk.OwnPath(file.Seen), "security.capability", value)
	if err != nil || n < 20 || value[0]&1 == 0 { // VFS_CAP_FLAGS_EFFECTIVE
		return ""
	}
	word := func(at int) uint64 {
		return uint64(value[at]) | uint64(value[at+1])<<8 | uint64(value[at+2])<<16 | uint64(value[at+3])<<24
	}
	if missing := (word(4) | word(12)<<32) &^ x.bounding(); missing != 0 {
		return terms.Printable(path) + " has " + spec.OneCap(missing) + " as a file capability, which is not in the child's bounding set: the kernel gives a program all of those or does not execute it"
	}
	return ""
}

// tooBig says what is too big: the arguments, the environment or a string of them.
func (f Failure) tooBig() string {
	page := os.Getpagesize()
	for _, list := range []struct {
		name    string
		strings []string
	}{{"Args", f.Ask.Argv}, {"Env", f.Ask.Env}} {
		for i, s := range list.strings {
			if len(s) >= 32*page { // MAX_ARG_STRLEN
				return fmt.Sprintf("%s has %d bytes, and one string can have %d", spec.Index(list.name, i), len(s), 32*page-1)
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
	return fmt.Sprintf("the arguments take %d bytes and the environment %d, pointers included; together they can take %d, %s", args, vars, most, because)
}

func stringsSize(list []string) (n int) {
	for _, s := range list {
		n += len(s) + 1 + 8
	}
	return n
}
