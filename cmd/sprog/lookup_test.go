//go:build linux

package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestFindProgram(t *testing.T) {
	root := t.TempDir()
	write := func(name string, mode os.FileMode) {
		file := filepath.Join(root, name)
		os.MkdirAll(filepath.Dir(file), 0o755)
		if err := os.WriteFile(file, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	write("bin/tool", 0o755)
	write("bin/data", 0o644)
	write("sbin/data", 0o755)
	write("sbin/only-data", 0o644)
	os.Mkdir(filepath.Join(root, "bin/dir"), 0o755)
	os.Symlink("/bin/tool", filepath.Join(root, "bin/inside"))
	os.Symlink("/bin/sh", filepath.Join(root, "bin/outside"))
	os.Symlink("../../../../../../../../bin/sh", filepath.Join(root, "bin/outside-too"))

	chroot := place{root: root}
	here := place{}
	for _, tt := range []struct {
		place place
		name  string
		path  string
		want  string // the path found
		code  int    // or the exit code
	}{
		{chroot, "tool", "/nowhere:/bin", "/bin/tool", 0},
		{chroot, "inside", "/bin", "/bin/inside", 0},
		{chroot, "outside", "/bin", "", 127},
		{chroot, "outside-too", "/bin", "", 127},
		{chroot, "tool", "/../bin", "/bin/tool", 0},
		{chroot, "data", "/bin:/sbin", "/sbin/data", 0},
		{chroot, "only-data", "/bin:/sbin", "", 126},
		{chroot, "dir", "/bin", "", 127},
		{chroot, "tool", "bin", "", 126},
		{chroot, "tool", "", "", 127},
		{chroot, "./tool", "", "./tool", 0},
		{here, "tool", root + "/bin", root + "/bin/tool", 0},
		{here, "only-data", root + "/sbin", "", 126},
		{here, "dir", root + "/bin", "", 127},
		{here, "", root, "", 125},
		{place{root: root + "/absent"}, "tool", "/bin", "", 125},
	} {
		got, err := tt.place.findProgram(tt.name, []string{"PATH=" + tt.path})
		code, _ := outcome(err, nil)
		if got != tt.want || code != tt.code {
			t.Errorf("%+v.findProgram(%q) in PATH %q = %q, %v; want %q, code %d", tt.place, tt.name, tt.path, got, err, tt.want, tt.code)
		}
	}
}

func TestFindProgramWithoutPath(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tool"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	got, err := place{}.findProgram("tool", []string{"A=1"})
	if want := filepath.Join(dir, "tool"); got != want || err != nil {
		t.Errorf("findProgram with no PATH in the environment = %q, %v; want %q, from the caller's", got, err, want)
	}
}
