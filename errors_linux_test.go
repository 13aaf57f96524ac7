//go:build amd64 || arm64

package sprog

import (
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/explain"
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
)

// The launches that docs/errors.md lists. Each is made for real, by this
// package and by os/exec, in a process of its own: as root in a mount namespace
// of its own if the tests run as root, and after that as an ordinary user if the launch is
// to be that of one.

// A failing is a launch that fails.
type failing struct {
	asked string // what was asked for, in a phrase
	by    maker
	needs []*requirement

	// world completes the command of the process that makes the launch.
	world func(*Cmd)
	// make prepares what the launch needs, as root if the launch needs that,
	// and returns the command.
	make func(x *scene) *Cmd

	want string // what this package says; see wanted
}

// A maker is who makes a launch.
type maker int

const (
	anybody  maker = iota
	ordinary       // user 65534
	byRoot
	prepared // user 65534, in what root has prepared
)

func (m maker) requires() []*requirement {
	switch m {
	case byRoot, prepared:
		return []*requirement{asRoot}
	case ordinary:
		return []*requirement{asRootOrNobody}
	}
	return nil
}

var asRootOrNobody = &requirement{what: "root, or the user 65534", works: func() error {
	if uid := os.Geteuid(); uid != 0 && (uid != 65534 || os.Getegid() != 65534) {
		return syscall.EPERM
	}
	return nil
}}

// A theme is a section of docs/errors.md.
type theme struct {
	title    string
	failings []failing
}

var themes = []theme{
	{"The program", failingPrograms},
	{"Paths", failingPaths},
	{"Directories and files", failingFiles},
	{"Users, capabilities and limits", failingRights},
	{"Namespaces", failingNamespaces},
	{"Id maps", failingMaps},
	{"The view of the file system", failingViews},
	{"Joined namespaces and what is set inside", failingJoins},
	{"Sockets in the program's network", failingSockets},
	{"Sessions and terminals", failingSessions},
	{"Cgroups and filters", failingFilters},
	{"What no kernel could do", failingRequests},
}

// A scene is where a launch is made.
type scene struct {
	dir string // everybody may come in
}

// A heard is what was said about a launch.
type heard struct {
	Sprog, OsExec string
	Leaks         []string
}

const noField = "not available: os/exec has no field for it"

// TestErrors makes all launches, and compares what was said with the table and
// with docs/errors.md. With -update it rewrites that.
func TestErrors(t *testing.T) {
	seen := readErrors(t)
	for _, older := range onOlder {
		for asked := range older.said {
			if failingCalled(asked) == nil {
				t.Errorf("nothing is asked for as %q", asked)
			}
		}
	}
	for _, theme := range themes {
		for _, f := range theme.failings {
			t.Run(f.asked, func(t *testing.T) { f.test(t, seen) })
		}
	}
	checkErrors(t, seen)
}

func (f *failing) test(t *testing.T, seen map[string]heard) {
	requires(t, append(f.by.requires(), f.needs...)...)
	got := f.launch(t)
	if want := f.wanted(); got.Sprog != want {
		t.Errorf("sprog says %s\nwant       %s", got.Sprog, want)
	}
	if len(got.Leaks) > 0 {
		t.Errorf("left behind: %q", got.Leaks)
	}
	if old := seen[f.asked].OsExec; got.OsExec != old && !*update {
		t.Errorf("os/exec says %s\nin docs/errors.md it says %s", got.OsExec, old)
	}
	seen[f.asked] = got
}

// launch has a process of its own make the launch.
func (f *failing) launch(t *testing.T) (got heard) {
	x := f.scene(t)
	out := x.told(outputOf(t, f.helper("launch", x)))
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return got
}

// scene makes the directory of a launch.
func (f *failing) scene(t *testing.T) *scene {
	dir, err := os.MkdirTemp("", "x")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return &scene{dir: dir}
}

// helper is the process that makes the launch.
func (f *failing) helper(name string, x *scene) *Cmd {
	c := helperCommand(name, f.asked, x.dir)
	c.SysProcAttr, c.Attr = new(syscall.SysProcAttr), new(Attr)
	if os.Geteuid() == 0 {
		c.SysProcAttr.Unshareflags = unix.CLONE_NEWNS
	}
	if f.world != nil {
		f.world(c)
	}
	return c
}

// told is what was told, as it is on every machine.
func (x *scene) told(text string) string {
	text = strings.ReplaceAll(text, x.dir, "/tmp/x")
	text = regexp.MustCompile("/proc/[0-9]+").ReplaceAllString(text, "/proc/PID")
	text = regexp.MustCompile("sprog-test-[0-9-]+").ReplaceAllString(text, "sprog-x")
	text = regexp.MustCompile("user 20[0-9]{6}").ReplaceAllString(text, "user 1000")
	text = strings.ReplaceAll(text, "this machine is "+map[string]string{"amd64": "x86-64", "arm64": "arm64"}[runtime.GOARCH], "this machine is x86-64")
	if mount := cgroup2Mount(); mount != "" {
		text = strings.ReplaceAll(text, mount, "/sys/fs/cgroup")
	}
	return text
}

// launch ASKED DIR: make a launch, and print what was said.
var _ = helper("launch", func(args []string) int {
	json.NewEncoder(os.Stdout).Encode(failingCalled(args[0]).say(&scene{dir: args[1]}))
	return 0
})

func failingCalled(asked string) *failing {
	for _, theme := range allThemes() {
		for i := range theme.failings {
			if theme.failings[i].asked == asked {
				return &theme.failings[i]
			}
		}
	}
	return nil
}

// allThemes breaks the circle of the table and the helper that looks into it.
func allThemes() []theme { return themesOf() }

var themesOf func() []theme

func init() { themesOf = func() []theme { return themes } }

// say makes the launch both ways.
func (f *failing) say(x *scene) (got heard) {
	c := f.prepare(x)
	got.OsExec = noField
	if c.Attr == nil {
		got.OsExec = oneLine(execOf(c).Run())
	}
	before := snapshotWhereProc()
	got.Sprog = oneLine(c.Run())
	got.Leaks = leaksSince(before)
	if lateRemoval != "" {
		must(os.Remove(lateRemoval))
	}
	return got
}

// prepare makes what the launch needs, and becomes who makes it.
func (f *failing) prepare(x *scene) *Cmd {
	syscall.Umask(0)
	c := f.make(x)
	if (f.by == ordinary || f.by == prepared) && os.Geteuid() == 0 {
		must(syscall.Setgroups(nil))
		must(syscall.Setgid(65534))
		must(syscall.Setuid(65534))
		must(unix.Prctl(unix.PR_SET_DUMPABLE, 1, 0, 0, 0)) // as a program that the user has started
	}
	return c
}

func oneLine(err error) string {
	if err == nil {
		return "nothing: it starts the program"
	}
	var ended *ExitError
	if errors.As(err, &ended) {
		return "nothing of the start; Wait says: " + err.Error()
	}
	return err.Error()
}

// snapshotWhereProc is nil where the launch is made in a root without /proc.
func snapshotWhereProc() *resources {
	if !exists("/proc/self/fd") {
		return nil
	}
	r := snapshot()
	return &r
}

func leaksSince(r *resources) []string {
	if r == nil {
		return nil
	}
	return r.leaks()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// Write makes a file in the scene, with the mode as it is given.
func (x *scene) write(name string, mode os.FileMode, content string) string {
	path := x.dir + "/" + name
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC, uint32(mode)) // not by way of the network poller
	must(err)
	_, err = unix.Write(fd, []byte(content))
	must(err)
	must(unix.Close(fd))
	return path
}

func (x *scene) mkdir(name string, mode os.FileMode) string {
	path := x.dir + "/" + name
	must(os.Mkdir(path, mode))
	return path
}

// mount makes an empty file system in the scene.
func (x *scene) mount(name string, flags uintptr) string {
	path := x.mkdir(name, 0o755)
	must(unix.Mount("none", path, "tmpfs", flags, "mode=755"))
	return path
}

// elfFile is an ELF file for a machine, with one program header.
func elfFile(order binary.ByteOrder, kind elf.Type, machine elf.Machine, header elfHeader, rest string) string {
	b := make([]byte, 64+56)
	copy(b, "\x7fELF\x02\x01\x01")
	if order == binary.BigEndian {
		b[5] = 2
	}
	order.PutUint16(b[16:], uint16(kind))
	order.PutUint16(b[18:], uint16(machine))
	order.PutUint32(b[20:], 1)
	order.PutUint64(b[24:], 0x400000) // e_entry
	order.PutUint64(b[32:], 64)       // e_phoff
	order.PutUint16(b[52:], 64)
	order.PutUint16(b[54:], 56)
	order.PutUint16(b[56:], 1)
	order.PutUint32(b[64:], header.kind)
	order.PutUint32(b[68:], 5) // readable and executable
	order.PutUint64(b[72:], header.offset)
	order.PutUint64(b[80:], header.address)
	order.PutUint64(b[96:], header.size)
	order.PutUint64(b[104:], header.size)
	order.PutUint64(b[112:], 1)
	return string(b) + rest
}

type elfHeader struct {
	kind                  uint32
	offset, address, size uint64
}

// ownMachine is the e_machine of programs for this one.
func ownMachine() elf.Machine {
	return map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[runtime.GOARCH]
}

// dynamic is an ELF file for this machine that names a dynamic loader.
func dynamic(loader string) string {
	return elfFile(binary.LittleEndian, elf.ET_DYN, ownMachine(), elfHeader{kind: 3, offset: 120, size: uint64(len(loader) + 1)}, loader+"\x00")
}

func simple(c Cmd) func(*scene) *Cmd {
	return func(*scene) *Cmd {
		if c.Path == "" {
			c.Path = "/bin/true"
		}
		return &c
	}
}

// sys and attr are commands with attributes.
func sysOf(sys *syscall.SysProcAttr) func(*scene) *Cmd { return simple(Cmd{SysProcAttr: sys}) }
func attrOf(attr *Attr) func(*scene) *Cmd              { return simple(Cmd{Attr: attr}) }

// content is a command that executes a file with this content.
func content(text string) func(*scene) *Cmd {
	return func(x *scene) *Cmd { return &Cmd{Path: x.write("program", 0o755, text)} }
}

const errorsFile = "docs/errors.md"

const errorsHead = `# What sprog says when a start fails

Starts that fail, and what os/exec and sprog say about them. Each one is real: a test makes them all, compares the errors with this page, and
rewrites it with ` + "`go test -run TestErrors . -update`" + `. The page shows the directory of the files as /tmp/x. The
ordinary user has the id 65534.

The form is ` + "`sprog: start PROGRAM: STEP OBJECT (FIELD): ERRNO (REASON)`" + `. sprog looks for the reason in the last parentheses after the failure, in the
child's root and with its ids. Where it has not seen the reason but thinks it likely, it says so. In Go the parts are the fields of ` + "`sprog.StartError`" + `,
which unwraps to the errno; the command names the flag instead of the field.
`

// readErrors reads what docs/errors.md says.
func readErrors(t *testing.T) map[string]heard {
	seen := map[string]heard{}
	text, err := os.ReadFile(errorsFile)
	if os.IsNotExist(err) && *update {
		return seen
	}
	if err != nil {
		t.Fatal(err)
	}
	for block := range strings.SplitSeq(string(text), "\n**") {
		asked, rest, ok := strings.Cut(block, "**\n")
		lines := strings.Split(rest, "\n")
		if !ok || len(lines) < 3 {
			continue
		}
		seen[asked] = heard{OsExec: uncode(lines[1], "- os/exec: "), Sprog: uncode(lines[2], "- sprog: ")}
	}
	return seen
}

// checkErrors compares the page with what was seen, and for launches that
// cannot be made here with what it said.
func checkErrors(t *testing.T, seen map[string]heard) {
	var page strings.Builder
	page.WriteString(errorsHead)
	for _, theme := range themes {
		page.WriteString("\n## " + theme.title + "\n")
		for _, f := range theme.failings {
			page.WriteString("\n**" + f.asked + "**\n\n- os/exec: " + code(seen[f.asked].OsExec) + "\n- sprog: " + code(f.want) + "\n")
		}
	}
	if *update {
		if err := os.WriteFile(errorsFile, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(errorsFile)
	if err != nil || string(text) != page.String() {
		t.Errorf("%s is not what this test would write: -update rewrites it (%v)", errorsFile, err)
	}
}

// code is a line as code, which may have backquotes in it.
func code(s string) string {
	if s == noField {
		return s
	}
	if strings.Contains(s, "`") {
		return "`` " + s + " ``"
	}
	return "`" + s + "`"
}

func uncode(line, before string) string {
	s := strings.TrimPrefix(line, before)
	if inner, ok := strings.CutPrefix(s, "`` "); ok {
		return strings.TrimSuffix(inner, " ``")
	}
	return strings.Trim(s, "`")
}

// Every origin of a step has its reasons, or is listed as one whose errnos say all, and
// there are no others.
func TestOriginsHaveReasons(t *testing.T) {
	seen := map[program.Origin]string{
		program.OfBirth:   "clone3 of the parent",
		"Attr.Cgroup":     "write, where the kernel lacks CLONE_INTO_CGROUP",
		"Attr.InheritAll": "fcntl, where something is open that stays",
	}
	note := func(first, second *program.Program) {
		for _, p := range []*program.Program{first, second} {
			for i := 0; p != nil && i < p.Len(); i++ {
				seen[p.Origin(i)] = p.Steps[i].Call.String() + " for " + p.Steps[i].Field
			}
		}
	}
	plan := func(r *spec.Start, refused error) {
		if refused == nil {
			launch.Plan(r, launch.Options{Inspect: note})
		}
	}
	startedPlainly(t)
	mayAdministerAs(t, true)
	exeIsSafeAs(t, true)
	clonesTreesAs(t, true)
	standingAs(t, compile.Standing{Root: true, Capable: true, Guarded: true})
	for _, test := range allPlans(t) {
		var child, self spec.Start
		plan(&child, planned(test.prepare).translate(&child, spec.FD))
		plan(&self, planned(test.prepare).inPlace(&self, false))
	}
	plan(&spec.Start{Path: "/bin/app", Files: []spec.ChildFile{{N: 0, Source: spec.FromParent, Fd: 2, Field: filesEntry(0)}}}, nil)

	known := explain.Origins()
	for origin, step := range seen {
		if _, is := known[origin]; !is {
			t.Errorf("nobody says why a step of %q can fail, as %s: see reasons_linux.go in internal/explain", origin, step)
		}
	}
	for origin := range known {
		if seen[origin] == "" {
			t.Errorf("reasons are registered for %q, of which no plan has a step", origin)
		}
	}
	for _, f := range spec.Facilities {
		if _, is := known[program.OriginOf("Attr."+f.Field)]; !is && seen[program.OriginOf("Attr."+f.Field)] != "" {
			t.Errorf("the steps of Attr.%s have no reasons", f.Field)
		}
	}
}

// A step is explained by what it is for, not by the call that it makes.
func TestReasonsAreOfTheOrigin(t *testing.T) {
	requires(t, asRoot)
	c := helperCommand("mount-in-chroot", t.TempDir())
	want := "the private root: this process is in a chroot whose root is no mount, so that / cannot be made private: " +
		"mount --bind the directory on itself before the chroot\nAttr.Hostname: \nthe second stage: \n"
	if got := outputOf(t, c); got != want {
		t.Errorf("a mount that is refused is explained\n%s; want\n%s", got, want)
	}
}

// mount-in-chroot DIR: why a mount is refused in a chroot, for several origins.
var _ = helper("mount-in-chroot", func(args []string) int {
	must(unix.Chroot(args[0]))
	r := &spec.Start{Sys: &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}, Path: "/bin/true"}
	r.FillIn()
	for _, origin := range []program.Origin{program.OfRoot, "Attr.Hostname", program.OfStage} {
		e := &spec.Error{Step: "mount", Object: "/", Origin: origin, Field: "SysProcAttr.Unshareflags"}
		fmt.Printf("%s: %s\n", origin, explain.Failure{Ask: r, E: e, Errno: unix.EINVAL, Facts: explain.Facts{Born: true}}.Why())
	}
	return 0
})

var failingPrograms = []failing{
	{asked: "A script whose interpreter does not exist", make: content("#!/no/such/shell -e\n"),
		want: "sprog: start /tmp/x/program: execve: no such file or directory (the interpreter /no/such/shell, which the first line of /tmp/x/program names, does not exist)"},
	{asked: "A script with the line ends of Windows", make: content("#!/bin/sh\r\nexit\r\n"),
		want: `sprog: start /tmp/x/program: execve: no such file or directory (the interpreter "/bin/sh\r", which the first line of /tmp/x/program names, ends in a carriage return: the file has the line ends of Windows (dos2unix removes them))`},
	{asked: "A script whose interpreter is no program", make: func(x *scene) *Cmd {
		return &Cmd{Path: x.write("script", 0o755, "#!"+x.write("notes", 0o755, "remember the milk\n")+"\n")}
	},
		want: "sprog: start /tmp/x/script: execve: exec format error (the interpreter /tmp/x/notes, which the first line of /tmp/x/script names: /tmp/x/notes is text without a first line such as #!/bin/sh, which would say what executes it)"},
	{asked: "A script whose interpreter may not be executed", make: func(x *scene) *Cmd {
		return &Cmd{Path: x.write("script", 0o755, "#!"+x.write("shell", 0o644, "")+"\n")}
	}, by: byRoot,
		want: "sprog: start /tmp/x/script: execve: permission denied (the interpreter /tmp/x/shell, which the first line of /tmp/x/script names: nobody may execute /tmp/x/shell, which is -rw-r--r-- of user 0 and group 0: chmod +x gives the right)"},
	{asked: "Scripts run by scripts, seven deep", make: func(x *scene) *Cmd {
		path := "/bin/sh"
		for _, name := range []string{"g", "f", "e", "d", "c", "b", "a"} {
			path = x.write(name, 0o755, "#!"+path+"\n")
		}
		return &Cmd{Path: path}
	},
		want: "sprog: start /tmp/x/a: execve: too many levels of symbolic links (the interpreter /tmp/x/g, which the first line of /tmp/x/f names: interpreters can be scripts themselves, but only five deep)"},
	{asked: "An ELF file whose dynamic loader does not exist", make: func(x *scene) *Cmd { return content(dynamic("/lib/ld-none.so"))(x) },
		want: "sprog: start /tmp/x/program: execve: no such file or directory (the dynamic loader /lib/ld-none.so, which the ELF file /tmp/x/program names, does not exist)"},
	{asked: "An ELF file whose dynamic loader is a script", make: func(x *scene) *Cmd {
		return content(dynamic(x.write("loader", 0o755, strings.Repeat("#!/bin/sh\n", 20))))(x)
	},
		want: "sprog: start /tmp/x/program: execve: accessing a corrupted shared library (the dynamic loader /tmp/x/loader, which the ELF file /tmp/x/program names, is no ELF file for this machine)"},
	{asked: "A text file", make: content("echo hello\n"),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is text without a first line such as #!/bin/sh, which would say what executes it)"},
	{asked: "An empty file", make: content(""),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is empty)"},
	{asked: "A script that begins with a byte order mark", make: content("\xef\xbb\xbf#!/bin/sh\n"),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program begins with a byte order mark: #! has to be the first two bytes)"},
	{asked: "A script in UTF-16", make: content("\xff\xfe#\x00!\x00/\x00"),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is text in UTF-16, and a script has to be in UTF-8)"},
	{asked: "A script that names no interpreter", make: content("#!\nexit\n"),
		want: "sprog: start /tmp/x/program: execve: exec format error (the first line of /tmp/x/program names no interpreter behind #!)"},
	{asked: "A program for another processor", make: content(elfFile(binary.LittleEndian, elf.ET_EXEC, 243, elfHeader{}, "")),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is a program for RISC-V, and this machine is x86-64: get one that is built for it, or have binfmt_misc run it by an emulator such as QEMU)"},
	{asked: "A program for a big-endian processor", make: content(elfFile(binary.BigEndian, elf.ET_EXEC, 22, elfHeader{}, "")),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is a program for s390, and this machine is x86-64: get one that is built for it, or have binfmt_misc run it by an emulator such as QEMU)"},
	{asked: "A program for Windows", make: content("MZ\x90\x00\x03"),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is a program for Windows)"},
	{asked: "A program for macOS", make: content("\xcf\xfa\xed\xfe\x07"),
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is a program for macOS)"},
	{asked: "An object file", make: func(x *scene) *Cmd {
		return content(elfFile(binary.LittleEndian, elf.ET_REL, ownMachine(), elfHeader{}, ""))(x)
	},
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is an object file, which has to be linked first)"},
	{asked: "An ELF file that was cut off", make: func(x *scene) *Cmd {
		return content(elfFile(binary.LittleEndian, elf.ET_EXEC, ownMachine(), elfHeader{}, "")[:100])(x)
	},
		want: "sprog: start /tmp/x/program: execve: exec format error (/tmp/x/program is an ELF file for this machine, but damaged or incomplete)"},
	{asked: "A file without the right to execute it", make: func(x *scene) *Cmd {
		return &Cmd{Path: x.write("program", 0o600, "#!/bin/sh\n")}
	}, by: byRoot,
		want: "sprog: start /tmp/x/program: execve: permission denied (nobody may execute /tmp/x/program, which is -rw------- of user 0 and group 0: chmod +x gives the right)"},
	{asked: "A program that only root may execute", make: func(x *scene) *Cmd {
		return &Cmd{Path: x.write("program", 0o700, "#!/bin/sh\n")}
	}, by: prepared,
		want: "sprog: start /tmp/x/program: execve: permission denied (user 65534 may not execute /tmp/x/program, which is -rwx------ of user 0 and group 0)"},
	{asked: "A program in a directory that only root may search", make: func(x *scene) *Cmd {
		x.mkdir("private", 0o700)
		return &Cmd{Path: x.write("private/program", 0o755, "#!/bin/sh\n")}
	}, by: prepared,
		want: "sprog: start /tmp/x/private/program: execve: permission denied (user 65534 may not search /tmp/x/private, which is drwx------ of user 0 and group 0)"},
	{asked: "The same, by root for another user", make: func(x *scene) *Cmd {
		x.mkdir("private", 0o700)
		path := x.write("private/program", 0o755, "#!/bin/sh\n")
		return &Cmd{Path: path, SysProcAttr: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 1000}}}
	}, by: byRoot,
		want: "sprog: start /tmp/x/private/program: execve: permission denied (user 1000 may not search /tmp/x/private, which is drwx------ of user 0 and group 0)"},
	{asked: "A program in a file system mounted noexec", make: func(x *scene) *Cmd {
		x.mount("disk", unix.MS_NOEXEC)
		return &Cmd{Path: x.write("disk/program", 0o755, "#!/bin/sh\n")}
	}, by: byRoot,
		want: "sprog: start /tmp/x/disk/program: execve: permission denied (/tmp/x/disk/program is in a file system that is mounted noexec at /tmp/x/disk)"},
	{asked: "An open FIFO as the program", make: func(x *scene) *Cmd {
		must(unix.Mkfifo(x.dir+"/fifo", 0o755))
		f, err := os.OpenFile(x.dir+"/fifo", unix.O_RDONLY|unix.O_NONBLOCK, 0)
		must(err)
		return &Cmd{Attr: &Attr{Program: f}}
	},
		want: "sprog: start /tmp/x/fifo: execveat (Attr.Program): permission denied (/tmp/x/fifo is a FIFO, and only regular files are executed)"},
	{asked: "A program that is being written", make: func(x *scene) *Cmd {
		path := x.write("program", 0o755, "#!/bin/sh\n")
		_, err := unix.Open(path, unix.O_WRONLY, 0)
		must(err)
		return &Cmd{Path: path}
	},
		want: "sprog: start /tmp/x/program: execve: text file busy (the file is open for writing, in this process)"},
	{asked: "An argument of 200 kB", make: simple(Cmd{Args: []string{"true", strings.Repeat("x", 200e3)}}), needs: []*requirement{pagesOf4K},
		want: "sprog: start /bin/true: execve: argument list too long (Args[1] has 200000 bytes, and one string can have 131071)"},
	{asked: "Arguments of 5 MB", make: func(*scene) *Cmd {
		must(unix.Setrlimit(unix.RLIMIT_STACK, &unix.Rlimit{Cur: 8 << 20, Max: 8 << 20}))
		return &Cmd{Path: "/bin/true", Args: slices.Repeat([]string{strings.Repeat("x", 50e3)}, 100), Env: []string{}}
	},
		want: "sprog: start /bin/true: execve: argument list too long (the arguments take 5000900 bytes and the environment 0, pointers included; together they can take 2097152, a quarter of the soft RLIMIT_STACK, 8388608)"},
	{asked: "A program with a file capability that was dropped", make: func(x *scene) *Cmd {
		x.mount("disk", 0)
		text, err := os.ReadFile("/bin/true")
		must(err)
		path := x.write("disk/program", 0o755, string(text))
		rawIO := "\x01\x00\x00\x02" + "\x00\x00\x02\x00" + strings.Repeat("\x00", 12) // effective, revision 2: CAP_SYS_RAWIO
		must(unix.Setxattr(path, "security.capability", []byte(rawIO), 0))
		return &Cmd{Path: path, Attr: &Attr{Caps: &Caps{Bounding: CapSet{Drop: []string{"CAP_SYS_RAWIO"}}}}}
	}, by: byRoot,
		want: "sprog: start /tmp/x/disk/program: execve: operation not permitted (/tmp/x/disk/program has CAP_SYS_RAWIO as a file capability, which is not in the child's bounding set: the kernel gives a program all of those or does not execute it)"},
	{asked: "More processes than the user may have", make: func(*scene) *Cmd {
		other := &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 54321, Gid: 54321}, Pdeathsig: syscall.SIGKILL}
		must((&Cmd{Path: "/bin/sleep", Args: []string{"sleep", "60"}, SysProcAttr: other}).Start())
		return &Cmd{Path: "/bin/true", SysProcAttr: other, Attr: &Attr{Rlimits: []Rlimit{{Resource: unix.RLIMIT_NPROC}}}}
	}, by: byRoot,
		want: "sprog: start /bin/true: execve: resource temporarily unavailable (user 54321 has more processes than its RLIMIT_NPROC allows, which is 0)"},
}

var pagesOf4K = &requirement{what: "pages of 4 KiB", works: func() error {
	if os.Getpagesize() != 4096 {
		return unix.EINVAL
	}
	return nil
}}

var failingPaths = []failing{
	{asked: "A program that does not exist", make: func(x *scene) *Cmd { return &Cmd{Path: x.dir + "/program"} },
		want: "sprog: start /tmp/x/program: execve: no such file or directory"},
	{asked: "A program in a directory that does not exist", make: func(x *scene) *Cmd { return &Cmd{Path: x.dir + "/no/such/program"} },
		want: "sprog: start /tmp/x/no/such/program: execve: no such file or directory (/tmp/x/no does not exist)"},
	{asked: "A program whose directory is a file", make: func(x *scene) *Cmd { return &Cmd{Path: x.write("file", 0o644, "") + "/program"} },
		want: "sprog: start /tmp/x/file/program: execve: not a directory (/tmp/x/file is a regular file, no directory)"},
	{asked: "A directory as the program", make: func(x *scene) *Cmd { return &Cmd{Path: x.mkdir("dir", 0o755)} },
		want: "sprog: start /tmp/x/dir: execve: permission denied (/tmp/x/dir is a directory, and only regular files are executed)"},
	{asked: "A FIFO as the program", make: func(x *scene) *Cmd {
		path := x.dir + "/fifo"
		must(unix.Mkfifo(path, 0o755))
		return &Cmd{Path: path}
	},
		want: "sprog: start /tmp/x/fifo: execve: permission denied (/tmp/x/fifo is a FIFO, and only regular files are executed)"},
	{asked: "A symbolic link that leads nowhere", make: func(x *scene) *Cmd {
		must(os.Symlink("gone/program", x.dir+"/link"))
		return &Cmd{Path: x.dir + "/link"}
	},
		want: "sprog: start /tmp/x/link: execve: no such file or directory (/tmp/x/gone, where the symbolic link /tmp/x/link leads, does not exist)"},
	{asked: "Symbolic links in a circle", make: func(x *scene) *Cmd {
		must(os.Symlink("b", x.dir+"/a"))
		must(os.Symlink("a", x.dir+"/b"))
		return &Cmd{Path: x.dir + "/a"}
	},
		want: "sprog: start /tmp/x/a: execve: too many levels of symbolic links (symbolic links lead in a circle, by way of /tmp/x/a)"},
	{asked: "A name of 300 bytes", make: func(x *scene) *Cmd { return &Cmd{Path: "/" + strings.Repeat("x", 300)} },
		want: "sprog: start /xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx: execve: file name too long (a name in a path can have 255 bytes, and one of these has 300)"},
	{asked: "A relative path and another directory", make: func(x *scene) *Cmd {
		x.write("program", 0o755, "#!/bin/sh\n")
		must(os.Chdir(x.dir))
		return &Cmd{Path: "./program", Dir: x.mkdir("dir", 0o755)}
	},
		want: "sprog: start ./program: execve: no such file or directory (/tmp/x/dir/program does not exist: a relative path begins at Dir; where this process is, it exists)"},
	{asked: "A program that the new root does not have", make: func(x *scene) *Cmd {
		return &Cmd{Path: "/bin/true", SysProcAttr: &syscall.SysProcAttr{Chroot: x.mkdir("root", 0o755)}}
	}, by: byRoot,
		want: "sprog: start /bin/true: execve: no such file or directory (/bin does not exist in /tmp/x/root: the path is looked up in the new root; the old one has it)"},
	{asked: "A script whose interpreter the new root does not have", make: func(x *scene) *Cmd {
		root := x.mkdir("root", 0o755)
		x.write("root/script", 0o755, "#!/bin/sh\n")
		return &Cmd{Path: "/script", SysProcAttr: &syscall.SysProcAttr{Chroot: root}}
	}, by: byRoot,
		want: "sprog: start /script: execve: no such file or directory (the interpreter /bin/sh, which the first line of /script names, does not exist in /tmp/x/root)"},
}
