//go:build amd64 || arm64

package sprog

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

var (
	combineN    = flag.Int("combine.n", 150, "how many random sets of facilities are started")
	combineSeed = flag.Uint64("combine.seed", 1, "the seed of the random sets; 0 takes one from the clock")
)

// A facet is one facility of a start, at a random value. Random sets of them
// are started for real, and what the program sees of itself is compared with
// what was asked for.
type facet struct {
	name  string
	needs []*requirement
	// without are the facets that it cannot be combined with.
	without []string
	// draw adds the facility to a command.
	draw func(r *rand.Rand, t *testing.T, c *Cmd)
	// expect tells what the program must see, by the keys of looks. It is
	// called with the complete command. A value that begins with "!" must not
	// be seen.
	expect func(c *Cmd) map[string]string
}

// looks are what a program can look up of itself, by the part of a key before
// the colon; the rest is the argument.
var looks = map[string]func(arg string) string{
	"status": func(name string) string { return procField("/proc/self/status", name) },
	"file":   func(path string) string { return strings.TrimSpace(contentsOf(path)) },
	"link": func(path string) string {
		to, err := os.Readlink(path)
		if err != nil {
			return err.Error()
		}
		return to
	},
	"umask":  func(string) string { return fmt.Sprintf("%04o", syscall.Umask(0)) },
	"groups": func(string) string { g, _ := unix.Getgroups(); return fmt.Sprint(g) },
	"ids": func(string) string {
		ruid, euid, suid := unix.Getresuid()
		rgid, egid, sgid := unix.Getresgid()
		return fmt.Sprint(ruid, euid, suid, rgid, egid, sgid)
	},
	"leads": func(what string) string {
		id := unix.Getpgrp()
		if what == "session" {
			id, _ = unix.Getsid(0)
		}
		return strconv.FormatBool(id == os.Getpid())
	},
	"cwd": func(string) string { dir, _ := unix.Getwd(); return dir },
	"limit": func(resource string) string {
		n, _ := strconv.Atoi(resource)
		var limit unix.Rlimit
		unix.Prlimit(0, n, nil, &limit)
		return fmt.Sprint(limit.Cur, limit.Max)
	},
	"pdeathsig": func(string) string {
		var sig int32
		unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&sig)), 0, 0, 0)
		return fmt.Sprint(sig)
	},
	"prctl": func(op string) string {
		n, _ := strconv.Atoi(op)
		v, err := unix.PrctlRetInt(n, 0, 0, 0, 0)
		if err != nil {
			return err.Error()
		}
		return strconv.Itoa(v)
	},
	"errno": func(call string) string {
		n, _ := strconv.Atoi(call)
		_, _, errno := syscall.RawSyscall6(uintptr(n), 0, 0, 0, 0, 0, 0)
		return strconv.Itoa(int(errno))
	},
	"personality": func(string) string {
		p, _, _ := syscall.RawSyscall(unix.SYS_PERSONALITY, 0xffffffff, 0, 0)
		return fmt.Sprintf("%08x", p)
	},
	"reads": func(fd string) string {
		n, _ := strconv.Atoi(fd)
		buf := make([]byte, 100)
		got, err := unix.Pread(n, buf, 0)
		if err != nil {
			return err.Error()
		}
		return string(buf[:got])
	},
}

// look KEY...: print a line with what the process sees for each.
var _ = helper("look", func(args []string) int {
	for _, key := range args {
		kind, arg, _ := strings.Cut(key, ":")
		fmt.Printf("%q\n", looks[kind](arg))
	}
	return 0
})

func sys(c *Cmd) *syscall.SysProcAttr {
	if c.SysProcAttr == nil {
		c.SysProcAttr = new(syscall.SysProcAttr)
	}
	return c.SysProcAttr
}

func attr(c *Cmd) *Attr {
	if c.Attr == nil {
		c.Attr = new(Attr)
	}
	return c.Attr
}

// seesStatus is what expect tells of one line of /proc/self/status.
func seesStatus(name, value string) map[string]string {
	return map[string]string{"status:" + name: value}
}

// facets are all of them. Those of the facilities beyond SysProcAttr stand in
// the tests of the facility.
func facets() []facet {
	return slices.Concat(facetsOfSys, facetsOfJoining, facetsOfInside, facetsOfForbidding, facetsOfAttr, facetsOfFiles, facetsOfCredentials, facetsOfSignals, facetsOfSched, facetsOfLandlock, facetsOfIDMap, facetsOfSeccomp, facetsOfCgroups)
}

var facetsOfSys = []facet{
	{name: "session",
		draw:   func(r *rand.Rand, _ *testing.T, c *Cmd) { sys(c).Setsid = true },
		expect: func(c *Cmd) map[string]string { return leads(c, "session") }},
	{name: "group", without: []string{"session"},
		draw:   func(r *rand.Rand, _ *testing.T, c *Cmd) { sys(c).Setpgid = true },
		expect: func(c *Cmd) map[string]string { return leads(c, "group") }},
	{name: "parent-death signal",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) { sys(c).Pdeathsig = syscall.Signal(1 + r.IntN(15)) },
		expect: func(c *Cmd) map[string]string {
			if c.Attr != nil && c.Attr.Init != nil {
				return nil // it is the init's
			}
			return map[string]string{"pdeathsig:": strconv.Itoa(int(c.SysProcAttr.Pdeathsig))}
		}},
	{name: "credential", needs: []*requirement{asRoot},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			sys(c).Credential = &syscall.Credential{Uid: 1 + r.Uint32N(9), Gid: 1 + r.Uint32N(9), Groups: []uint32{r.Uint32N(9)}}
		},
		expect: func(c *Cmd) map[string]string {
			cred := c.SysProcAttr.Credential
			return map[string]string{
				"ids:":    fmt.Sprint(cred.Uid, cred.Uid, cred.Uid, cred.Gid, cred.Gid, cred.Gid),
				"groups:": fmt.Sprint(cred.Groups),
			}
		}},
	{name: "user namespace", needs: []*requirement{asRoot, userNamespaces},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			sys(c).Cloneflags |= syscall.CLONE_NEWUSER
			sys(c).UidMappings, sys(c).GidMappings, sys(c).GidMappingsEnableSetgroups = rangesOfIDs, rangesOfIDs, true
		},
		expect: func(*Cmd) map[string]string { return newNamespace("user") }},
	{name: "PID namespace", needs: []*requirement{asRoot},
		draw:   func(_ *rand.Rand, _ *testing.T, c *Cmd) { sys(c).Cloneflags |= syscall.CLONE_NEWPID },
		expect: func(*Cmd) map[string]string { return newNamespace("pid") }},
	{name: "namespaces at birth", needs: []*requirement{asRoot},
		draw: func(_ *rand.Rand, _ *testing.T, c *Cmd) {
			sys(c).Cloneflags |= syscall.CLONE_NEWIPC | syscall.CLONE_NEWNET
		},
		expect: func(*Cmd) map[string]string {
			want := newNamespace("ipc")
			maps.Copy(want, newNamespace("net"))
			return want
		}},
	{name: "namespaces unshared", needs: []*requirement{asRoot},
		draw: func(_ *rand.Rand, _ *testing.T, c *Cmd) {
			sys(c).Unshareflags |= syscall.CLONE_NEWNS | syscall.CLONE_NEWUTS
		},
		expect: func(*Cmd) map[string]string {
			want := newNamespace("mnt")
			maps.Copy(want, newNamespace("uts"))
			return want
		}},
	{name: "chroot", needs: []*requirement{asRoot},
		draw: func(_ *rand.Rand, _ *testing.T, c *Cmd) { sys(c).Chroot = "/" },
		expect: func(c *Cmd) map[string]string {
			if c.Dir != "" {
				return nil
			}
			return map[string]string{"cwd:": "/"}
		}},
	{name: "dir",
		draw:   func(r *rand.Rand, _ *testing.T, c *Cmd) { c.Dir = [...]string{"/", "/tmp", "/dev"}[r.IntN(3)] },
		expect: func(c *Cmd) map[string]string { return map[string]string{"cwd:": c.Dir} }},
	{name: "extra files",
		draw: func(r *rand.Rand, t *testing.T, c *Cmd) {
			for range 1 + r.IntN(20) {
				f := tempFile(t)
				fmt.Fprintf(f, "file %d", len(c.ExtraFiles))
				c.ExtraFiles = append(c.ExtraFiles, f)
			}
		},
		expect: func(c *Cmd) map[string]string {
			// The program itself opens some, by looking.
			want := map[string]string{fmt.Sprintf("reads:%d", 40+len(c.ExtraFiles)): "bad file descriptor"}
			for i := range c.ExtraFiles {
				want[fmt.Sprintf("reads:%d", 3+i)] = fmt.Sprintf("file %d", i)
			}
			return want
		}},
}

var facetsOfAttr = []facet{
	{name: "umask",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) { attr(c).Umask = new(r.Uint32N(0o1000)) },
		expect: func(c *Cmd) map[string]string {
			return map[string]string{"umask:": fmt.Sprintf("%04o", *c.Attr.Umask)}
		}},
	{name: "no new privileges",
		draw:   func(_ *rand.Rand, _ *testing.T, c *Cmd) { attr(c).NoNewPrivs = true },
		expect: func(*Cmd) map[string]string { return seesStatus("NoNewPrivs", "1") }},
	{name: "rlimits",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			for _, resource := range []int{unix.RLIMIT_CORE, unix.RLIMIT_CPU, unix.RLIMIT_FSIZE} {
				var now unix.Rlimit // which cannot be raised in a user namespace
				unix.Getrlimit(resource, &now)
				n := min(100+r.Uint64N(1000), now.Max)
				attr(c).Rlimits = append(attr(c).Rlimits, Rlimit{resource, n, min(n+r.Uint64N(100), now.Max)})
			}
		},
		expect: func(c *Cmd) map[string]string {
			want := map[string]string{}
			for _, l := range c.Attr.Rlimits {
				want[fmt.Sprintf("limit:%d", l.Resource)] = fmt.Sprint(l.Cur, l.Max)
			}
			return want
		}},
	{name: "init",
		draw: func(r *rand.Rand, t *testing.T, c *Cmd) {
			attr(c).Init = &Init{ReportStops: r.IntN(2) == 0}
			t.Cleanup(func() {
				if c.Birth.Stops != nil {
					c.Birth.Stops.Close()
				}
			})
		},
		expect: func(*Cmd) map[string]string { return nil }},
}

// Leads is what the leader of a session or group sees. With an init that leads.
func leads(c *Cmd, what string) map[string]string {
	return map[string]string{"leads:" + what: strconv.FormatBool(c.Attr == nil || c.Attr.Init == nil)}
}

// newNamespace is what a program sees in another namespace than this process's.
func newNamespace(kind string) map[string]string {
	own, _ := os.Readlink("/proc/self/ns/" + kind)
	return map[string]string{"link:/proc/self/ns/" + kind: "!" + own}
}

// Facilities work together: whatever set of them is asked for, the program sees
// each of them.
func TestCombinations(t *testing.T) {
	program := publicBinary(t)
	able := slices.DeleteFunc(facets(), func(f facet) bool {
		return slices.ContainsFunc(f.needs, func(r *requirement) bool { return r.works() != nil })
	})
	seed := *combineSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	numbers := make([]int, *combineN)
	for n := range numbers {
		numbers[n] = n
	}
	for _, n := range drawn(t, numbers) {
		r := rand.New(rand.NewPCG(seed, uint64(n)))
		set := drawFacets(r, able)
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			c := Command(program)
			c.Args = []string{"program", "look"}
			if n%2 == 1 { // what a start does is the same when it is traced
				c.Trace = new(Trace)
			}
			for _, f := range set {
				f.draw(r, t, c)
			}
			combine(t, c, set)
		})
	}
}

// drawFacets takes some of the facets: sometimes few, sometimes as many as can
// be combined.
func drawFacets(r *rand.Rand, all []facet) (set []facet) {
	most := 1 + r.IntN(len(all))
	for _, i := range r.Perm(len(all)) {
		f := all[i]
		clash := slices.ContainsFunc(set, func(g facet) bool {
			return slices.Contains(f.without, g.name) || slices.Contains(g.without, f.name)
		})
		if !clash && len(set) < most {
			set = append(set, f)
		}
	}
	return set
}

// combine starts a command with a set of facets, and compares.
func combine(t *testing.T, c *Cmd, set []facet) {
	t.Helper()
	want, from := map[string]string{}, map[string]string{}
	names := make([]string, len(set))
	for i, f := range set {
		names[i] = f.name
		for key, value := range f.expect(c) {
			want[key], from[key] = value, f.name
		}
	}
	keys := slices.Sorted(maps.Keys(want))
	c.Args = append(c.Args, keys...)
	var diagnostics strings.Builder
	c.Stderr = &diagnostics
	out, err := c.Output()
	if err != nil {
		t.Fatalf("with %q: %v\n%s%s", names, err, out, diagnostics.String())
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	for i, key := range keys {
		got, _ := strconv.Unquote(lines[i])
		other, isNot := strings.CutPrefix(want[key], "!")
		if isNot == (got == other) {
			t.Errorf("with %q, %s sees %s = %q; want %q", names, from[key], key, got, want[key])
		}
	}
}
