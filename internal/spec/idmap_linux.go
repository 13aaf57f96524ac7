//go:build amd64 || arm64

package spec

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/terms"
	"github.com/sprog-dev/sprog/internal/userns"
)

// IdMap is Attr.IDMap, or one that asks for nothing.
func (r *Start) IdMap() *IDMap {
	if r.Attr.IDMap != nil {
		return r.Attr.IDMap
	}
	return &noIDMap
}

var noIDMap IDMap

// checkIDMap refuses what is wrong with Attr.IDMap.
func (r *Start) checkIDMap() *Error {
	m := r.Attr.IDMap
	if m == nil {
		return nil
	}
	const name = "Attr.IDMap"
	byParent := m.Subordinate != NoSubordinateIDs || m.Helpers
	switch {
	case m.Subordinate < 0 || m.Subordinate > SubordinateIDsSame:
		return Invalid(name+".Subordinate", Itoa(int(m.Subordinate)), "is none of the constants")
	case m.Setgroups < 0 || m.Setgroups > SetgroupsLeave:
		return Invalid(name+".Setgroups", Itoa(int(m.Setgroups)), "is none of the constants")
	case (m.Setgroups == SetgroupsDeny || m.Setgroups == SetgroupsLeave) && r.Sys.GidMappingsEnableSetgroups:
		return Invalid(name+".Setgroups", "", "contradicts {SysProcAttr.GidMappingsEnableSetgroups}")
	case (r.Sys.Cloneflags|r.Sys.Unshareflags)&unix.CLONE_NEWUSER == 0:
		return Invalid(m.asks(name), "", "needs a new user namespace: {CLONE_NEWUSER in Cloneflags or Unshareflags|SysProcAttr.Cloneflags: CLONE_NEWUSER}")
	case byParent && r.Sys.Cloneflags&unix.CLONE_NEWUSER == 0:
		return Invalid(name, "", "has lines that only the parent can write: it needs {CLONE_NEWUSER in Cloneflags|SysProcAttr.Cloneflags: CLONE_NEWUSER}")
	case byParent && r.InPlace:
		return Invalid(name, "", "needs a process outside of the new user namespace to write its maps, which an Exec does not have")
	}
	if err := r.checkLast(name + ".Last"); err != nil {
		return err
	}
	for _, helper := range [...][2]string{{name + ".NewUIDMap", m.NewUIDMap}, {name + ".NewGIDMap", m.NewGIDMap}} {
		if path := helper[1]; path != "" && path[0] != '/' || strings.IndexByte(path, 0) >= 0 {
			return Invalid(helper[0], terms.Printable(path), "is no absolute path")
		}
	}
	return nil
}

// asks is the first field of those that ask for something, or the name of all.
func (m *IDMap) asks(name string) string {
	switch {
	case m.Subordinate != NoSubordinateIDs:
		return name + ".Subordinate"
	case m.Helpers:
		return name + ".Helpers"
	case m.Setgroups != 0:
		return name + ".Setgroups"
	case m.Last:
		return name + ".Last"
	}
	return name
}

// checkLast is about a user namespace that is made apart, for the program to enter.
func (r *Start) checkLast(name string) *Error {
	switch {
	case !r.Attr.IDMap.Last:
	case r.Attr.ForbidUserNamespaces:
		return Invalid(name, "", "cannot be combined with {Attr.ForbidUserNamespaces}, which takes rights in the user namespace")
	case r.Attr.UserNamespace != nil:
		return Invalid(name, "", "cannot be combined with {Attr.UserNamespace}, which is entered last")
	case r.joinsAll() || r.Named()&UserNamespace != 0:
		return Invalid(name, "", "cannot be combined with a joined user namespace")
	}
	return nil
}

// EntersLast has the new user namespace be one that is entered when all else is set up. What is asked for is from
// then on without it, and the caller's structs are as they were.
func (r *Start) EntersLast() {
	if !r.IdMap().Last {
		return
	}
	const flag = uintptr(unix.CLONE_NEWUSER)
	ids := *r.Attr.IDMap
	ids.Last = false
	r.Last = &Start{Attr: &Attr{IDMap: &ids}, Sys: &syscall.SysProcAttr{Cloneflags: flag, UidMappings: r.Sys.UidMappings, GidMappings: r.Sys.GidMappings,
		GidMappingsEnableSetgroups: r.Sys.GidMappingsEnableSetgroups}, IDMaps: r.IDMaps}
	sys, attr := *r.Sys, *r.Attr
	sys.Cloneflags, sys.Unshareflags = sys.Cloneflags&^flag, sys.Unshareflags&^flag
	sys.UidMappings, sys.GidMappings, sys.GidMappingsEnableSetgroups = nil, nil, false
	attr.IDMap, r.IDMaps = nil, IDMaps{}
	r.Sys, r.Attr = &sys, &attr
}

// UserLast reports whether the program enters a user namespace when all else is set up.
func (r *Start) UserLast() bool { return r.Last != nil || r.Attr.UserNamespace != nil }

// LineField is the field that asked for a line of a map.
func (r *Start) LineField(f MapFile, i int) string {
	explicit := r.Sys.UidMappings
	if f.Name == "gid_map" {
		explicit = r.Sys.GidMappings
	}
	if i < len(explicit) {
		return Index(f.Field, i)
	}
	return "Attr.IDMap.Subordinate"
}

// Denied is the reason of a start that this process has no right to. It is EPERM
// to errors.Is.
func Denied(reason terms.Text) error { return terms.Message{Text: reason, Err: unix.EPERM} }

// Meets reports whether the child waits for the parent: to tell of it, to write its id
// maps, and for Attr.Meet.
func (r *Start) Meets() bool { return r.Watched || r.HasMaps() || r.Attr.Meet != nil }

// HasMaps reports whether the parent writes maps for the child. A process in a new user
// namespace may write only one line of its own (user_namespaces(7)), the parent as many as
// its privileges allow.
func (r *Start) HasMaps() bool {
	return !r.InPlace && r.Sys.Cloneflags&unix.CLONE_NEWUSER != 0 && (r.Uids != nil || r.Gids != nil || r.Setgroups() != "")
}

// MeetField is the field that the child waits for.
func (r *Start) MeetField() string {
	switch files := r.MapFiles(); {
	case !r.HasMaps() && r.Watched:
		return "Born"
	case !r.HasMaps():
		return MeetField
	case r.Uids == nil && r.Gids != nil:
		return Field("GidMappings")
	default:
		return files[0].Field
	}
}

// A MapFile is a file of /proc/PID that sets up a user namespace, and its text.
type MapFile struct {
	Name, Text, Field string
	Lines             []syscall.SysProcIDMap // of a map
}

// Ids names ids that the map is about.
func (f MapFile) Ids(r userns.IDRange) string {
	if r.Size == 1 {
		return f.Name[:3] + " " + r.String()
	}
	return f.Name[:3] + "s " + r.String()
}

// IsOwn reports whether a map is that of one id, whose owner needs no
// privileges to write it.
func (f MapFile) IsOwn(id int) bool {
	return len(f.Lines) == 1 && f.Lines[0].HostID == id && f.Lines[0].Size == 1
}

// MapFiles are the files to write, in the order of package syscall. Without
// privileges in the parent namespace the kernel lets a group map be written only
// after setgroups(2) has been given up, by which a process could get rid of a
// group that denies it something.
func (r *Start) MapFiles() (list []MapFile) {
	if r.Uids != nil {
		list = append(list, MapFile{"uid_map", mapText(r.Uids), Field("UidMappings"), r.Uids})
	}
	if policy := r.Setgroups(); policy != "" {
		list = append(list, MapFile{"setgroups", policy, r.SetgroupsField(), nil})
	}
	if r.Gids != nil {
		list = append(list, MapFile{"gid_map", mapText(r.Gids), Field("GidMappings"), r.Gids})
	}
	return list
}

// Setgroups is what is written to the file of that name, or "".
func (r *Start) Setgroups() string {
	switch r.IdMap().Setgroups {
	case SetgroupsAllow:
		return "allow"
	case SetgroupsDeny:
		return "deny"
	case SetgroupsLeave:
		return ""
	}
	switch {
	case r.Gids == nil:
		return ""
	case r.Sys.GidMappingsEnableSetgroups:
		return "allow"
	}
	return "deny"
}

// SetgroupsField is the field that decides that.
func (r *Start) SetgroupsField() string {
	if r.IdMap().Setgroups != SetgroupsByMap {
		return "Attr.IDMap.Setgroups"
	}
	return Field("GidMappingsEnableSetgroups")
}

func mapText(maps []syscall.SysProcIDMap) string {
	var b strings.Builder
	for _, m := range maps {
		b.WriteString(MapLine(m) + "\n")
	}
	return b.String()
}

// MapLine is a line of a map.
func MapLine(m syscall.SysProcIDMap) string {
	return mapped(m.ContainerID) + " " + mapped(m.HostID) + " " + strconv.Itoa(m.Size)
}

// OwnIDBlanks are what a launcher writes the id of its caller to.
const OwnIDBlanks = "          "

func mapped(id int) string {
	if id == OwnID {
		return OwnIDBlanks
	}
	return strconv.Itoa(id)
}

// writesOwnMaps reports whether the child writes id maps of its own.
func (r *Start) writesOwnMaps() bool {
	flags := r.Sys.Unshareflags
	if r.InPlace {
		flags |= r.Sys.Cloneflags
	}
	return flags&unix.CLONE_NEWUSER != 0 && len(r.MapFiles()) > 0
}

// Open is the call that opens the file.
func (f MapFile) Open(path string) string {
	return "openat(AT_FDCWD, " + strconv.Quote(path) + ", O_WRONLY|O_CLOEXEC)"
}

// Write is the call that writes the text to a file.
func (f MapFile) Write(file string) string {
	return "write(" + file + ", " + strconv.Quote(f.Text) + ", " + strconv.Itoa(len(f.Text)) + ")"
}

// HelperArgs are the arguments of newuidmap(1) and newgidmap(1). The pid is
// that of a child of ours which nobody but us reaps, so that it stays its own.
func (f MapFile) HelperArgs(helper, pid string) []string {
	return append([]string{helper, pid}, strings.Fields(f.Text)...)
}

// The helpers of shadow, and where they are looked for: not where PATH says,
// since they are run with the caller's authority over what is delegated.
const NewUIDMap, NewGIDMap = "newuidmap", "newgidmap"
