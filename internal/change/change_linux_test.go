//go:build amd64 || arm64

package change

import (
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

// A process that is no longer listed once it is held is left alone: its number may have been another's.
func TestAllLooksAgain(t *testing.T) {
	c := exec.Command("sleep", "1000")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Kill()
	pid := c.Process.Pid
	nice := func() int {
		n, err := unix.Getpriority(unix.PRIO_PROCESS, pid)
		if err != nil {
			t.Fatal(err)
		}
		return 20 - n
	}
	before := nice()
	for _, test := range []struct {
		lists [][]int
		want  int
	}{
		{[][]int{{pid}, {}, {}}, before},
		{[][]int{{pid}, {pid}, {pid}}, before + 1},
	} {
		calls := 0
		list := func() ([]int, error) {
			calls++
			return test.lists[min(calls, len(test.lists))-1], nil
		}
		if err := All(list, &spec.Attr{Nice: new(before + 1)}); err != nil {
			t.Error(err)
		}
		if got := nice(); got != test.want {
			t.Errorf("with the lists %v its nice value is %d; want %d", test.lists, got, test.want)
		}
	}
}
