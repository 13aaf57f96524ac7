//go:build amd64 || arm64

package sprog

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
)

// A program is looked up by its own PATH, in its own root, and not in this process's.
func TestLookPath(t *testing.T) {
	dir := t.TempDir()
	must(os.Mkdir(dir+"/bin", 0o755))
	must(os.WriteFile(dir+"/bin/tool", []byte("#!/bin/sh\necho this one, $0\n"), 0o755))
	must(os.WriteFile(dir+"/tool", []byte("#!/bin/sh\necho not executable\n"), 0o644))
	for _, init := range []*Init{nil, {}} {
		c := &Cmd{Path: "tool", Args: []string{"tool"}, Env: []string{"PATH=/no/such:" + dir + ":.:" + dir + "/bin:/bin"}, Attr: &Attr{LookPath: true, Init: init}}
		wantText(t, "in PATH", outputOf(t, c), "this one, "+dir+"/bin/tool\n")
	}
	c := &Cmd{Path: "no-such-tool", Env: []string{"PATH=/no/such:/bin"}, Attr: &Attr{LookPath: true}}
	if err := c.Run(); !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), "no directory of the PATH") {
		t.Errorf("Run() = %v; want ENOENT", err)
	}
	c = &Cmd{Path: "sh", Args: []string{"sh", "-c", "echo $PATH"}, Env: []string{}, Attr: &Attr{LookPath: true}}
	if got := outputOf(t, c); got == "" {
		t.Error("without a PATH no shell is found")
	}
	c = scriptIn(t, withHost(Mount{Target: "/only/here", Bind: dir + "/bin"}), "")
	requires(t, freshProc)
	c.Path, c.Args, c.Env, c.Attr.LookPath = "tool", []string{"tool"}, []string{"PATH=/only/here"}, true
	wantText(t, "in the view", outputOf(t, c), "this one, /only/here/tool\n")
}

// The first directory that can be entered is the working directory, and PWD names it.
func TestDirs(t *testing.T) {
	dir := t.TempDir()
	must(os.Mkdir(dir+"/none", 0))
	must(os.Mkdir(dir+"/sub", 0o755))
	for _, init := range []*Init{nil, {}} {
		c := Command("/bin/sh", "-c", "pwd -P; echo $PWD")
		c.Attr = &Attr{Dirs: []string{"/no/such", dir + "/sub/file", dir + "/sub", "/"}, Init: init}
		wantText(t, "the first", outputOf(t, c), dir+"/sub\n"+dir+"/sub\n")
	}
	c := Command("/bin/true")
	c.Attr = &Attr{Dirs: []string{"/no/such", "/nor/such"}}
	if err := c.Run(); !errors.Is(err, syscall.ENOENT) || !strings.Contains(err.Error(), "chdir /nor/such (Attr.Dirs)") {
		t.Errorf("Run() = %v; want ENOENT of the last", err)
	}
	c = scriptIn(t, withHost(Mount{Target: "/here", Bind: dir}), "pwd; echo $PWD")
	requires(t, freshProc)
	c.Dir, c.Attr.Dirs = "", []string{dir, "/here/sub"}
	wantText(t, "in the view", outputOf(t, c), "/here/sub\n/here/sub\n")
}
