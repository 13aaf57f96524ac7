//go:build amd64 || arm64

package sprog

import (
	"math"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
)

// validate refuses what no kernel could do, before anything is made. What the
// kernel may or may not do, it is asked.
func (r *request) validate() *StartError {
	for _, check := range checks {
		if err := check(r); err != nil {
			return err
		}
	}
	return nil
}

// resolve completes a request by what the machine says, if it is valid.
func resolve(r *request) *StartError {
	if err := r.validate(); err != nil {
		return err
	}
	for _, look := range resolutions {
		if err := look(r); err != nil {
			return err
		}
	}
	return nil
}

// refused completes the error of a request that comes to nothing.
func (r *request) refused(err *StartError) *StartError {
	err.Path, err.inPlace = r.path, r.inPlace
	return err
}

// checks need nothing but what is asked for.
var checks = [...]func(*request) *StartError{
	(*request).checkStrings, (*request).checkTerminal, (*request).checkBirth, (*request).checkMaps,
	(*request).checkAmbientCaps, (*request).checkIDs, (*request).checkSecurebits,
	(*request).checkSignals, (*request).checkKeyring, (*request).checkExecLabel, (*request).checkPersonality,
	(*request).checkRlimits, (*request).checkUmask, (*request).checkJoin, (*request).checkInside, (*request).checkForbid, (*request).checkStages, (*request).checkInPlace,
	(*request).checkLandlock, (*request).checkDirFile, (*request).checkSeccomp, (*request).checkIDMap,
	(*request).checkNice, (*request).checkScheduler, (*request).checkCPUs, (*request).checkNUMA,
	(*request).checkIOPriority, (*request).checkOOMScoreAdj, (*request).checkTimerSlack, (*request).checkCoreSched,
	(*request).checkTHP, (*request).checkCgroup, (*request).checkCgroupV1,
}

// resolutions look at this process and its machine: they complete what is asked for,
// and refuse what cannot be here.
var resolutions = [...]func(*request) *StartError{
	checkDiffering, checkGroups, checkCaps, checkMayRestrict, checkFiles, checkTIOCSTI,
	addSubordinates, checkHelpers, // which go by the lines of the maps
}

func (r *request) checkStrings() *StartError {
	if r.path == "" {
		return &StartError{Field: "Path", Step: "execve", Err: syscall.ENOENT}
	}
	const nul = "contains a NUL byte"
	one := func(field, s string) *StartError {
		if strings.IndexByte(s, 0) >= 0 {
			return invalidf(field, strconv.Quote(s), nul)
		}
		return nil
	}
	if strings.IndexByte(r.path, 0) >= 0 {
		return invalidf("Path", "", nul)
	}
	if err := one("Dir", r.dir); err != nil {
		return err
	}
	if err := one(field("Chroot"), r.sys.Chroot); err != nil {
		return err
	}
	for i, s := range r.argv {
		if strings.IndexByte(s, 0) >= 0 {
			return invalidf(index("Args", i), strconv.Quote(s), nul)
		}
	}
	for i, s := range r.env {
		if strings.IndexByte(s, 0) >= 0 {
			return invalidf(index("Env", i), strconv.Quote(s), nul)
		}
	}
	return nil
}

func (r *request) checkTerminal() *StartError {
	sys := r.sys
	switch {
	case sys.Setctty && sys.Foreground:
		return invalidf(field("Setctty"), "", "cannot be combined with Foreground: both use Ctty")
	case sys.Setctty && !r.gives(sys.Ctty):
		return invalidf(field("Ctty"), strconv.Itoa(sys.Ctty), "is not a descriptor of the child")
	case sys.Pdeathsig < 0 || sys.Pdeathsig > 64:
		return invalidf(field("Pdeathsig"), strconv.Itoa(int(sys.Pdeathsig)), "is no signal")
	}
	return nil
}

// checkBirth refuses clone flags that would tie the child to this process in
// ways that a process of its own cannot be tied.
func (r *request) checkBirth() *StartError {
	const harmful = unix.CLONE_FS | unix.CLONE_SIGHAND | unix.CLONE_THREAD | unix.CLONE_PARENT | unix.CLONE_SETTLS |
		unix.CLONE_PARENT_SETTID | unix.CLONE_CHILD_SETTID | unix.CLONE_CHILD_CLEARTID | cloneFlagsAbove32
	if bad := birthFlags(r.sys.Cloneflags) & harmful; bad != 0 {
		return invalidf(field("Cloneflags"), program.CloneFlags(bad), "is not for a new process")
	}
	if fd := r.sys.CgroupFD; r.sys.UseCgroupFD && !descriptor(fd) {
		return &StartError{Field: field("CgroupFD"), Object: "descriptor " + strconv.Itoa(fd), Err: syscall.EBADF}
	}
	return nil
}

// descriptor reports whether fd can be one. The kernel looks at 32 bits only.
func descriptor(fd int) bool { return fd >= 0 && fd <= math.MaxInt32 }

// cloneFlagsAbove32 are the flags that only clone3 has, and CLONE_DETACHED,
// which means nothing.
const cloneFlagsAbove32 = 0xffffffff_00000000 | 0x400000

func (r *request) checkMaps() *StartError {
	sys := r.sys
	if sys.UidMappings == nil && sys.GidMappings == nil {
		return nil
	}
	if (sys.Cloneflags|sys.Unshareflags)&unix.CLONE_NEWUSER == 0 {
		name := field("UidMappings")
		if sys.UidMappings == nil {
			name = field("GidMappings")
		}
		return invalidf(name, "", "needs a new user namespace: CLONE_NEWUSER in Cloneflags or Unshareflags")
	}
	if err := checkMap(field("UidMappings"), sys.UidMappings); err != nil {
		return err
	}
	return checkMap(field("GidMappings"), sys.GidMappings)
}

const mostMapLines = 340 // since Linux 4.15

// checkMap applies the rules of user_namespaces(7) that do not depend on who
// asks.
func checkMap(field string, list []syscall.SysProcIDMap) *StartError {
	if len(list) > mostMapLines {
		return invalidf(field, strconv.Itoa(len(list))+" lines", "is more than the kernel takes, 340")
	}
	for i, m := range list {
		name, line := index(field, i), mapLine(m)
		switch {
		case m.ContainerID < 0 || m.HostID < 0:
			return invalidf(name, line, "has a negative id")
		case m.Size <= 0:
			return invalidf(name, line, "maps nothing: its size is not positive")
		case m.ContainerID+m.Size > 1<<32-1 || m.HostID+m.Size > 1<<32-1:
			return invalidf(name, line, "goes beyond the largest id")
		}
		for j, o := range list[:i] {
			if overlap(m.ContainerID, o.ContainerID, m.Size, o.Size) || overlap(m.HostID, o.HostID, m.Size, o.Size) {
				return invalidf(name, line, "overlaps "+index(field, j))
			}
		}
	}
	return nil
}

func overlap(a, b, sizeA, sizeB int) bool { return a < b+sizeB && b < a+sizeA }
