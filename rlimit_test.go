package sprog

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestParseRlimit(t *testing.T) {
	for s, want := range map[string]Rlimit{
		"as=2G": {9, 2 << 30, 2 << 30}, "cpu=10s": {0, 10, 10}, "cpu=1m:1h": {0, 60, 3600}, "cpu=2d": {0, 172800, 172800},
		"RLIMIT_NOFILE=64:128": {7, 64, 128}, "Core=0:unlimited": {4, 0, RlimitInfinity}, "stack=infinity": {3, RlimitInfinity, RlimitInfinity},
		"memlock=64k": {8, 65536, 65536}, "rttime=7": {15, 7, 7}, "rttime=7us": {15, 7, 7}, "rttime=2ms:3s": {15, 2000, 3000000},
		"fsize=1T": {1, 1 << 40, 1 << 40}, "data=18446744073709551614": {2, RlimitInfinity - 1, RlimitInfinity - 1},
		"locks=9": {10, 9, 9}, "msgqueue=4K": {12, 4096, 4096}, "nice=0": {13, 0, 0}, "nproc=5": {6, 5, 5},
		"rss=1M": {5, 1 << 20, 1 << 20}, "rtprio=99": {14, 99, 99}, "sigpending=3": {11, 3, 3},
	} {
		if got, err := ParseRlimit(s); err != nil || got != want {
			t.Errorf("ParseRlimit(%q) = %+v, %v; want %+v", s, got, err, want)
		}
	}
	for s, want := range map[string]string{
		"nofile":                  `"nofile" is not NAME=SOFT[:HARD]`,
		"":                        `"" is not NAME=SOFT[:HARD]`,
		"files=1":                 `"files" is not a limit: as, core,`,
		"nofile=":                 "nofile=: a limit is missing",
		"nofile=1:":               "nofile=1:: a limit is missing",
		"nofile=1:2:3":            `"2:3" is not a number or unlimited`,
		"nofile=2:1":              "nofile=2:1: the soft limit is above the hard one",
		"nofile=1K":               `"1K" is not a number or unlimited`,
		"as=-1":                   `"-1" is not a number, with one of K M G T if need be, or unlimited`,
		"as=1.5G":                 `"1.5G" is not a number`,
		"as=G":                    `"G" is not a number`,
		"as=1s":                   `"1s" is not a number`,
		"cpu=1ms":                 `with one of s m h d if need be`,
		"as=99999999999T":         `"99999999999T" is too large; say unlimited`,
		"as=18446744073709551615": "is too large; say unlimited",
		"as=99999999999999999999": "is too large; say unlimited",
	} {
		if got, err := ParseRlimit(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseRlimit(%q) = %+v, %v; want %s", s, got, err, want)
		}
	}
}

func TestParseRlimitRefuses(t *testing.T) {
	for _, s := range []string{
		"=1", "nofile=:", "nofile=:1", "nofile=unlimited:1", "nofile=-1", "nofile=+1", "nofile=1.5", "nofile=0x10",
		"nofile= 1", "cpu=1G", "as=K", "as=1KK", "as=18446744073709551616", "as=16777216T", "rlimit_rlimit_as=1",
	} {
		if got, err := ParseRlimit(s); err == nil {
			t.Errorf("ParseRlimit(%q) = %+v; want an error", s, got)
		}
	}
}

func TestRlimitString(t *testing.T) {
	for want, l := range map[string]Rlimit{
		"as=2G": {9, 2 << 30, 2 << 30}, "nofile=64:128": {7, 64, 128}, "core=0:unlimited": {4, 0, RlimitInfinity},
		"cpu=90": {0, 90, 90}, "cpu=2h": {0, 7200, 7200}, "rttime=2ms": {15, 2000, 2000}, "16=1:2": {16, 1, 2}, "-1=0": {-1, 0, 0},
	} {
		if got := l.String(); got != want {
			t.Errorf("%#v.String() = %q; want %q", l, got, want)
		}
	}
	for range 2000 {
		l := Rlimit{Resource: rand.IntN(16), Cur: rand.Uint64() >> rand.IntN(64), Max: RlimitInfinity}
		if got, err := ParseRlimit(l.String()); err != nil || got != l {
			t.Errorf("ParseRlimit(%q) = %+v, %v; want %+v", l, got, err, l)
		}
	}
}
