//go:build amd64 || arm64

package launch

import (
	"reflect"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/compile"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/spec"
	_ "github.com/sprog-dev/sprog/internal/verified"
)

// FuzzCompile has any start that passes its checks compiled, and bound to descriptors of any
// numbers: the programs satisfy the verifier, which panics otherwise, and the same
// start makes the same programs.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{"", "\x01\x02\x03", "namespaces and files", "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7\xf6\xf5\xf4\xf3\xf2\xf1\xf0 everything"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		first, again := compiledFrom(data), compiledFrom(data)
		if !reflect.DeepEqual(first, again) {
			t.Errorf("one start makes two programs:\n%v\n%v", first, again)
		}
	})
}

// compiledFrom are the steps and the data of the programs that a start made from data
// has, or nothing if it is refused.
func compiledFrom(data []byte) (got []any) {
	m := &maker{data}
	r := m.start()
	r.FillIn()
	if Resolve(r) != nil {
		return nil
	}
	s := new(memory).begin(r, Options{}, tried{})
	s.given.Lacks = kernel.Missing(m.in(32))
	if s.suppose() != nil {
		return nil
	}
	s.compile()
	for _, h := range s.made.Held {
		at := compile.Bound{At: m.in(16), Borrowed: m.rarely()}
		for i := 0; i < len(s.bound); i++ {
			if s.bound[i].At != at.At || h.Kind == program.ForProgram && s.made.Held[i].Kind == h.Kind && m.rarely() {
				continue // the program may have a file twice
			}
			at.At++
			i = -1
		}
		if h.Stays {
			at = compile.Bound{At: h.Fd}
		}
		s.bound = append(s.bound, at)
	}
	s.bind()
	program.Compiled(s.given.Verifiable(&s.made, s.bound))
	for _, p := range []*program.Program{s.made.First, s.made.Second} {
		if p != nil {
			got = append(got, append([]program.Step(nil), p.Steps...), string(p.Data))
		}
	}
	return got
}

// A maker makes values of bytes.
type maker struct{ data []byte }

func (m *maker) byte() byte {
	if len(m.data) == 0 {
		return 0
	}
	b := m.data[0]
	m.data = m.data[1:]
	return b
}

// in is a number from 0 on and before n.
func (m *maker) in(n int) int { return int(m.byte()) % n }

// rarely is true for one byte of four, and never when there are no more.
func (m *maker) rarely() bool { return m.byte()%4 == 3 }

func (m *maker) path() string {
	return [...]string{"/bin/true", "/", "/dev/null", "x", "/proc/self/fd/3"}[m.in(5)]
}

func (m *maker) start() *spec.Start {
	r := &spec.Start{Path: "/bin/app", Argv: []string{"app"}, Env: []string{"A=b"}, Sys: new(syscall.SysProcAttr), Attr: new(spec.Attr), InPlace: m.rarely()}
	if m.rarely() {
		r.Dir = m.path()
	}
	for n := range 3 {
		r.Files = append(r.Files, spec.ChildFile{N: n, Source: []spec.FileSource{spec.NullRead, spec.NullWrite, spec.FromParent, spec.Closed}[m.in(4)], Fd: m.in(8)})
	}
	for n := 3; m.rarely() && n < 12; n++ {
		r.Files = append(r.Files, spec.ChildFile{N: n, Source: spec.FromParent, Fd: m.in(40)})
	}
	for n := 12; m.rarely() && n < 15; n++ {
		r.Attr.Files = append(r.Attr.Files, spec.File{FD: n, Path: m.path(), Flags: unix.O_RDWR})
		r.Files = append(r.Files, spec.ChildFile{N: n, Source: spec.Opened, File: &r.Attr.Files[len(r.Attr.Files)-1], Field: "Attr.Files"})
	}
	m.sys(r.Sys)
	m.process(r.Attr)
	m.rights(r.Attr)
	m.namespaces(r.Attr)
	return r
}

func (m *maker) sys(s *syscall.SysProcAttr) {
	for _, k := range spec.NamespaceKinds {
		if m.rarely() {
			s.Cloneflags |= uintptr(k.Kind)
		}
		if m.rarely() {
			s.Unshareflags |= uintptr(k.Kind)
		}
	}
	maps := [][]syscall.SysProcIDMap{nil, {{ContainerID: 0, HostID: 0, Size: 1}}, {{ContainerID: 0, HostID: 0, Size: 10}, {ContainerID: 10, HostID: 20, Size: 1}}}
	s.UidMappings, s.GidMappings, s.GidMappingsEnableSetgroups = maps[m.in(3)], maps[m.in(3)], m.rarely()
	s.Setsid, s.Setpgid, s.Foreground, s.Setctty, s.Noctty, s.Ptrace = m.rarely(), m.rarely(), m.rarely(), m.rarely(), m.rarely(), m.rarely()
	s.Pgid, s.Ctty = m.in(3), m.in(4)
	if m.rarely() {
		s.Pdeathsig = syscall.Signal(m.in(70))
	}
	if m.rarely() {
		s.Chroot = m.path()
	}
	if m.rarely() {
		s.Credential = &syscall.Credential{Uid: uint32(m.byte()), Gid: uint32(m.byte()), NoSetGroups: m.rarely()}
	}
	if m.rarely() {
		s.AmbientCaps = []uintptr{uintptr(m.in(70))}
	}
}

// process makes what is about the process itself.
func (m *maker) process(a *spec.Attr) {
	ifRarely(m, &a.Umask, uint32(m.byte()))
	ifRarely(m, &a.Nice, m.in(45)-22)
	ifRarely(m, &a.OOMScoreAdj, m.in(256)*8-1000)
	ifRarely(m, &a.Init, spec.Init{ReportStops: m.rarely(), JobControl: m.rarely()})
	ifRarely(m, &a.Scheduler, spec.Scheduler{Policy: []spec.SchedPolicy{"", spec.SchedBatch, spec.SchedFIFO, spec.SchedDeadline}[m.in(4)],
		Priority: m.in(3), Runtime: time.Duration(m.in(2)) * time.Millisecond, Period: time.Second, ResetOnFork: m.rarely()})
	ifRarely(m, &a.CoreSched, spec.CoreSched{})
	ifRarely(m, &a.IOPriority, spec.IOPriority{Class: spec.IOBestEffort, Level: m.in(9)})
	ifRarely(m, &a.Personality, spec.AddrNoRandomize)
	ifRarely(m, &a.Signals, spec.Signals{})
	ifRarely(m, &a.CoredumpFilter, uint32(m.byte())*4)
	a.MemoryMerge = m.rarely()
	a.MDWE, a.THPDisable, a.TimerSlack = m.rarely(), spec.THPDisable(m.in(4)), time.Duration(m.in(3))
	if m.rarely() {
		a.Rlimits = []spec.Rlimit{{Resource: m.in(18), Cur: uint64(m.byte()), Max: uint64(m.byte()) * 4}}
	}
}

// rights makes what is about who the program is and what it may.
func (m *maker) rights(a *spec.Attr) {
	ifRarely(m, &a.IDs, spec.IDs{EffectiveUser: new(uint32(m.byte()))})
	ifRarely(m, &a.Caps, spec.Caps{Bounding: spec.CapSet{Drop: []string{"all"}}, Keep: m.rarely()})
	ifRarely(m, &a.Securebits, spec.Securebits{Add: []string{"noroot"}})
	ifRarely(m, &a.SessionKeyring, spec.SessionKeyring{})
	ifRarely(m, &a.ExecLabel, spec.ExecLabel{AppArmor: "profile"})
	ifRarely(m, &a.Landlock, spec.Landlock{Files: &spec.LandlockFiles{Rules: []spec.LandlockPath{{Path: m.path(), Rights: spec.LandlockReadFile, Optional: m.rarely()}}}})
	ifRarely(m, &a.Seccomp, spec.Seccomp{Default: spec.SeccompAllow, Rules: []spec.SeccompRule{{
		Names: []string{"mount"}, Action: []spec.SeccompAction{spec.SeccompErrno, spec.SeccompNotify, spec.SeccompKillProcess}[m.in(3)]}}})
	a.NoNewPrivs, a.DenyTIOCSTI = m.rarely(), m.rarely()
}

// namespaces makes what is set inside of them.
func (m *maker) namespaces(a *spec.Attr) {
	if m.rarely() {
		a.Hostname, a.Domainname = "host", "domain"
	}
	a.Loopback, a.ForbidUserNamespaces = m.rarely(), m.rarely()
	if m.rarely() {
		a.Sockets = []spec.Socket{{Domain: unix.AF_INET, Type: 1 + m.in(3)}, {Device: m.path()}}[m.in(3):]
		a.Meet = func(*spec.Meeting) error { return nil }
	}
	a.ReportNamespaces = spec.NamespaceKind(m.in(2)) * spec.AllKinds
	ifRarely(m, &a.TimeOffsets, spec.TimeOffsets{Monotonic: time.Duration(m.in(3)) * time.Hour})
	if m.rarely() {
		a.Sysctls = []spec.Sysctl{{Name: "net.ipv4.ip_forward", Value: "1"}}
	}
	for _, k := range spec.NamespaceKinds {
		if m.rarely() {
			a.Join = append(a.Join, spec.Namespace{Path: "/proc/1/ns/" + k.File, Kinds: k.Kind})
		}
	}
	if m.rarely() {
		a.Cgroup = &spec.Cgroup{Parent: "/sys/fs/cgroup", Name: "n", PidsMax: 5}
	}
}

// ifRarely sets a field to a value, or leaves it.
func ifRarely[T any](m *maker, field **T, value T) {
	if m.rarely() {
		*field = &value
	}
}
