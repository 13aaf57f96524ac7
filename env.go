package sprog

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/sprog-dev/sprog/internal/spec"
)

// Environ returns the environment that the program would get if it were
// started now: that of [Cmd.Env], or of this process, with PWD where Dir calls
// for it and without repeated keys. The caller may change the result. Entries
// that would make Start return an error are left out.
func (c *Cmd) Environ() []string {
	env, _ := c.environ()
	if len(env) > 0 && len(c.Env) > 0 && &env[0] == &c.Env[0] {
		env = slices.Clone(env)
	}
	return env
}

// environ is Environ with an error for what makes a start impossible. If no
// entry has to go, the result is c.Env itself, not a copy.
func (c *Cmd) environ() ([]string, error) {
	if c.Env != nil {
		return dedupEnv(c.Env)
	}
	env := os.Environ() // no key is in it twice
	if c.Attr != nil && c.Attr.DirFile != nil {
		return slices.DeleteFunc(env, isPWD), nil
	}
	if c.Attr != nil && len(c.Attr.Dirs) > 0 { // the child knows which one it is
		return append(slices.DeleteFunc(env, isPWD), "PWD="+c.Attr.Dirs[0]), nil
	}
	if c.Dir == "" || runtime.GOOS == "windows" || runtime.GOOS == "plan9" {
		return env, nil
	}
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return env, &StartError{Step: "getcwd", Field: "Dir", Object: c.Dir, Err: err}
	}
	env = slices.DeleteFunc(env, isPWD)
	return append(env, "PWD="+dir), nil
}

func isPWD(kv string) bool { return strings.HasPrefix(kv, "PWD=") }

// fewVars is the number of variables up to which comparing every key with
// every other is cheaper than a map. Most environments are smaller.
const fewVars = 64

// dedupEnv returns env without the entries that a later one overrides, those
// that are empty, and those with a NUL byte; the last are also an error. If
// every entry stays, the result is env itself.
func dedupEnv(env []string) (kept []string, err error) {
	index := indexEnv(env)
	kept = env
	whole := true // kept is still env
	for i, kv := range env {
		nul := hasNUL(kv)
		if nul && err == nil {
			err = spec.Refuse("Env", envKey(kv), "contains a NUL byte")
		}
		drop := nul || kv == "" || index.overridden(i)
		switch {
		case drop && whole:
			whole = false
			kept = append(make([]string, 0, len(env)-1), env[:i]...)
		case !drop && !whole:
			kept = append(kept, kv)
		}
	}
	return kept, err
}

// An envIndex finds the entry that counts for a key.
type envIndex struct {
	env  []string
	last map[string]int // by key; nil if env is short enough to be searched
}

func indexEnv(env []string) envIndex {
	x := envIndex{env: env}
	if len(env) <= fewVars {
		return x
	}
	x.last = make(map[string]int, len(env))
	for i, kv := range env {
		if key := envKey(kv); isEntry(kv, key) && !hasNUL(kv) {
			x.last[key] = i
		}
	}
	return x
}

// overridden reports whether entry i has a key that a later entry has as well.
func (x envIndex) overridden(i int) bool {
	key := envKey(x.env[i])
	if !isEntry(x.env[i], key) {
		return false
	}
	if x.last != nil {
		return x.last[key] > i
	}
	for _, kv := range x.env[i+1:] {
		if isEntry(kv, key) && envKey(kv) == key && !hasNUL(kv) {
			return true
		}
	}
	return false
}

// isEntry reports whether kv begins with key and "=".
func isEntry(kv, key string) bool {
	return len(kv) > len(key) && kv[len(key)] == '=' && kv[:len(key)] == key
}

// envKey is what stands before the "=" of an entry, or all of it if it has
// none. An "=" in the first place is part of a key that has another one after
// it, as in Windows' "=C:=C:\dir".
func envKey(kv string) string {
	i := strings.IndexByte(kv, '=')
	if i == 0 {
		i = 1 + strings.IndexByte(kv[1:], '=')
	}
	if i < 0 {
		return kv
	}
	return kv[:i]
}

func hasNUL(s string) bool { return strings.IndexByte(s, 0) >= 0 }
