//go:build amd64 || arm64

package klog

import (
	"slices"
	"testing"
)

// heard is a log that has heard records, as a kernel of version 6.18 made them.
func heard(records ...logText) *AuditLog { return &AuditLog{fd: 1 << 30, heard: records} }

// What Landlock has denied a process is read by its domain, whatever names files and programs have.
func TestDenied(t *testing.T) {
	l := heard(
		`audit: type=1423 audit(1.1:5): domain=aa blockers=fs.execute,fs.read_file path="/opt/x" dev="vda" ino=33`,
		`audit: type=1424 audit(1.1:5): domain=aa status=allocated mode=enforcing pid=77 uid=0 exe="/sprog" comm="sprog"`,
		`audit: type=1423 audit(1.1:6): domain=aa blockers=net.connect_tcp daddr=127.0.0.1 dest=81`,
		`audit: type=1423 audit(1.1:6): domain=aa blockers=net.bind_tcp src=1234`,
		`audit: type=1423 audit(1.1:7): domain=aa blockers=fs.write_file path=2F742F6120646F6D61696E3D6262 dev="vda" ino=1`, // "/t/a domain=bb"
		`audit: type=1423 audit(1.1:8): domain=aa blockers=fs.write_file path="/opt/x" dev="vda" ino=33`,
		`audit: type=1423 audit(1.1:9): domain=bb blockers=fs.read_file path="/not/ours" dev="vda" ino=1`,
		`audit: type=1424 audit(1.1:9): domain=bb status=allocated mode=enforcing pid=78 uid=0 exe=2F78207069643D3737 comm="x"`, // "/x pid=77"
		`audit: type=1424 audit(1.1:9): domain=bb status=deallocated denials=1`,
		`audit: type=1327 audit(1.1:9): domain=aa blockers=fs.read_file path="/a/title"`,
	)
	want := []Denial{
		{"fs.execute,fs.read_file,fs.write_file", "/opt/x", 0}, {"fs.write_file", "/t/a domain=bb", 0},
		{"net.bind_tcp", "", 1234}, {"net.connect_tcp", "", 81},
	}
	if got := l.Denied(77); !slices.Equal(got, want) {
		t.Errorf("Denied = %+v; want %+v", got, want)
	}
}

// A program that gives itself a name with fields in it is quoted by the kernel.
func TestRefused(t *testing.T) {
	l := heard(
		`audit: type=1326 audit(1.1:5): auid=1 uid=0 gid=0 ses=1 pid=7 comm=2220636F64653D30 exe="/a" sig=0 arch=c000003e syscall=83 compat=0 ip=0x1 code=0x50000`,
		`audit: type=1326 audit(1.1:6): auid=1 uid=0 gid=0 ses=1 pid=7 comm="b" exe="/a" sig=31 arch=c000003e syscall=83 compat=0 ip=0x1 code=0x80000000`,
	)
	if got, want := l.Refused(), []Refusal{{"mkdir", `" code=0`}}; !slices.Equal(got, want) {
		t.Errorf("Refused = %+v; want %+v", got, want)
	}
}
