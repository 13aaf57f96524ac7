//go:build amd64 || arm64

package doctor

import (
	"math/bits"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/cgroup"
	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
	"github.com/sprog-dev/sprog/internal/userns"
)

// mapsItself tries a user namespace in which this user is root.
func mapsItself(t *trial) {
	t.sys.Cloneflags |= unix.CLONE_NEWUSER
	t.sys.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
	t.sys.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
}

// mapsSubordinates tries a user namespace that has the ids of /etc/subuid, too.
func mapsSubordinates(t *trial) {
	mapsItself(t)
	t.attr.IDMap = &spec.IDMap{Subordinate: spec.SubordinateIDsFill, Helpers: true}
}

// becomesAnother tries to become another user, of those that there are.
func becomesAnother(t *trial) {
	id, ok := otherID("/proc/self/uid_map", os.Geteuid())
	if !ok {
		t.isNot("the user namespace of this process has no other user than its own")
		return
	}
	t.sys.Credential = &syscall.Credential{Uid: id, Gid: uint32(os.Getegid()), NoSetGroups: true}
}

// changesGroups tries another group, and to have no supplementary ones.
func changesGroups(t *trial) {
	id, ok := otherID("/proc/self/gid_map", os.Getegid())
	if !ok {
		t.isNot("the user namespace of this process has no other group than its own")
		return
	}
	t.sys.Credential = &syscall.Credential{Uid: uint32(os.Geteuid()), Gid: id}
}

// otherID is an id of this user namespace that is not the process's own: nobody's
// if it can be. Without /proc all of them are taken to exist.
func otherID(file string, own int) (uint32, bool) {
	const nobody = 65534
	have := userns.OwnMap(file)
	candidates := []int{nobody, 1, 0}
	for _, r := range have {
		candidates = append(candidates, r.First, r.First+1)
	}
	for _, id := range candidates {
		if id != own && (have == nil || len(userns.Without([]userns.IDRange{{First: id, Size: 1}}, have)) == 0) {
			return uint32(id), true
		}
	}
	return 0, false
}

// keepsItsCapability tries to hand on a capability. In a new user namespace
// there are all of them.
func keepsItsCapability(t *trial) {
	mine := permittedCaps()
	if t.inside {
		mine = 1
	}
	if mine == 0 {
		t.isNot("this process has no capability to hand on")
		return
	}
	t.sys.AmbientCaps = []uintptr{uintptr(bits.TrailingZeros64(mine))}
}

func permittedCaps() uint64 {
	own, err := kernel.OwnCaps()
	if err != nil {
		return 0
	}
	return uint64(own[1].Permitted)<<32 | uint64(own[0].Permitted)
}

// asksForItsSELinuxLabel and asksForItsAppArmorLabel try the label that this
// process has, since others depend on the policy.
func asksForItsSELinuxLabel(t *trial) {
	t.label(launch.SelinuxMissing(), "/proc/thread-self/attr/current", func(label string) *spec.ExecLabel { return &spec.ExecLabel{SELinux: label} })
}

func asksForItsAppArmorLabel(t *trial) {
	t.label(launch.ApparmorMissing(), "/proc/thread-self/attr/apparmor/current", func(label string) *spec.ExecLabel {
		profile, _, _ := strings.Cut(label, " (") // and its mode
		return &spec.ExecLabel{AppArmor: profile}
	})
}

func (t *trial) label(missing error, file string, from func(string) *spec.ExecLabel) {
	if missing != nil {
		t.isNot(terms.Of(missing))
		return
	}
	text, err := kernel.Read(file)
	text = strings.TrimRight(text, "\x00\n")
	if err != nil || text == "" {
		text = "unconfined" // where there is none to read, none can be written
	}
	t.attr.ExecLabel = from(text)
}

func asksForLowerNice(t *trial) {
	raised, err := unix.Getpriority(unix.PRIO_PROCESS, 0) // 20 less the nice value
	if err != nil {
		raised = 20
	}
	t.attr.Nice = new(max(20-raised-1, -20))
}

func staysOnItsCPU(t *trial) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		t.isNot("sched_getaffinity: " + terms.Of(err))
		return
	}
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			t.attr.CPUs = []int{cpu}
			return
		}
	}
}

// entersItsOwnV1 has the child enter a cgroup that it is in.
func entersItsOwnV1(t *trial) {
	dirs := cgroup.OwnV1()
	if len(dirs) == 0 {
		t.isNot("no hierarchy of cgroup v1 is mounted that has the cgroup of this process")
		return
	}
	t.attr.CgroupV1 = dirs[:1]
}
