package main

import (
	"archive/zip"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module, version = "github.com/sprog-dev/sprog", "v1.2.3"

// go install of a released version gives a static binary that knows the version, with cgo or without.
func TestGoInstall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command")
	}
	proxy, bin := t.TempDir(), t.TempDir()
	release(t, filepath.Join(proxy, module, "@v"))
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	install := exec.Command("go", "install", "-modcacherw", module+"/cmd/sprog@latest")
	install.Dir = t.TempDir()
	install.Env = append(os.Environ(), "GOBIN="+bin, "GOSUMDB=off", "GOFLAGS=-modcacherw", "GOMODCACHE="+t.TempDir(),
		"GOPROXY=file://"+proxy+",file://"+filepath.Join(strings.TrimSpace(string(cache)), "cache/download"))
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	sprog := filepath.Join(bin, "sprog")
	if out, err := exec.Command(sprog, "version").Output(); err != nil || !strings.HasPrefix(string(out), "sprog "+version+" ") {
		t.Errorf("%q, %v", out, err)
	}
	file, err := elf.Open(sprog)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, part := range file.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("the binary has an interpreter: it is not static")
		}
	}
}

// release makes the files by which a module proxy offers the module as it is here.
func release(t *testing.T, dir string) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.MkdirAll(dir, 0o755))
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	check(err)
	for name, text := range map[string]string{
		"list": version + "\n", version + ".info": `{"Version":"` + version + `"}`, version + ".mod": string(mod),
	} {
		check(os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	out, err := os.Create(filepath.Join(dir, version+".zip"))
	check(err)
	archive := zip.NewWriter(out)
	list := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "*.go", "*.s", "*.txt", "*.h", "go.mod", "go.sum", "LICENSE")
	list.Dir = root
	names, err := list.Output()
	check(err)
	for name := range strings.FieldsSeq(string(names)) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) || strings.HasPrefix(name, "tools/") {
			continue
		}
		check(err)
		file, err := archive.Create(module + "@" + version + "/" + name)
		check(err)
		_, err = file.Write(text)
		check(err)
	}
	check(archive.Close())
	check(out.Close())
}
