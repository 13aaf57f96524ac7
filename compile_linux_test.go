//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/sweep"
)

// compiled is the file of a launcher, or "" if the command cannot be compiled.
func compiled(t *testing.T, c *Cmd, o CompileOptions) string {
	t.Helper()
	var file bytes.Buffer
	if err := c.Compile(&file, o); err != nil {
		var e *StartError
		if !errors.As(err, &e) || e.Field == "" {
			t.Fatalf("Compile = %v, which names no field", err)
		}
		return ""
	}
	path := filepath.Join(t.TempDir(), "launcher")
	writeProgram(t, path, file.Bytes())
	os.Chmod(filepath.Dir(path), 0o755)
	return path
}

// Every step of every case that can be compiled is made to fail. Each time the launcher says so, in
// the words of a StartError.
func TestCompileFaults(t *testing.T) {
	tried := 0
	for _, s := range drawn(t, startCases()) {
		t.Run(s.name, func(t *testing.T) {
			requires(t, s.needs...)
			c := s.cmd(t)
			if c.Attr != nil && len(c.Attr.Inherit) > 0 { // which only this process has
				return
			}
			if c.Attr != nil && (c.Attr.Root != nil || len(c.Attr.Mounts) > 0) && c.Dir == "" {
				c.Dir = "/" // a launcher of a view insists
			}
			if compiled(t, c, CompileOptions{Freeze: true}) == "" {
				return
			}
			tried++
			everyLauncherFault(t, c)
		})
	}
	if tried == 0 && sweep.Whole() { // those that are drawn may all be of the kind that cannot be compiled
		t.Error("no case could be compiled")
	}
}

func everyLauncherFault(t *testing.T, c *Cmd) {
	for step := -1; ; step++ {
		want, length := "", 0
		c.inspect = func(p, _ *program.Program) {
			if length = p.Len(); step < 0 || step >= length || p.Steps[step].Quiet || p.Steps[step].Call.IsOperation() || !mustPass(p.Steps, 0, step) {
				return
			}
			call := p.Steps[step].Call
			e := &spec.Error{Path: c.Path, InPlace: true, Step: call.String(), Field: p.Steps[step].Field, Object: listing.Object(p, step)}
			nameFile(e, c.Attr)
			code := 125
			if call == program.Execve {
				code = 126
			}
			want = fmt.Sprintf("%d %s: %v\n", code, e.Error(), syscall.EBADF)
			p.Fault = &program.Fault{Step: step}
		}
		path := compiled(t, c, CompileOptions{Freeze: true})
		switch {
		case step >= length:
			return
		case step < 0:
			want = "0 "
		case want == "":
			continue
		}
		if got := outcomeOf(t, path); got != want {
			t.Errorf("step %d fails: %q; want %q", step, got, want)
		}
	}
}

// outcomeOf runs a launcher: its exit code, and what it says.
func outcomeOf(t *testing.T, path string) string {
	t.Helper()
	var errs bytes.Buffer
	c := exec.Command(path)
	c.Stderr = &errs
	if err := c.Run(); err != nil && c.ProcessState == nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", c.ProcessState.ExitCode(), errs.String())
}

// What a program sees of itself is what was asked for, whatever set of facilities that is.
func TestCompileFacets(t *testing.T) {
	binary := publicBinary(t)
	draw := func(r *rand.Rand, t *testing.T, set []facet) (c *Cmd, path string) {
		c = &Cmd{Path: binary, Args: []string{"program", "look"}, Env: []string{helperVar + "=1"}, Stdout: os.Stdout, Stderr: os.Stderr}
		for _, f := range set {
			f.draw(r, t, c)
		}
		return c, compiled(t, c, CompileOptions{Freeze: true})
	}
	able := slices.DeleteFunc(facets(), func(f facet) bool {
		if slices.ContainsFunc(f.needs, func(r *requirement) bool { return r.works() != nil }) {
			return true
		}
		_, path := draw(rand.New(rand.NewPCG(1, 2)), t, []facet{f})
		return path == ""
	})
	if len(able) < 10 {
		t.Errorf("only %d facilities can be compiled", len(able))
	}
	for i := range able {
		t.Run(able[i].name, func(t *testing.T) {
			set := able[i : i+1]
			c, path := draw(rand.New(rand.NewPCG(3, uint64(i))), t, set)
			launchAndLook(t, c, path, set)
		})
	}
	for n := range 60 {
		r := rand.New(rand.NewPCG(5, uint64(n)))
		set := drawFacets(r, able)
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			if c, path := draw(r, t, set); path != "" {
				launchAndLook(t, c, path, set)
			}
		})
	}
}

// launchAndLook runs a launcher, whose program looks at what the facets say that it must see.
func launchAndLook(t *testing.T, c *Cmd, path string, set []facet) {
	t.Helper()
	want := map[string]string{}
	for _, f := range set {
		maps.Copy(want, f.expect(c))
	}
	keys := slices.Sorted(maps.Keys(want))
	if c.Args = append(c.Args, keys...); len(keys) == 0 {
		return
	}
	var errs bytes.Buffer
	run := exec.Command(compiled(t, c, CompileOptions{Freeze: true}))
	run.Stderr = &errs
	out, err := run.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, errs.String())
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	for i, key := range keys {
		got, _ := strconv.Unquote(lines[i])
		other, isNot := strings.CutPrefix(want[key], "!")
		if isNot == (got == other) {
			t.Errorf("the program sees %s = %q; want %q", key, got, want[key])
		}
	}
}

// A launcher makes no user namespace apart.
func TestCompileWithoutLast(t *testing.T) {
	c := &Cmd{Path: "/bin/true", Dir: "/", Attr: &Attr{IDMap: &IDMap{Last: true}}, SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}}
	err := c.Compile(new(bytes.Buffer), CompileOptions{Arch: "amd64"})
	if err == nil || !strings.Contains(err.Error(), "(Attr.IDMap.Last): cannot be compiled") {
		t.Errorf("Compile() = %v; want one that names Attr.IDMap.Last", err)
	}
}

// The same bytes come out wherever and by whomever a launcher is compiled, for both architectures.
func TestCompileIsReproducible(t *testing.T) {
	command := func() *Cmd {
		return &Cmd{Path: "/bin/true", Dir: "/", Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
			SysProcAttr: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER, UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: -1, Size: 1}}, Pdeathsig: 9},
			Attr:        &Attr{NoNewPrivs: true, Caps: &Caps{Bounding: CapSet{Drop: []string{"all"}}}, Files: []File{{FD: 7, Path: "/etc/passwd"}}}}
	}
	if inside(t) {
		for _, arch := range []string{"amd64", "arm64"} {
			if err := command().Compile(os.Stdout, CompileOptions{Arch: arch}); err != nil {
				t.Fatal(err)
			}
		}
		os.Exit(0)
	}
	run := func(prepare func(*exec.Cmd)) string {
		var out bytes.Buffer
		c := testProcess(t, prepare)
		c.Stdout = &out
		if err := c.Run(); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	one := run(func(*exec.Cmd) {})
	other := run(func(c *exec.Cmd) {
		c.Dir, c.Env = "/", append(c.Env, "PATH=/elsewhere", "SOMETHING=new")
		c.ExtraFiles = []*os.File{os.Stdin, nil, os.Stdin}
		c.Stdin = nil
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	})
	if one != other || len(one) < 20000 {
		t.Errorf("%d bytes in one process, %d in another, and they differ", len(one), len(other))
	}
}

// A program gets the arguments and variables that it is to have, whatever the launcher is called with.
func TestCompileStack(t *testing.T) {
	vary := CompileOptions{AppendArgs: true, PassEnv: []string{"*"}, UnsetEnv: []string{"GONE", "A"}}
	few := CompileOptions{PassEnv: []string{"KEPT", "B"}}
	command := helperCommand("words", "fixed", "")
	command.Env = []string{helperVar + "=1", "SET=1", "B=own"}
	command.Stdout = os.Stdout
	varying, fixed := compiled(t, command, vary), compiled(t, command, few)
	fixedArgs := command.Args[2:]
	r := rand.New(rand.NewPCG(3, 4))
	for range fewer(200) {
		args, env := randomWords(r), randomVariables(r)
		wantArgs := slices.Concat(fixedArgs, args[min(1, len(args)):])
		compareWords(t, varying, args, env, wantArgs, append(slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
			return slices.ContainsFunc([]string{"GONE=", "A=", helperVar + "=", "SET=", "B="}, func(name string) bool { return strings.HasPrefix(kv, name) })
		}), command.Env...))
		compareWords(t, fixed, args, env, fixedArgs, append(slices.DeleteFunc(slices.Clone(env), func(kv string) bool {
			return !strings.HasPrefix(kv, "KEPT=")
		}), command.Env...))
	}
}

// words: print the arguments and the variables, each quoted.
var _ = helper("words", func(args []string) int {
	variables := []string{}
	for kv := range strings.SplitSeq(strings.TrimSuffix(contentsOf("/proc/self/environ"), "\x00"), "\x00") {
		variables = append(variables, kv) // os.Environ drops some
	}
	fmt.Printf("%q\n%q\n", args, variables)
	return 0
})

func randomWords(r *rand.Rand) (list []string) {
	for range r.IntN(6) {
		list = append(list, strings.Repeat(string(rune('a'+r.IntN(26))), r.IntN(5)))
	}
	switch r.IntN(12) {
	case 0:
		list = append(list, "x", strings.Repeat("long", 30000)) // MAX_ARG_STRLEN is 128 KiB
	case 1:
		for i := range 20000 {
			list = append(list, strconv.Itoa(i))
		}
	case 2:
		list = append(list, "--", "-x", "$HOME", "`id`", "\xff\n")
	}
	return list
}

func randomVariables(r *rand.Rand) (list []string) {
	names := []string{"A", "AA", "GONE", "GONER", "KEPT", "KEP", "SET", "B", "", "=", "A=A", "\xff"}
	for range r.IntN(12) {
		kv := names[r.IntN(len(names))]
		if r.IntN(5) > 0 {
			kv += "=" + strings.Repeat("v", r.IntN(4))
		}
		list = append(list, kv)
	}
	if r.IntN(12) == 0 {
		for i := range 20000 {
			list = append(list, "V"+strconv.Itoa(i)+"=")
		}
	}
	return list
}

// compareWords runs a launcher with an argv and an environment. The kernel makes an argument 0 where
// there is none (Linux 5.18).
func compareWords(t *testing.T, path string, args, env, wantArgs, wantEnv []string) {
	t.Helper()
	out, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	pid, err := syscall.ForkExec(path, args, &syscall.ProcAttr{Env: env, Files: []uintptr{0, out.Fd(), 2}})
	if err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &status, 0, nil); err != nil || status != 0 {
		t.Fatalf("status %#x, %v", status, err)
	}
	got := contentsOf(out.Name())
	if want := fmt.Sprintf("%q\n%q\n", wantArgs, wantEnv); got != want {
		t.Errorf("with %.200q and %.300q the program has %.900s; want %.900s", args, env, got, want)
	}
}

// On another architecture, launchers do the same. qemu-user knows neither namespaces nor filters.
func TestCompileForOtherArch(t *testing.T) {
	other, emulator := "arm64", "qemu-aarch64"
	if runtime.GOARCH == "arm64" {
		other, emulator = "amd64", "qemu-x86_64"
	}
	requires(t, tool(emulator))
	c := helperCommand("words", "fixed")
	c.Env, c.Dir, c.Stdout = []string{helperVar + "=1"}, "/", os.Stdout
	c.Attr = &Attr{NoNewPrivs: true, Umask: new(uint32(0o27)), Files: []File{{FD: 5, Data: []byte("x")}, {FD: 6, Path: "/", Flags: unix.O_DIRECTORY}}}
	path := compiled(t, c, CompileOptions{Arch: other, AppendArgs: true})
	out, err := exec.Command(emulator, path, "more", "").Output()
	if want := fmt.Sprintf("%q\n%q\n", []string{"fixed", "more", ""}, c.Env); err != nil || string(out) != want {
		t.Errorf("%s: %v, %s; want %s", emulator, err, out, want)
	}
	missing := compiled(t, &Cmd{Path: "/nonexistent"}, CompileOptions{Arch: other})
	var errs bytes.Buffer
	run := exec.Command(emulator, missing)
	run.Stderr = &errs
	run.Run()
	if want := "sprog: exec /nonexistent: execve: no such file or directory\n"; run.ProcessState.ExitCode() != 127 || errs.String() != want {
		t.Errorf("%s: status %d, %q; want 127, %q", emulator, run.ProcessState.ExitCode(), errs.String(), want)
	}
}
