//go:build amd64 || arm64

package pathwalk

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/userns"
)

// The resolver looks nowhere but in the child's root, whatever links there are.
func TestWalkStaysInRoot(t *testing.T) {
	dir := t.TempDir()
	root := dir + "/root"
	for _, d := range []string{root, root + "/etc", dir + "/outside"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{dir + "/outside/secret", root + "/etc/here"} {
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"/up": "../outside/secret", "/far": "../../../../../../etc/here", "/abs": dir + "/outside/secret",
		"/in": "/etc/here", "/dir": "etc", "/etc/root": "/",
	} {
		if err := os.Symlink(to, root+link); err != nil {
			t.Fatal(err)
		}
	}
	v := View{Root: root}
	for path, want := range map[string]bool{
		"/up": false, "/abs": false, "/../outside/secret": false, "/far": true, "/in": true, "/dir/here": true,
		"/etc/root/dir/root/etc/here": true, "dir/../etc/./here": true, "/etc/here/..": false, "//etc//here": true, "/etc/here/": false,
	} {
		if got := v.Exists(path); got != want {
			t.Errorf("exists(%q) = %v; want %v", path, got, want)
		}
	}
}

// It opens nothing that would make it wait, or that would notice.
func TestWalkDoesNotOpen(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(dir+"/fifo", 0o777); err != nil {
		t.Fatal(err)
	}
	v := View{}
	if f, err := v.Open(dir + "/fifo"); err == nil {
		f.Close()
		t.Error("a FIFO was opened")
	}
	if !v.Exists(dir + "/fifo") {
		t.Error("the FIFO is not there")
	}
	before := openFiles(t)
	for range 20 {
		v.Exists(dir + "/fifo/x")
		v.Exists(dir + "/no/x")
		v.Exists("/proc/self/exe")
	}
	if after := openFiles(t); after != before {
		t.Errorf("%d files are open, and were %d", after, before)
	}
}

func openFiles(t *testing.T) int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// Whose rights count: those of the child, and its capabilities where they do.
func TestViewerMay(t *testing.T) {
	file := func(mode uint32, uid, gid int) *unix.Stat_t {
		return &unix.Stat_t{Mode: unix.S_IFREG | mode, Uid: uint32(uid), Gid: uint32(gid)}
	}
	user := Viewer{Known: true, UID: 1000, GID: 100, Groups: []int{27}}
	root := Viewer{Known: true, Powerful: true}
	inside := Viewer{Known: true, UID: 1000, GID: 100, Powerful: true, Inside: true, UIDs: []userns.IDRange{{First: 1000, Size: 1}}, GIDs: []userns.IDRange{{First: 100, Size: 1}}}
	for _, test := range []struct {
		who  Viewer
		st   *unix.Stat_t
		what uint32
		want bool
	}{
		{user, file(0o700, 1000, 0), ToExecute, true}, {user, file(0o077, 1000, 100), ToExecute, false}, // the owner's bits alone
		{user, file(0o010, 0, 100), ToExecute, true}, {user, file(0o010, 0, 27), ToExecute, true}, {user, file(0o707, 0, 27), ToExecute, false},
		{user, file(0o001, 0, 0), ToExecute, true}, {user, file(0o770, 0, 0), ToRead, false},
		{root, file(0o000, 1000, 0), ToRead, true}, {root, file(0o644, 1000, 0), ToExecute, false}, {root, file(0o100, 1000, 0), ToExecute, true},
		{inside, file(0o000, 1000, 100), ToRead, true}, {inside, file(0o000, 0, 0), ToRead, false}, {inside, file(0o000, 1000, 0), ToRead, false},
		{Viewer{}, file(0o000, 0, 0), ToRead, true},
	} {
		if got := test.who.May(-1, test.st, test.what); got != test.want {
			t.Errorf("%+v may do %d with %s = %v; want %v", test.who, test.what, ModeOf(test.st), got, test.want)
		}
	}
}
