package accounts

import (
	"slices"
	"testing"
)

const passwd = `# a comment:x:1:1
root:x:0:0:root:/root:/bin/bash

+nis:x:7:7::/:
-nis:x:7:7::/:
:x:8:8::/:
few:x:9
wrong:x:nine:9::/:
large:x:4294967296:9::/:
leave:x:4294967295:9::/:
negative:x:-1:9::/:
spaced:x: 1:9::/:
short:x:10:100
dos:x:11:100:::
twice:x:12:100:::
twice:x:13:100:::
again:x:12:101:::
last:x:14:100::/home/last:/bin/sh`

func TestUsers(t *testing.T) {
	for _, name := range []string{"", "# a comment", "+nis", "-nis", "nis", "few", "wrong", "large", "leave", "negative", "spaced", "absent", "root:x"} {
		if u, ok := UserNamed(passwd, name); ok {
			t.Errorf("UserNamed(%q) = %v; want none", name, u)
		}
	}
	for _, want := range []User{{"root", 0, 0}, {"short", 10, 100}, {"twice", 12, 100}, {"last", 14, 100}} {
		if u, ok := UserNamed(passwd, want.Name); !ok || u != want {
			t.Errorf("UserNamed(%q) = %v, %v; want %v", want.Name, u, ok, want)
		}
		if u, ok := UserNumbered(passwd, want.UID); !ok || u != want {
			t.Errorf("UserNumbered(%d) = %v, %v; want %v", want.UID, u, ok, want)
		}
	}
	if u, ok := UserNumbered(passwd, 7); ok {
		t.Errorf("UserNumbered(7) = %v; want none", u)
	}
}

const group = "root:x:0:\n+nis:x:1:last\r\nwheel:x:10:root,last\r\ntty:x:5\nno:x:x:last\n#c:x:2:last\nsub:x:11:lastly,a.last\nown:x:100:last\ndup:x:10:last"

func TestGroups(t *testing.T) {
	for name, want := range map[string]uint32{"root": 0, "wheel": 10, "tty": 5, "dup": 10} {
		if gid, ok := GroupNamed(group, name); !ok || gid != want {
			t.Errorf("GroupNamed(%q) = %d, %v; want %d", name, gid, ok, want)
		}
	}
	for _, name := range []string{"", "+nis", "no", "#c", "last"} {
		if gid, ok := GroupNamed(group, name); ok {
			t.Errorf("GroupNamed(%q) = %d; want none", name, gid)
		}
	}
	if got, want := GroupsOf(group, User{"last", 14, 100}), []uint32{100, 10}; !slices.Equal(got, want) {
		t.Errorf("GroupsOf(last) = %v; want %v", got, want)
	}
	if got := GroupsOf("", User{"x", 1, 2}); !slices.Equal(got, []uint32{2}) {
		t.Errorf("GroupsOf in an empty file = %v; want [2]", got)
	}
}
