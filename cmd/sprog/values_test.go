//go:build linux

package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/sprog-dev/sprog"
	"golang.org/x/sys/unix"
)

func TestParseRlimit(t *testing.T) {
	const inf = sprog.RlimitInfinity
	for _, tt := range []struct {
		in   string
		want sprog.Rlimit
	}{
		{"nofile=64:128", sprog.Rlimit{Resource: unix.RLIMIT_NOFILE, Cur: 64, Max: 128}},
		{"RLIMIT_NOFILE=64", sprog.Rlimit{Resource: unix.RLIMIT_NOFILE, Cur: 64, Max: 64}},
		{"as=1G:unlimited", sprog.Rlimit{Resource: unix.RLIMIT_AS, Cur: 1 << 30, Max: inf}},
		{"core=infinity", sprog.Rlimit{Resource: unix.RLIMIT_CORE, Cur: inf, Max: inf}},
		{"stack=8m", sprog.Rlimit{Resource: unix.RLIMIT_STACK, Cur: 8 << 20, Max: 8 << 20}},
		{"cpu=90:2m", sprog.Rlimit{Resource: unix.RLIMIT_CPU, Cur: 90, Max: 120}},
		{"rttime=5:1s", sprog.Rlimit{Resource: unix.RLIMIT_RTTIME, Cur: 5, Max: 1e6}},
		{"nice=0:0", sprog.Rlimit{Resource: unix.RLIMIT_NICE}},
	} {
		got, err := parseRlimit(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("parseRlimit(%q) = %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
	for _, in := range []string{
		"", "nofile", "=1", "nofile=", "nofile=:", "nofile=1:", "nofile=:1", "nofile=1:2:3", "nofile=2:1",
		"nofile=unlimited:1", "nofile=1K", "nofile=-1", "nofile=+1", "nofile=1.5", "nofile=0x10", "cpu=1G", "as=1s",
		"as=K", "as=1KK", "as=18446744073709551615", "as=18446744073709551616", "as=16777216T", "files=1",
	} {
		if got, err := parseRlimit(in); err == nil {
			t.Errorf("parseRlimit(%q) = %v, nil; want an error", in, got)
		}
	}
}

func TestLimitKindsAreComplete(t *testing.T) {
	const all = 16 // RLIM_NLIMITS
	seen := map[int]bool{}
	for _, k := range limitKinds {
		seen[k.resource] = true
	}
	if len(limitKinds) != all || len(seen) != all {
		t.Errorf("%d limits with %d numbers; want %d of both", len(limitKinds), len(seen), all)
	}
}

func TestParseSignal(t *testing.T) {
	for in, want := range map[string]syscall.Signal{
		"TERM": 15, "SIGTERM": 15, "sigterm": 15, "term": 15, "15": 15, "1": 1, "64": 64,
		"RTMIN": 34, "SIGRTMIN+3": 37, "RTMAX-1": 63, "RTMAX": 64, "USR1": 10, "WINCH": 28,
	} {
		if got, err := parseSignal(in); err != nil || got != want {
			t.Errorf("parseSignal(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "0", "65", "-1", "SIG", "NOPE", "RTMIN-1", "RTMAX+1", "RTMIN+31", "RTMIN+x", "1.5"} {
		if got, err := parseSignal(in); err == nil {
			t.Errorf("parseSignal(%q) = %d, nil; want an error", in, got)
		}
	}
}

func TestParseSpan(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"1": time.Second, "1.5": 1500 * time.Millisecond, "90s": 90 * time.Second, "2h": 2 * time.Hour,
		"1m30s": 90 * time.Second, "2d": 48 * time.Hour, "10ms": 10 * time.Millisecond,
	} {
		if got, err := parseSpan(in); err != nil || got != want {
			t.Errorf("parseSpan(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "0", "-1", "0s", "NaN", "Inf", "1e300", "xd", "d", "1x", "99999999d"} {
		if got, err := parseSpan(in); err == nil {
			t.Errorf("parseSpan(%q) = %v, nil; want an error", in, got)
		}
	}
}

func TestParseMap(t *testing.T) {
	for in, want := range map[string]syscall.SysProcIDMap{
		"0":              {ContainerID: 0, HostID: -1, Size: 1},
		"5:1000":         {ContainerID: 5, HostID: 1000, Size: 1},
		"0:100000:65536": {ContainerID: 0, HostID: 100000, Size: 65536},
	} {
		if got, err := parseMap(in); err != nil || got != want {
			t.Errorf("parseMap(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", ":", "0:", ":1", "a", "-1", "0:-1", "0:0:0", "0:0:1:1", "4294967295", "0:4294967296"} {
		if got, err := parseMap(in); err == nil {
			t.Errorf("parseMap(%q) = %v, nil; want an error", in, got)
		}
	}
}

func TestParseCap(t *testing.T) {
	for in, want := range map[string]uintptr{
		"chown": unix.CAP_CHOWN, "cap_net_raw": unix.CAP_NET_RAW, "CAP_SYS_ADMIN": unix.CAP_SYS_ADMIN,
	} {
		if got, err := parseCap(in); err != nil || got != want {
			t.Errorf("parseCap(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "cap_", "cap_cap_chown", "all", "0"} {
		if got, err := parseCap(in); err == nil {
			t.Errorf("parseCap(%q) = %d, nil; want an error", in, got)
		}
	}
}

func TestEnvironment(t *testing.T) {
	t.Setenv("COPIED", "from caller")
	base := []string{"A=1", "B=2", "AB=3"}
	for _, tt := range []struct {
		name  string
		flags startFlags
		want  []string
	}{
		{"nothing asked", startFlags{}, base},
		{"unset", startFlags{UnsetEnv: nameList{"A", "X"}}, []string{"B=2", "AB=3"}},
		{"set", startFlags{Env: envList{"B=x=y", "C="}}, []string{"A=1", "AB=3", "B=x=y", "C="}},
		{"last wins", startFlags{Env: envList{"B=x", "B=y"}}, []string{"A=1", "AB=3", "B=y"}},
		{"clear", startFlags{ClearEnv: true, Env: envList{"COPIED", "MISSING"}}, []string{"COPIED=from caller"}},
		{"unset, then set", startFlags{UnsetEnv: nameList{"A"}, Env: envList{"A=9"}}, []string{"B=2", "AB=3", "A=9"}},
	} {
		if diff := cmp.Diff(tt.want, tt.flags.environment(base)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
	if strings.Join(base, " ") != "A=1 B=2 AB=3" {
		t.Errorf("the base was changed: %q", base)
	}
}

// An environment that is nil would be the caller's.
func TestEmptyEnvironment(t *testing.T) {
	flags := startFlags{ClearEnv: true}
	if got := flags.environment([]string{"A=1"}); got == nil || len(got) != 0 {
		t.Errorf("environment with --clear-env = %#v; want an empty list that is not nil", got)
	}
}
