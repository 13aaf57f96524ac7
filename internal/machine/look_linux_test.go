//go:build amd64 || arm64

package machine

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// What is looked at is in the root, wherever its links lead, and only a regular file is read.
func TestLookIn(t *testing.T) {
	root := t.TempDir()
	text := func(path, s string) error { return os.WriteFile(filepath.Join(root, path), []byte(s), 0o640) }
	err := errors.Join(text("file", "inside"), os.Mkdir(filepath.Join(root, "etc"), 0o755), text("etc/passwd", "passwd inside"),
		os.Symlink("/etc/passwd", filepath.Join(root, "away")), os.Symlink("../../../etc/passwd", filepath.Join(root, "up")),
		unix.Mkfifo(filepath.Join(root, "fifo"), 0o666))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		path string
		size int
		want string
		err  error
	}{
		{"/file", 100, "inside", nil},
		{"file", 3, "ins", nil},
		{"/file", 0, "", nil},
		{"/away", 100, "passwd inside", nil},
		{"/up", 100, "passwd inside", nil},
		{"/fifo", 100, "", nil},
		{"/etc", 100, "", nil},
		{"/none", 100, "", unix.ENOENT},
		{"/file/x", 100, "", unix.ENOTDIR},
	} {
		st, head, err := LookIn(root, tt.path, unix.O_RDONLY|unix.O_NONBLOCK, tt.size)
		if string(head) != tt.want || err != tt.err {
			t.Errorf("LookIn(%q, %d) = %q, %v; want %q, %v", tt.path, tt.size, head, err, tt.want, tt.err)
		}
		var want unix.Stat_t
		if tt.err == nil && tt.path != "/away" && tt.path != "/up" && unix.Stat(filepath.Join(root, tt.path), &want) == nil && st.Ino != want.Ino {
			t.Errorf("LookIn(%q): inode %d; want %d", tt.path, st.Ino, want.Ino)
		}
	}
	if _, _, err := LookIn(filepath.Join(root, "none"), "/file", unix.O_PATH, 0); err != unix.ENOENT {
		t.Errorf("LookIn of no root = %v; want %v", err, unix.ENOENT)
	}
}

// A directory is found where links lead, relative paths begin here, and this process's own working directory stays.
func TestFindDir(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err := errors.Join(err, os.Mkdir(filepath.Join(root, "dir"), 0o755), os.Symlink("dir", filepath.Join(root, "link")), os.WriteFile(filepath.Join(root, "file"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	t.Chdir(root)
	for _, tt := range []struct {
		path, want string
		err        error
	}{
		{root + "/link/.", root + "/dir", nil},
		{"link/../link", root + "/dir", nil},
		{"/", "/", nil},
		{"file", "", unix.ENOTDIR},
		{root + "/none", "", unix.ENOENT},
	} {
		if got, err := FindDir(tt.path, nil); got != tt.want || err != tt.err {
			t.Errorf("FindDir(%q) = %q, %v; want %q, %v", tt.path, got, err, tt.want, tt.err)
		}
	}
	if got, err := os.Readlink("/proc/self/cwd"); err == nil && got != root {
		t.Errorf("the working directory is %s; want %s", got, root)
	}
}
