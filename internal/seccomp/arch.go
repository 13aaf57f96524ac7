package seccomp

import (
	"fmt"
	"slices"
	"strings"
)

// An Arch is an architecture as far as system calls have numbers of their own
// there. Its value is the column of the table.
type Arch int

const (
	X8664 Arch = iota
	X32
	X86
	AArch64
	ARM

	numArchs
)

// x32Bit marks the numbers of x32, which has the audit value of x86_64.
const x32Bit = 0x40000000

// The numbers that x32 has for itself. Kernels before 5.4 take them without
// the bit, too.
const x32First, x32Last = 512, 547

// archs are what is to be known of each.
var archs = [numArchs]struct {
	name   string
	audit  uint32 // AUDIT_ARCH, as seccomp_data has it
	narrow bool   // arguments have 32 bits
}{
	X8664:   {"x86_64", 0xc000003e, false},
	X32:     {"x32", 0xc000003e, false},
	X86:     {"x86", 0x40000003, true},
	AArch64: {"aarch64", 0xc00000b7, false},
	ARM:     {"arm", 0x40000028, true},
}

// ParseArch returns the architecture of a name as the OCI runtime specification
// has it, with or without SCMP_ARCH in front, in capitals or not.
func ParseArch(name string) (Arch, error) {
	short := strings.ToLower(strings.TrimPrefix(name, "SCMP_ARCH_"))
	for a := range archs {
		if archs[a].name == short {
			return Arch(a), nil
		}
	}
	return 0, fmt.Errorf("%q is none of the architectures x86_64, x86, x32, aarch64, arm", name)
}

func (a Arch) String() string { return archs[a].name }

// Native returns the architecture of a GOARCH and the one with 32 bits that
// its kernels run as well.
func Native(goarch string) []Arch {
	switch goarch {
	case "amd64":
		return []Arch{X8664, X86}
	case "arm64":
		return []Arch{AArch64, ARM}
	}
	return nil
}

// A call is a system call with its number on each architecture, or -1.
type call struct {
	name    string
	numbers [numArchs]int32
}

// Names returns the calls that have a number on the architecture, by number.
func (a Arch) Names() (names []string) {
	var list []*call
	for i := range calls {
		if calls[i].numbers[a] >= 0 {
			list = append(list, &calls[i])
		}
	}
	slices.SortStableFunc(list, func(b, c *call) int { return int(b.numbers[a]) - int(c.numbers[a]) })
	for _, c := range list {
		names = append(names, c.name)
	}
	return names
}

// CallName is the name of a call by its number and the audit value of its
// architecture, as the kernel logs them, or "" if it has none.
func CallName(audit uint32, number int) string {
	for a := range archs {
		if archs[a].audit != audit {
			continue
		}
		for i := range calls {
			if int(calls[i].numbers[a]) == number {
				return calls[i].name
			}
		}
	}
	return ""
}

// find returns the index of a call in the table, or -1.
func find(name string) int {
	i, ok := slices.BinarySearchFunc(calls[:], name, func(c call, name string) int { return strings.Compare(c.name, name) })
	if !ok {
		return -1
	}
	return i
}

// on returns the numbers that a call has on an architecture, up to two. Kernels
// before 5.4 take a call of x86_64 with the bit of x32 as well, whatever
// number it has there.
func (c *call) on(a Arch) (numbers [2]uint32, n int) {
	if v := c.numbers[a]; v >= 0 {
		numbers[n] = uint32(v)
		n++
	}
	if wide := c.numbers[X8664]; a == X32 && wide >= 0 && x32Bit|wide != c.numbers[a] {
		numbers[n] = uint32(x32Bit | wide)
		n++
	}
	return numbers, n
}

// A multiplexer is a call of x86 whose first argument tells which one of
// several calls it makes, with the arguments in memory, where no filter sees
// them: socketcall(2) and ipc(2).
type multiplexer struct {
	name   string
	number uint32
	mask   uint64 // of the argument
	subs   []subCall
}

// A subCall is what a multiplexer does for a number.
type subCall struct {
	name   string
	number uint64
}

// sub is the number of a call, if there is one.
func (m *multiplexer) sub(name string) (number uint64, ok bool) {
	for _, s := range m.subs {
		if s.name == name {
			return s.number, true
		}
	}
	return 0, false
}

var multiplexers = []multiplexer{
	{"socketcall", 102, 0xffffffff, []subCall{
		{"socket", 1}, {"bind", 2}, {"connect", 3}, {"listen", 4}, {"accept", 5}, {"getsockname", 6}, {"getpeername", 7},
		{"socketpair", 8}, {"send", 9}, {"recv", 10}, {"sendto", 11}, {"recvfrom", 12}, {"shutdown", 13}, {"setsockopt", 14},
		{"getsockopt", 15}, {"sendmsg", 16}, {"recvmsg", 17}, {"accept4", 18}, {"recvmmsg", 19}, {"sendmmsg", 20},
	}},
	{"ipc", 117, 0xffff, []subCall{
		{"semop", 1}, {"semget", 2}, {"semctl", 3}, {"semtimedop", 4}, {"msgsnd", 11}, {"msgrcv", 12}, {"msgget", 13},
		{"msgctl", 14}, {"shmat", 21}, {"shmdt", 22}, {"shmget", 23}, {"shmctl", 24},
	}},
}

// on is the condition that the multiplexer makes a certain call.
func (m *multiplexer) on(sub uint64) Cond {
	return Cond{Op: MaskedEQ, Mask: m.mask, Value: sub}
}
