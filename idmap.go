package sprog

// IDMap adds to the id maps of a new user namespace that
// SysProcAttr.UidMappings and GidMappings describe, and says how they get
// written. It needs CLONE_NEWUSER in SysProcAttr.Cloneflags, for a policy alone
// also in Unshareflags. See user_namespaces(7).
type IDMap struct {
	// Subordinate adds lines for the ids that /etc/subuid and /etc/subgid
	// delegate to the caller, by its login name or uid, in the order of these
	// files; other sources, which nsswitch.conf(5) can name, are not asked.
	// That nothing is delegated is an error.
	Subordinate SubordinateIDs
	// Login is the caller's login name for these files. An empty one is looked
	// up in /etc/passwd; a user from another source, LDAP say, is not there, and
	// [os/user.Current] may know the name. The kernel and newuidmap(1) decide
	// what the caller may map, whatever the name.
	Login string

	// Helpers has newuidmap(1) and newgidmap(1) write a map that the caller
	// may not write itself: without CAP_SETUID or CAP_SETGID that is all but
	// one line for its own id. They are programs with privileges, which write
	// what /etc/subuid and /etc/subgid delegate to the caller.
	Helpers bool
	// NewUIDMap and NewGIDMap are the absolute paths of these programs. An
	// empty one is looked for in /usr/bin, /bin and /run/wrappers/bin, and
	// nowhere that the environment names.
	NewUIDMap, NewGIDMap string

	// Setgroups is the policy that is written to /proc/PID/setgroups.
	Setgroups SetgroupsPolicy

	// Last has the program enter the user namespace when all else is set up with the caller's rights:
	// the other new namespaces, which then take CAP_SYS_ADMIN, and the mounts. So a new /proc can be
	// mounted where parts of the caller's are hidden, as in a container. The other namespaces
	// belong to the caller's user namespace, and root inside has no rights over them: it can mount
	// nothing and bring up no network device.
	Last bool
}

// SubordinateIDs says where the caller's subordinate ids appear in the new
// user namespace.
type SubordinateIDs int

const (
	// NoSubordinateIDs leaves them out.
	NoSubordinateIDs SubordinateIDs = iota
	// SubordinateIDsFill gives them, in order, the ids from 0 up that
	// UidMappings and GidMappings leave free. With a line for root these are 1
	// and up; with a line that maps the caller to itself they are around that.
	SubordinateIDsFill
	// SubordinateIDsSame maps each to itself.
	SubordinateIDsSame
)

// A SetgroupsPolicy says whether setgroups(2) works in the new user namespace.
// Without CAP_SETGID in its own, a process can write a group map only where
// setgroups is denied, or through newgidmap(1). Linux 3.19.
type SetgroupsPolicy int

const (
	// SetgroupsByMap denies it where there is a group map, unless
	// SysProcAttr.GidMappingsEnableSetgroups allows it.
	SetgroupsByMap SetgroupsPolicy = iota
	// SetgroupsAllow allows it.
	SetgroupsAllow
	// SetgroupsDeny denies it, for good and in all namespaces below.
	SetgroupsDeny
	// SetgroupsLeave writes nothing: it is as in the caller's own user
	// namespace, but denied by newgidmap(1) where no subordinate id is mapped.
	SetgroupsLeave
)
