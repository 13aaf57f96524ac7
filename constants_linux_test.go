//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Each constant is the limit that prlimit(1) has under the constant's name.
func TestRlimitConstants(t *testing.T) {
	requires(t, tool("prlimit"))
	all := []RlimitResource{RlimitCPU, RlimitFsize, RlimitData, RlimitStack, RlimitCore, RlimitRSS, RlimitNproc, RlimitNofile,
		RlimitMemlock, RlimitAS, RlimitLocks, RlimitSigpending, RlimitMsgqueue, RlimitNice, RlimitRtprio, RlimitRttime}
	if len(all) != len(limitKinds) {
		t.Fatalf("%d constants for %d limits", len(all), len(limitKinds))
	}
	for _, r := range all {
		var now unix.Rlimit
		if err := unix.Getrlimit(int(r), &now); err != nil {
			t.Fatal(err)
		}
		limit := Rlimit{Resource: r, Cur: min(now.Max, 1<<40+12345), Max: now.Max}
		if r == RlimitNofile {
			limit.Cur = min(now.Max, 123)
		}
		out := printed(t, nil, &Attr{Rlimits: []Rlimit{limit}}, "prlimit", "--raw", "--noheadings", "--output", "SOFT", "--"+r.String())
		want := fmt.Sprint(limit.Cur)
		if limit.Cur == RlimitInfinity {
			want = "unlimited"
		}
		if got := strings.TrimSpace(out); got != want {
			t.Errorf("prlimit --%s = %s; want %s", r, got, want)
		}
	}
}

// Each constant is what setarch(8) sets for the flag of its name. ReadImpliesExec, which stands between
// others, is none of them: execve takes it from programs that say that they need no such thing.
func TestPersonalityConstants(t *testing.T) {
	requires(t, tool("setarch"))
	for flag, want := range map[string]Personality{
		"--uname-2.6": UName26, "--addr-no-randomize": AddrNoRandomize, "--fdpic-funcptrs": FDPICFuncPtrs,
		"--mmap-page-zero": MmapPageZero, "--addr-compat-layout": AddrCompatLayout,
		"--32bit": AddrLimit32Bit, "--short-inode": ShortInode, "--whole-seconds": WholeSeconds,
		"--sticky-timeouts": StickyTimeouts, "--3gb": AddrLimit3GB,
	} {
		out, err := exec.Command("setarch", flag, "cat", "/proc/self/personality").CombinedOutput()
		if err != nil {
			t.Errorf("setarch %s: %v\n%s", flag, err, out)
			continue
		}
		if got := strings.TrimSpace(string(out)); got != fmt.Sprintf("%08x", uint32(want)) {
			t.Errorf("setarch %s sets %s; want %08x", flag, got, uint32(want))
		}
		if got := strings.TrimSpace(printed(t, nil, &Attr{Personality: &want}, "cat", "/proc/self/personality")); got != fmt.Sprintf("%08x", uint32(want)) {
			t.Errorf("the program has %s; want %08x", got, uint32(want))
		}
	}
}
