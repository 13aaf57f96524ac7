//go:build amd64 || arm64

package sprog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// deny is a filter that denies calls with an errno.
func deny(errno uint16, names ...string) *Seccomp {
	return &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: names, Action: SeccompErrno, Errno: &errno}}}
}

// notifying is a filter with a listener.
func notifying(names ...string) *Seccomp {
	return &Seccomp{Default: SeccompAllow, Rules: []SeccompRule{{Names: names, Action: SeccompNotify}}}
}

// allowing is a program of n instructions.
func allowing(n int) []byte {
	return bytes.Repeat([]byte{0x06, 0, 0, 0, 0, 0, 0xff, 0x7f}, n) // return SECCOMP_RET_ALLOW
}

var casesOfSeccomp = []startCase{
	{"seccomp", nil, withAttr(&Attr{NoNewPrivs: true, Seccomp: deny(38, "mkdir", "mkdirat", "ptrace")})},
	{"seccomp programs", nil, func(_ *testing.T, c *Cmd) {
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: deny(1, "ptrace")}
		c.Attr.Seccomp.Programs = [][]byte{allowing(1), allowing(2)}
	}},
	{"seccomp listener", nil, withAttr(&Attr{NoNewPrivs: true, Seccomp: notifying("mkdir")})},
	{"seccomp listener of another user", []*requirement{asRoot}, func(t *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir")}
	}},
	{"seccomp listener with a real-time policy", []*requirement{realTime}, func(_ *testing.T, c *Cmd) {
		c.Attr = &Attr{NoNewPrivs: true, Seccomp: notifying("mkdir"), Scheduler: &Scheduler{Policy: SchedFIFO, Priority: 1}}
	}},
	{"seccomp and init", nil, withAttr(&Attr{NoNewPrivs: true, Init: &Init{}, Seccomp: deny(1, "ptrace")})},
}

var plansOfSeccomp = []planCase{
	{"seccomp", by(&Attr{NoNewPrivs: true, Seccomp: &Seccomp{
		Default: SeccompErrno, Archs: []string{"x86_64", "aarch64"}, Log: true, SpecAllow: true,
		Rules: []SeccompRule{{Names: []string{"execve", "read", "write"}, Action: SeccompAllow}},
	}})},
	{"seccomp-listener", by(&Attr{NoNewPrivs: true, Seccomp: &Seccomp{
		Default: SeccompAllow, Archs: []string{"x86_64", "aarch64"}, WaitKillable: true,
		Rules: []SeccompRule{{Names: []string{"mount"}, Action: SeccompNotify}},
	}})},
	{"seccomp-programs", by(&Attr{NoNewPrivs: true, Init: &Init{}, Seccomp: &Seccomp{
		Programs: [][]byte{allowing(6), allowing(4)},
	}})},
}

// facetsOfSeccomp use a call that no program makes any more.
var facetsOfSeccomp = []facet{
	{name: "seccomp",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).NoNewPrivs = true
			attr(c).Seccomp = deny(uint16(100+r.IntN(30)), "remap_file_pages")
			if r.IntN(2) == 0 {
				attr(c).Seccomp.Programs = [][]byte{allowing(1)}
			}
		},
		expect: func(c *Cmd) map[string]string {
			return map[string]string{
				"status:Seccomp":    "2",
				"status:NoNewPrivs": "1",
				fmt.Sprintf("errno:%d", unix.SYS_REMAP_FILE_PAGES): strconv.Itoa(int(*c.Attr.Seccomp.Rules[0].Errno)),
			}
		}},
}
