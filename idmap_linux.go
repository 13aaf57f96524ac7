//go:build amd64 || arm64

package sprog

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/userns"
)

// meets reports whether the child waits for the parent to write its id maps.
// A process in a new user namespace may write only one line of its own
// (user_namespaces(7)), the parent as many as its privileges allow.
func (r *request) meets() bool {
	return !r.inPlace && r.sys.Cloneflags&unix.CLONE_NEWUSER != 0 && (r.uids != nil || r.gids != nil || r.setgroups() != "")
}

// meetParent waits until the parent has written the maps. Should the parent
// be killed meanwhile, the child goes too: it would wait forever.
func (b *builder) meetParent() {
	if !b.given.meetsEarly() {
		return
	}
	name := b.ask.mapFiles()[0].field
	if b.ask.uids == nil && b.ask.gids != nil {
		name = field("GidMappings")
	}
	b.add(name, program.Prctl, num(unix.PR_SET_PDEATHSIG), num(int(unix.SIGKILL)))
	b.endWithoutParent(name)
	b.made.goWord = b.p.Words(0)
	b.p.Label(b.made.goWord, "go")
	look, met := b.p.Here(), b.p.Ahead()
	b.p.GotoIf(name, b.made.goWord, num(1), &met).Quiet = true
	b.add(name, program.Futex, b.made.goWord, num(0), num(0), num(0)).
		On(uint32(unix.EAGAIN), &look).On(uint32(unix.EINTR), &look).Then(&look)
	met.Place()
}

// The idMaps are the id maps: those of SysProcAttr, and what Attr.IDMap adds.
type idMaps struct {
	uids, gids []syscall.SysProcIDMap
}

// A mapFile is a file of /proc/PID that sets up a user namespace, and its text.
type mapFile struct {
	name, text, field string
	lines             []syscall.SysProcIDMap // of a map
}

// ids names ids that the map is about.
func (f mapFile) ids(r userns.IDRange) string {
	if r.Size == 1 {
		return f.name[:3] + " " + r.String()
	}
	return f.name[:3] + "s " + r.String()
}

// isOwn reports whether a map is that of one id, whose owner needs no
// privileges to write it.
func (f mapFile) isOwn(id int) bool {
	return len(f.lines) == 1 && f.lines[0].HostID == id && f.lines[0].Size == 1
}

// mapFiles are the files to write, in the order of package syscall. Without
// privileges in the parent namespace the kernel lets a group map be written only
// after setgroups(2) has been given up, by which a process could get rid of a
// group that denies it something.
func (r *request) mapFiles() (list []mapFile) {
	if r.uids != nil {
		list = append(list, mapFile{"uid_map", mapText(r.uids), field("UidMappings"), r.uids})
	}
	if policy := r.setgroups(); policy != "" {
		list = append(list, mapFile{"setgroups", policy, r.setgroupsField(), nil})
	}
	if r.gids != nil {
		list = append(list, mapFile{"gid_map", mapText(r.gids), field("GidMappings"), r.gids})
	}
	return list
}

// setgroups is what is written to the file of that name, or "".
func (r *request) setgroups() string {
	switch r.idMap().Setgroups {
	case SetgroupsAllow:
		return "allow"
	case SetgroupsDeny:
		return "deny"
	case SetgroupsLeave:
		return ""
	}
	switch {
	case r.gids == nil:
		return ""
	case r.sys.GidMappingsEnableSetgroups:
		return "allow"
	}
	return "deny"
}

func (r *request) setgroupsField() string {
	if r.idMap().Setgroups != SetgroupsByMap {
		return "Attr.IDMap.Setgroups"
	}
	return field("GidMappingsEnableSetgroups")
}

func mapText(maps []syscall.SysProcIDMap) string {
	var b strings.Builder
	for _, m := range maps {
		b.WriteString(mapLine(m) + "\n")
	}
	return b.String()
}

func mapLine(m syscall.SysProcIDMap) string {
	return strconv.Itoa(m.ContainerID) + " " + strconv.Itoa(m.HostID) + " " + strconv.Itoa(m.Size)
}

// writesOwnMaps reports whether the child writes id maps of its own.
func (r *request) writesOwnMaps() bool {
	flags := r.sys.Unshareflags
	if r.inPlace {
		flags |= r.sys.Cloneflags
	}
	return flags&unix.CLONE_NEWUSER != 0 && len(r.mapFiles()) > 0
}

// writeOwnMaps has the child write its own maps, after unshare. Group maps
// come first there, as in package syscall.
func (b *builder) writeOwnMaps() {
	files := b.ask.mapFiles()
	if len(files) > 1 && files[0].name == "uid_map" {
		files = append(files[1:], files[0])
	}
	for _, f := range files {
		b.writeProc(f.field, "self/"+f.name, f.text)
	}
}
