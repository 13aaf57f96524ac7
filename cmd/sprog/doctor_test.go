//go:build linux

package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sprog-dev/sprog"
)

func TestDoctorText(t *testing.T) {
	find := func(name, group, what string, s sprog.Support) finding {
		return finding{sprog.Feature{Name: name, Group: group, Since: "1.0", For: what}, s}
	}
	d := diagnosis{
		Process: ownProcess{Kernel: "6.1", Machine: "x86_64", UID: 1000, Filter: true, NoNewPrivs: true, Container: "podman"},
		Features: []finding{
			find("one", "first", "Attr.One", sprog.Support{Answer: sprog.Yes}),
			find("longer-name", "first", "Attr.Two", sprog.Support{Answer: sprog.Yes, Reason: "with something", Capability: "CAP_X"}),
			find("three", "second", "Attr.Three", sprog.Support{Answer: sprog.No, Reason: "takes CAP_SYS_ADMIN, which is a long story of words", Capability: "CAP_SYS_ADMIN"}),
			find("four", "second", "Attr.Four", sprog.Support{Answer: sprog.No, Reason: "takes CAP_SYS_ADMIN, which is a long story of words", Capability: "CAP_SYS_ADMIN"}),
			find("five", "second", "Attr.Five", sprog.Support{Reason: "no answer"}),
		},
	}
	want := `
Linux 6.1 on x86_64, asked by uid 1000 with no
capabilities, it seems in a container of podman.
no_new_privs is set: no program gains rights by
being executed, newuidmap among them.
A seccomp filter is in force.

first
  yes      one          Attr.One
  yes      longer-name  with something

second
  no       three        takes CAP_SYS_ADMIN, which
                        is a long story of words
  no       four         as above
  unknown  five         no answer

2 of 5 features can be used, 1 of them only with a
new user namespace; of 1 it is not known.
More could be with CAP_SYS_ADMIN: root has them,
and in a container those that --cap-add has given.
The seccomp filter in force may refuse what a
capability is missing for, too. --security-opt
seccomp=FILE of podman sets another, and --cap-add
relaxes the one that is there by default.
`[1:]
	if diff := cmp.Diff(want, d.text(50)); diff != "" {
		t.Errorf("the report differs (-want +got):\n%s", diff)
	}
	if longest := strings.Count(d.text(0), "\n"); longest >= strings.Count(want, "\n") {
		t.Errorf("%d lines where there is no width; want fewer than %d", longest, strings.Count(want, "\n"))
	}
}
