//go:build linux

package main

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

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
		"1m30s": 90 * time.Second, "2d": 48 * time.Hour, "100000d": 100000 * 24 * time.Hour, "10ms": 10 * time.Millisecond,
	} {
		if got, err := parseSpan(in); err != nil || got != want {
			t.Errorf("parseSpan(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "0", "-1", "0s", "NaN", "Inf", "1e300", "xd", "d", "1x", "106752d", "99999999d"} {
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
		"chown": unix.CAP_CHOWN, "cap_net_raw": unix.CAP_NET_RAW, "CAP_SYS_ADMIN": unix.CAP_SYS_ADMIN, "0": 0, "63": 63,
	} {
		if got, err := parseCap(in); err != nil || got != want {
			t.Errorf("parseCap(%q) = %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "cap_", "cap_cap_chown", "all", "64", "-1"} {
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
