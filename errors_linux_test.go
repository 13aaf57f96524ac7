//go:build amd64 || arm64

package sprog

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/explain"
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

	want string // what this package says
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
	if got.Sprog != f.want {
		t.Errorf("sprog says %s\nwant       %s", got.Sprog, f.want)
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
	text = strings.ReplaceAll(text, "this machine is "+explain.MachineName(explain.OwnMachine().Machine), "this machine is x86-64")
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
func elfFile(order binary.ByteOrder, kind, machine uint16, header elfHeader, rest string) string {
	b := make([]byte, 64+56)
	copy(b, "\x7fELF\x02\x01\x01")
	if order == binary.BigEndian {
		b[5] = 2
	}
	order.PutUint16(b[16:], kind)
	order.PutUint16(b[18:], machine)
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

// dynamic is an ELF file for this machine that names a dynamic loader.
func dynamic(loader string) string {
	return elfFile(binary.LittleEndian, explain.EtDyn, explain.OwnMachine().Machine, elfHeader{kind: 3, offset: 120, size: uint64(len(loader) + 1)}, loader+"\x00")
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
