package cgroup

import (
	"maps"
	"slices"
	"testing"

	"github.com/sprog-dev/sprog/internal/mountinfo"
)

func TestLines(t *testing.T) {
	const list = "12:cpu,cpuacct:/a\n3:name=systemd:/s:x\n0::/user.slice/a:b\n"
	if p, ok := lineOfCgroup2(list); p != "/user.slice/a:b" || !ok {
		t.Errorf("of v2: %q, %v", p, ok)
	}
	if p, ok := lineOfCgroup2("3:cpu:/a\n"); ok {
		t.Errorf("of v2, where there is none: %q", p)
	}
	for _, test := range []struct {
		options []string
		want    string
	}{
		{[]string{"rw", "cpu", "cpuacct"}, "/a"},
		{[]string{"rw", "name=systemd"}, "/s:x"},
		{[]string{"rw", "cpu"}, ""},
	} {
		if p, ok := lineOfHierarchy(list, test.options); p != test.want || ok != (test.want != "") {
			t.Errorf("of %v: %q, %v; want %q", test.options, p, ok, test.want)
		}
	}
}

func TestUnder(t *testing.T) {
	for _, test := range []struct{ root, point, own, want string }{
		{"/", "/sys/fs/cgroup", "/", "/sys/fs/cgroup"},
		{"/", "/sys/fs/cgroup", "/a/b", "/sys/fs/cgroup/a/b"},
		{"/a", "/mnt", "/a/b", "/mnt/b"},
		{"/a", "/mnt", "/a", "/mnt"},
		{"/a", "/mnt", "/ab", ""},
		{"/a", "/mnt", "/", ""},
		{"/..", "/mnt", "/", ""}, // mounted in a cgroup namespace above
	} {
		m := mountinfo.Mount{Root: test.root, Point: test.point}
		if got, ok := under(m, test.own); got != test.want || ok != (test.want != "") {
			t.Errorf("the cgroup %s in a mount of %s at %s: %q, %v; want %q", test.own, test.root, test.point, got, ok, test.want)
		}
	}
}

func TestCounters(t *testing.T) {
	for _, test := range []struct {
		text      string
		perDevice bool
		want      counters
	}{
		{"usage_usec 12\nnr_periods 0\nbad\nworse x\n", false, counters{"usage_usec": 12, "nr_periods": 0}},
		{"8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n8:16 rbytes=10 rios=30\n\n", true,
			counters{"rbytes": 11, "wbytes": 2, "rios": 33, "wios": 4, "dbytes": 0, "dios": 0}},
		{"", true, counters{"rbytes": 0, "wbytes": 0, "rios": 0, "wios": 0}},
	} {
		if got := parseCounters(test.text, test.perDevice); !maps.Equal(got, test.want) {
			t.Errorf("parseCounters(%q) = %v; want %v", test.text, got, test.want)
		}
	}
}

// A controller is needed once, whatever asks for it, and the core's files need
// none.
func TestEnables(t *testing.T) {
	s := Spec{Controllers: []string{"rdma", "memory"}}
	if got := new(Spec).Enables(); got != "" {
		t.Errorf("nothing enables %q", got)
	}
	for _, file := range []string{"memory.max", "cgroup.max.depth", "cpu.pressure", "memory.high", "pids.max"} {
		s.Writes = append(s.Writes, Write{File: file})
	}
	if got, want := s.Enables(), "+memory +pids +rdma"; got != want {
		t.Errorf("Enables() = %q; want %q", got, want)
	}
	if got := wordsNotIn([]string{"a", "b", "c"}, []string{"b"}); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("wordsNotIn = %q", got)
	}
}
