//go:build linux

package show

import (
	"encoding/json"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/listing"
)

// identity is who the process is.
func (s *source) identity() {
	p := s.p
	name, _, _ := strings.Cut(strings.TrimPrefix(s.text, "Name:\t"), "\n")
	p.Name, p.State = unescape(name), s.field("State")
	p.Parent, p.Threads, p.Numbers = s.number("PPid"), s.number("Threads"), s.numbers("NSpid")
	if text, ok := s.file("args", "cmdline"); ok {
		p.Args = []string{}
		if text != "" {
			p.Args = strings.Split(strings.TrimSuffix(text, "\x00"), "\x00")
		}
	}
	p.Executable = s.link("executable", "exe")
	p.UID, p.GID, p.Groups = s.ids("Uid"), s.ids("Gid"), s.numbers("Groups")
	p.Capabilities = Capabilities{
		Bounding: CapSet(s.bits("CapBnd")), Permitted: CapSet(s.bits("CapPrm")), Effective: CapSet(s.bits("CapEff")),
		Inheritable: CapSet(s.bits("CapInh")), Ambient: CapSet(s.bits("CapAmb")),
	}
}

func (s *source) ids(name string) (ids IDs) {
	list := s.numbers(name)
	for i, to := range []*int{&ids.Real, &ids.Effective, &ids.Saved, &ids.FileSystem} {
		if i < len(list) {
			*to = list[i]
		}
	}
	return ids
}

// unescape undoes the kernel's escapes of a name: of newlines and backslashes.
func unescape(name string) string {
	return strings.NewReplacer(`\n`, "\n", `\\`, `\`).Replace(name)
}

// A CapSet is a set of capabilities: number n is bit n.
type CapSet uint64

// Names are the names as flags take them.
func (c CapSet) Names() []string {
	names := []string{}
	for n := range uint64(64) {
		if c>>n&1 != 0 {
			names = append(names, strings.ToLower(strings.TrimPrefix(listing.CapName(n), "CAP_")))
		}
	}
	return names
}

// since is the set as --bounding-set takes it: what it lacks of another one, where that is shorter.
func (c CapSet) since(plain CapSet, exactly bool) string {
	less := plain &^ c
	if exactly || c&^plain != 0 || bits.OnesCount64(uint64(less)) > bits.OnesCount64(uint64(c)) {
		return strings.Join(c.Names(), ",")
	}
	return "-" + strings.Join(less.Names(), ",-")
}

// text is the set for people, who want to know what is missing.
func (c CapSet) text() string {
	switch less := allCaps() &^ c; {
	case less == 0:
		return "all"
	case bits.OnesCount64(uint64(less)) <= 10:
		return "all but " + strings.Join(less.Names(), " ")
	}
	return strings.Join(c.Names(), " ")
}

// allCaps are those that the kernel has.
func allCaps() (all CapSet) {
	for n := uintptr(0); ; n++ {
		if has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, n, 0, 0, 0); err != nil || has < 0 {
			return all
		}
		all |= 1 << n
	}
}

// MarshalJSON writes the names.
func (c CapSet) MarshalJSON() ([]byte, error) { return json.Marshal(c.Names()) }

// protections are what confines the process.
func (s *source) protections() {
	p := s.p
	if s.has("no_new_privs", "NoNewPrivs") {
		p.NoNewPrivs = new(s.field("NoNewPrivs") == "1")
	}
	p.Seccomp.Mode = map[string]string{"0": "none", "1": "strict", "2": "filter"}[s.field("Seccomp")]
	if p.Seccomp.Mode == "" && !s.has("seccomp.mode", "Seccomp") {
		p.Seccomp.Mode = "unknown"
	}
	if s.has("seccomp.filters", "Seccomp_filters") {
		p.Seccomp.Filters = new(s.number("Seccomp_filters"))
	}
	if s.has("speculation.store_bypass", "Speculation_Store_Bypass") {
		p.Speculation.StoreBypass = new(s.field("Speculation_Store_Bypass"))
	}
	if s.has("speculation.indirect_branch", "SpeculationIndirectBranch") {
		p.Speculation.IndirectBranch = new(s.field("SpeculationIndirectBranch"))
	}
	s.label()
	if text, ok := s.file("personality", "personality"); ok {
		if n, err := strconv.ParseUint(text, 16, 32); err == nil {
			p.Personality = new(uint32(n))
		}
	}
	if s.call != nil {
		for _, key := range []string{"securebits", "session_keyring"} {
			s.secret(key)
		}
		s.foreignDumpable()
		return
	}
	s.ownBits()
	s.ownKeyring()
}

// label is what a security module says. One that is not there has no answer.
func (s *source) label() {
	text, err := s.read("attr/current")
	switch err {
	case nil:
		s.p.Label = new(strings.TrimRight(text, "\x00\n"))
	case unix.EINVAL, unix.ENOENT:
		s.p.Label = new("")
	default:
		s.lacks("label", err)
	}
}

// securebits have names as --securebits takes them.
var securebits = []string{
	"noroot", "noroot-locked", "no-setuid-fixup", "no-setuid-fixup-locked", "keep-caps", "keep-caps-locked",
	"no-cap-ambient-raise", "no-cap-ambient-raise-locked", "exec-restrict-file", "exec-restrict-file-locked",
	"exec-deny-interactive", "exec-deny-interactive-locked",
}

func (s *source) ownBits() {
	bits, err := unix.PrctlRetInt(unix.PR_GET_SECUREBITS, 0, 0, 0, 0)
	if err != nil {
		s.lacks("securebits", err)
	} else {
		s.p.Securebits = []string{}
		for n, name := range securebits {
			if bits>>n&1 != 0 {
				s.p.Securebits = append(s.p.Securebits, name)
			}
		}
	}
	dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
	if err != nil {
		s.lacks("dumpable", err)
		return
	}
	s.p.Dumpable = new(map[int]string{0: "no", 1: "yes", 2: "root only"}[dumpable])
}

// foreignDumpable goes by the owner of the files: those of a process that is not dumpable belong to
// root, whoever it is.
func (s *source) foreignDumpable() {
	var st unix.Stat_t
	err := unix.Fstatat(s.dir, "maps", &st, 0)
	switch {
	case err != nil:
		s.lacks("dumpable", err)
	case s.kernelThread():
		s.lacks("dumpable", unix.ENOENT)
	case int(st.Uid) == s.p.UID.Effective && s.p.UID.Effective != 0:
		s.p.Dumpable = new("yes")
	case s.p.UID.Effective != 0:
		s.p.Dumpable = new("no")
	default:
		s.p.Unreadable["dumpable"] = "a process of root's looks the same either way"
	}
}

// ownKeyring is the name of the session keyring.
func (s *source) ownKeyring() {
	id, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, false)
	if err == nil {
		var text string
		if text, err = unix.KeyctlString(unix.KEYCTL_DESCRIBE, id); err == nil {
			fields := strings.SplitN(text, ";", 5)
			s.p.Keyring = new(fields[len(fields)-1])
			return
		}
	}
	s.p.Unreadable["session_keyring"] = err.Error()
}
