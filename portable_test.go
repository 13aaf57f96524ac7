package sprog

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestDedupEnv(t *testing.T) {
	for _, test := range []struct {
		name string
		env  []string
		want []string
		nul  bool
	}{
		{"nothing", nil, nil, false},
		{"no repetition", []string{"A=1", "B=2"}, []string{"A=1", "B=2"}, false},
		{"last one counts", []string{"A=1", "B=2", "A=3"}, []string{"B=2", "A=3"}, false},
		{"three times", []string{"A=1", "A=2", "B=2", "A=3"}, []string{"B=2", "A=3"}, false},
		{"prefixes are other keys", []string{"A=1", "AB=2", "A=3", "ABC=4"}, []string{"AB=2", "A=3", "ABC=4"}, false},
		{"case matters", []string{"a=1", "A=2"}, []string{"a=1", "A=2"}, false},
		{"empty values", []string{"A=1", "A="}, []string{"A="}, false},
		{"empty entries go", []string{"", "A=1", ""}, []string{"A=1"}, false},
		{"entries without a key stay", []string{"A", "A=1", "A", "B"}, []string{"A", "A=1", "A", "B"}, false},
		{"Windows drives", []string{"=C:=1", "=D:=2", "=C:=3"}, []string{"=D:=2", "=C:=3"}, false},
		{"empty key", []string{"=1", "=C:=x", "=2"}, []string{"=C:=x", "=2"}, false},
		{"NUL", []string{"A=1", "B=\x00", "C=2"}, []string{"A=1", "C=2"}, true},
		{"NUL overrides nothing", []string{"A=1", "A=\x002"}, []string{"A=1"}, true},
		{"NUL overridden", []string{"A\x00=1", "A=2"}, []string{"A=2"}, true},
	} {
		filler := manyVars(fewVars)
		for _, pad := range [][]string{nil, filler} { // without and with a map
			env := slices.Concat(test.env, pad)
			given := slices.Clone(env)
			got, err := dedupEnv(env)
			if want := slices.Concat(test.want, pad); !reflect.DeepEqual(got, want) {
				t.Errorf("%s: dedupEnv(%q) = %q; want %q", test.name, test.env, got, want)
			}
			if (err != nil) != test.nul {
				t.Errorf("%s: dedupEnv(%q): %v; want an error: %v", test.name, test.env, err, test.nul)
			}
			if !reflect.DeepEqual(env, given) {
				t.Errorf("%s: dedupEnv has changed its argument to %q", test.name, env)
			}
		}
	}
}

func manyVars(n int) (env []string) {
	for i := range n {
		env = append(env, fmt.Sprintf("VAR%d=%d", i, i))
	}
	return env
}

func TestDedupEnvDoesNotCopyWithoutNeed(t *testing.T) {
	env := manyVars(fewVars)
	if n := testing.AllocsPerRun(10, func() { dedupEnv(env) }); n != 0 {
		t.Errorf("dedupEnv allocates %v times; want 0", n)
	}
}

func FuzzDedupEnv(f *testing.F) {
	f.Add("A=1\nA=2\nB\n=\n==\n\nA\x00=3", 3)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		env := strings.Split(text, "\n")
		searched, err1 := dedupEnv(env)
		x := indexEnv(slices.Concat(env, manyVars(fewVars+1)))
		var indexed []string
		for i, kv := range env {
			if kv != "" && !hasNUL(kv) && !x.overridden(i) {
				indexed = append(indexed, kv)
			}
		}
		if len(env) <= fewVars && !strings.Contains(text, "VAR") && !slices.Equal(searched, indexed) {
			t.Errorf("searched %q, with a map %q", searched, indexed)
		}
		if again, err2 := dedupEnv(searched); !slices.Equal(again, searched) || err2 != nil {
			t.Errorf("dedupEnv(%q) = %q, %v (first time: %v)", searched, again, err2, err1)
		}
	})
}

func TestEnvironIsACopy(t *testing.T) {
	for _, given := range [][]string{{"A=1", "B=2"}, {"A=1", "A=2"}, {}} {
		c := &Cmd{Env: slices.Clone(given)}
		got := c.Environ()
		for i := range got {
			got[i] = "changed"
		}
		_ = append(got, "more")
		if !slices.Equal(c.Env, given) {
			t.Errorf("Env = %q after the result of Environ was changed; want %q", c.Env, given)
		}
	}
}

func TestEnvironOfThisProcess(t *testing.T) {
	t.Setenv("SPROG_TEST_VAR", "x")
	t.Setenv("PWD", "/somewhere")
	c := &Cmd{}
	if got, want := c.Environ(), os.Environ(); !reflect.DeepEqual(got, want) {
		t.Errorf("Environ() = %q; want %q", got, want)
	}
	c.Env = []string{}
	if got := c.Environ(); got == nil || len(got) != 0 {
		t.Errorf("Environ() with an empty Env = %#v; want an empty slice", got)
	}
}

func TestDirSetsPWD(t *testing.T) {
	wd, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("PWD", "/somewhere")
	for _, test := range []struct {
		dir  string
		env  []string
		want string
	}{
		{"", nil, "PWD=/somewhere"},
		{"/tmp", nil, "PWD=/tmp"},
		{"/tmp/../tmp/", nil, "PWD=/tmp"},
		{".", nil, "PWD=" + wd},
		{"internal", nil, "PWD=" + filepath.Join(wd, "internal")},
		{"/tmp", []string{}, ""},
		{"/tmp", []string{"A=1"}, ""},
		{"/tmp", []string{"PWD=/elsewhere"}, "PWD=/elsewhere"},
	} {
		c := &Cmd{Dir: test.dir, Env: test.env}
		env := c.Environ()
		i := slices.IndexFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "PWD=") })
		got := ""
		if i >= 0 {
			got = env[i]
		}
		if got != test.want {
			t.Errorf("Dir %q, Env %q: %q; want %q", test.dir, test.env, got, test.want)
		}
	}
}

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
		l := Rlimit{Resource: RlimitResource(rand.IntN(16)), Cur: rand.Uint64() >> rand.IntN(64), Max: RlimitInfinity}
		if got, err := ParseRlimit(l.String()); err != nil || got != l {
			t.Errorf("ParseRlimit(%q) = %+v, %v; want %+v", l, got, err, l)
		}
	}
}
