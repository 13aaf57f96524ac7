package mountinfo

import (
	"os"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestMounts(t *testing.T) {
	for _, test := range []struct {
		text string
		want []Mount
	}{
		{"", nil},
		{"36 35 98:0 /a /b\n", nil},
		{"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue\n",
			[]Mount{{"36", "/mnt1", "/mnt2", "ext3", []string{"rw", "noatime"}, []string{"rw", "errors=continue"}}}},
		{`1 2 0:3 /a\040b /\134\011c\012 rw - cgroup2 cgroup2 rw` + "\n",
			[]Mount{{"1", "/a b", "/\\\tc\n", "cgroup2", []string{"rw"}, []string{"rw"}}}},
		{`1 2 0:3 / /half\04 rw - tmpfs  rw,size=1k`, // a source without a name
			[]Mount{{"1", "/", `/half\04`, "tmpfs", []string{"rw"}, []string{"rw", "size=1k"}}}},
	} {
		if got := slices.Collect(Mounts(test.text)); !reflect.DeepEqual(got, test.want) {
			t.Errorf("Mounts(%q) = %+v; want %+v", test.text, got, test.want)
		}
	}
}

// Every line that the kernel writes is a mount.
func TestOwnMounts(t *testing.T) {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil && runtime.GOOS != "linux" {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(slices.Collect(Mounts(string(text)))), strings.Count(string(text), "\n"); got != want || got == 0 {
		t.Errorf("%d mounts in %d lines", got, want)
	}
}
