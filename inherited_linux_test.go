//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// Libraries and careless code open files without O_CLOEXEC. A child gets
// exactly what it was given, all the same.
func TestExactlyTheFilesGiven(t *testing.T) {
	leakFiles(t, 40)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	better(t, func(of func(*Cmd) runner) error {
		for _, test := range []struct {
			extra []*os.File
			want  string
		}{
			{nil, "0 1 2 "},
			{[]*os.File{r, nil, w, r}, "0 1 2 3 5 6 "},
			{[]*os.File{os.Stdin, w, os.Stderr}, "0 1 2 3 4 5 "},
		} {
			var out bytes.Buffer
			c := Command("/bin/sh", "-c", `n=0; while [ $n -lt 80 ]; do [ -e /proc/$$/fd/$n ] && printf '%s ' $n; n=$((n+1)); done; true`)
			c.Stdout, c.ExtraFiles = &out, test.extra
			if err := of(c).Run(); err != nil {
				return err
			}
			if out.String() != test.want {
				return fmt.Errorf("%d ExtraFiles: descriptors %s; want %s", len(test.extra), out.String(), test.want)
			}
		}
		return nil
	})
}

// Whatever a start needs for itself (an image, pipes, a pidfd, borrowed numbers)
// and whatever it is asked for, the program has the descriptors that it was
// given, and no others.
func TestExactlyTheFilesOfEveryStart(t *testing.T) {
	leakFiles(t, 20)
	program := publicBinary(t)
	for _, s := range startCases() {
		t.Run(s.name, func(t *testing.T) {
			requires(t, s.needs...)
			c := s.cmd(t)
			if c.SysProcAttr != nil && c.SysProcAttr.Ptrace {
				return // it stops
			}
			if c.Attr != nil && (c.Attr.Root != nil || len(c.Attr.Mounts) > 0) {
				return // it does not see the program: see TestViewHoldsNoFiles
			}
			out := describeItself(t, c, program)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			c.Wait()
			closePidFD(c)
			if contents(t, out) == "" {
				return // no Go program runs there: it may make no threads, or read nothing
			}
			var seen description
			if err := json.Unmarshal([]byte(contents(t, out)), &seen); err != nil {
				t.Fatal(err)
			}
			if got, want := slices.Sorted(maps.Keys(seen.Files)), numbersGiven(c); !slices.Equal(got, want) {
				t.Errorf("descriptors %v; want %v (%v)", got, want, seen.Files)
			}
		})
	}
}

// numbersGiven are the descriptors that a command gives its program. Closed
// streams are among them: the runtime of the program opens them again.
func numbersGiven(c *Cmd) []int {
	list := []int{0, 1, 2}
	for i, f := range c.ExtraFiles {
		if f != nil {
			list = append(list, 3+i)
		}
	}
	if c.Attr != nil {
		list = append(list, c.Attr.Inherit...)
		for _, f := range c.Attr.Files {
			if !f.Closed {
				list = append(list, f.FD)
			}
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// leakFiles opens n files that every child would inherit.
func leakFiles(t *testing.T, n int) {
	t.Helper()
	for range n {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
	}
}

// Every descriptor refers to the file that it ought to, in whatever order the
// parent's numbers are.
func TestFilesInEveryOrder(t *testing.T) {
	var files []*os.File
	for i := range 4 {
		f := tempFile(t)
		fmt.Fprint(f, i)
		files = append(files, f)
	}
	const script = `for n in 0 3 4 5 6; do read x </proc/$$/fd/$n; printf %s "$x"; done`
	for _, order := range []string{"0123", "3210", "1032", "0000", "2301", "1203"} {
		c := Command("/bin/sh", "-c", script)
		c.Stdin = files[order[0]-'0']
		for _, i := range order {
			c.ExtraFiles = append(c.ExtraFiles, files[i-'0'])
		}
		if got, want := outputOf(t, c), order[:1]+order; got != want {
			t.Errorf("order %s: files %s; want %s", order, got, want)
		}
	}
}

// nofile ATTR: print the limit on open files that a child gets.
var _ = helper("nofile", func(args []string) int {
	c := Command("/bin/sh", "-c", "echo $(ulimit -Sn) $(ulimit -Hn)")
	c.Stdout, c.Stderr = os.Stdout, os.Stderr
	if args[0] == "init" {
		c.Attr = &Attr{Init: &Init{}}
	}
	if args[0] == "set" { // by somebody, on purpose: that is what children get
		unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 500, Max: 1000})
	}
	if err := c.Run(); err != nil {
		fmt.Println(err)
	}
	return 0
})

// The runtime raises the soft limit on open files for itself.
func TestOriginalLimitOnFiles(t *testing.T) {
	for how, want := range map[string]string{"": "777 2000\n", "init": "777 2000\n", "set": "500 1000\n"} {
		c := Command("/bin/sh", "-c", `ulimit -Sn 777 && ulimit -Hn 2000 && exec "$0" nofile "$1"`, testBinary(), how)
		if got := outputOf(t, c); got != want {
			t.Errorf("%q: limits = %q; want %q", how, got, want)
		}
	}
}

// Ignored signals stay ignored, as far as the runtime lets them, and no other
// disposition or mask reaches the program.
func TestSignalDispositions(t *testing.T) {
	text := selfStatus(t, nil)
	if got := fieldOf(text, "SigCgt"); got != "0000000000000000" {
		t.Errorf("SigCgt = %s; want none", got)
	}
	if got := fieldOf(text, "SigBlk"); got != "0000000000000000" {
		t.Errorf("SigBlk = %s; want none", got)
	}
	c := Command("/bin/sh", "-c", `trap '' HUP; exec "$0" status-of-child`, testBinary())
	if got := fieldOf(outputOf(t, c), "SigIgn"); got != "0000000000000001" {
		t.Errorf("SigIgn = %s; want SIGHUP", got)
	}
}

var _ = helper("status-of-child", func([]string) int {
	c := Command("/bin/cat", "/proc/self/status")
	c.Stdout = os.Stdout
	if c.Run() != nil {
		return 1
	}
	return 0
})
