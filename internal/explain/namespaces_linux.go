//go:build amd64 || arm64

package explain

import (
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/pathwalk"
	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/terms"
	"github.com/sprog-dev/sprog/internal/userns"
)

// birthHint explains why no process was made.
func (f Failure) birthHint() terms.Text {
	if f.Errno == unix.ENOSYS || f.Errno == unix.EINVAL || f.Errno == unix.EPERM && kernel.Clone3Denied() {
		if needs := f.Ask.NeedsClone3(); needs != "" {
			return needs
		}
	}
	switch {
	case f.E.Field == spec.CgroupField, f.E.Field == spec.Field("CgroupFD"):
		return cgroupHint(f.Errno)
	case f.Errno == unix.EAGAIN:
		return f.processesHint()
	case f.Errno == unix.ENOMEM && f.joins(spec.PIDNamespace):
		return "likely the first process of the joined PID namespace has ended: the namespace takes no others then"
	}
	return f.unshareHint()
}

// asked are the namespaces that the step was to make.
func (f Failure) asked() spec.NamespaceKind {
	switch {
	case f.E.Field == spec.ForbidField:
		return spec.UserNamespace
	case f.E.Field == spec.Field("Unshareflags"):
		return spec.NamespaceKind(f.Ask.Sys.Unshareflags) & spec.AllKinds
	}
	return spec.NamespaceKind(f.Ask.Sys.Cloneflags) & spec.AllKinds
}

// unshareHint explains why new namespaces are refused.
func (f Failure) unshareHint() terms.Text {
	asked := f.asked()
	switch {
	case asked == 0:
		return ""
	case f.Errno == unix.ENOSPC || f.Errno == unix.EUSERS:
		return tooManyNamespaces(asked)
	case f.Errno == unix.EINVAL:
		for _, k := range spec.NamespaceKinds {
			if asked&k.Kind != 0 && !kernel.Exists("/proc/self/ns/"+k.File) && kernel.Exists("/proc/self/ns") {
				return terms.Sprintf("this kernel has no %s namespaces", k.Name)
			}
		}
	case f.Errno != unix.EPERM && f.Errno != unix.EACCES:
	case asked&spec.UserNamespace != 0:
		return f.userNamespaceHint()
	case f.lacksCap(unix.CAP_SYS_ADMIN) && f.Ask.Last != nil:
		return terms.Sprintf("a new %s namespace takes CAP_SYS_ADMIN, which this process needs for {Attr.IDMap.Last}", f.firstOf(asked))
	case f.lacksCap(unix.CAP_SYS_ADMIN):
		return terms.Sprintf("a new %s namespace takes CAP_SYS_ADMIN, which an ordinary user has in a new user namespace: add {CLONE_NEWUSER to SysProcAttr.Cloneflags|SysProcAttr.Cloneflags: CLONE_NEWUSER}", f.firstOf(asked))
	}
	return ""
}

func (f Failure) firstOf(asked spec.NamespaceKind) string {
	for _, k := range spec.NamespaceKinds {
		if asked&k.Kind != 0 {
			return k.Name
		}
	}
	return ""
}

// lacksCap reports whether the child has not got a capability over the
// namespaces that this process is in.
func (f Failure) lacksCap(c int) bool {
	return !f.Ask.NewUserNamespace() && !f.joins(spec.UserNamespace) && !kernel.HasCap(c)
}

// tooManyNamespaces tells which limit is reached: see namespaces(7). How many a
// user has, nothing tells.
func tooManyNamespaces(asked spec.NamespaceKind) terms.Text {
	var limits []string
	for _, k := range spec.NamespaceKinds {
		if asked&k.Kind == 0 {
			continue
		}
		name := "max_" + k.File + "_namespaces"
		now, err := kernel.Read("/proc/sys/user/" + name)
		if now = strings.TrimSpace(now); err == nil && now == "0" {
			return terms.Sprintf("user.%s is 0: new %s namespaces are switched off; root can raise it by sysctl", name, k.Name)
		}
		limits = append(limits, "user."+name+" = "+now)
	}
	why := "this user has as many namespaces as are allowed by " + terms.Plain(strings.Join(limits, " or "))
	if !inFirstUserNamespace() {
		why += ", or by such a limit further out"
	}
	switch {
	case asked&spec.UserNamespace != 0 && !inFirstUserNamespace():
		why += ", or user namespaces are nested 33 deep, which is the most"
	case asked&spec.PIDNamespace != 0:
		why += ", or PID namespaces are nested 32 deep"
	}
	return why
}

// inFirstUserNamespace reports whether this process is in the initial user
// namespace, whose map is of all ids.
func inFirstUserNamespace() bool {
	ids := userns.OwnMap("/proc/self/uid_map")
	return len(ids) == 1 && ids[0] == userns.IDRange{First: 0, Size: 1<<32 - 1}
}

// userNamespaceHint explains why a user namespace is refused: what there is to
// check is checked in the order of the kernel (create_user_ns in
// kernel/user_namespace.c).
func (f Failure) userNamespaceHint() terms.Text {
	ordinary := !kernel.HasCap(unix.CAP_SYS_ADMIN)
	switch {
	case f.E.Field == spec.ForbidField && f.Errno == unix.EPERM && leavesOutCaller(f.Ask):
		return "the map of the new user namespace leaves out this process's user or group, who makes another one in it; for a program that is somebody else there, and has no capabilities, {Attr.Sysctls} can set user.max_user_namespaces to 0"
	case f.joins(spec.UserNamespace) || f.E.Field == spec.ForbidField || f.E.Field == spec.Field("Unshareflags") && f.Ask.Sys.Cloneflags&unix.CLONE_NEWUSER != 0:
		return "" // it is not made in this process's user namespace
	case f.Errno == unix.EPERM && ordinary && kernel.Sysctl("kernel/unprivileged_userns_clone") == "0":
		return "kernel.unprivileged_userns_clone is 0: only root may make user namespaces here, or change that by sysctl"
	case f.Errno == unix.EPERM && chrooted():
		return "this process is in a chroot, and the kernel makes no user namespaces there: pivot_root(2) in a mount namespace is the way to another root that allows them"
	case f.Errno == unix.EPERM && unmapped():
		return "the user or group of this process has no id in the user namespace that it is in, so that it cannot make another"
	case ordinary && kernel.Sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1":
		return appArmorText
	case f.Errno == unix.EACCES && enforcing():
		return "likely SELinux does not allow it: see the audit log"
	}
	return ""
}

// appArmorText is said where AppArmor keeps ordinary users from user namespaces.
const appArmorText = "likely AppArmor does not allow it: kernel.apparmor_restrict_unprivileged_userns is 1, so that an ordinary user's program needs a profile with the rule userns"

// restrictedHint is for what is refused in a new user namespace that AppArmor lets
// be made but gives no rights in.
func (f Failure) restrictedHint() terms.Text {
	refused := f.Errno == unix.EPERM || f.Errno == unix.EACCES
	if refused && f.Born && f.Ask.NewUserNamespace() && !strings.HasPrefix(f.E.Step, "exec") &&
		!kernel.HasCap(unix.CAP_SYS_ADMIN) && kernel.Sysctl("kernel/apparmor_restrict_unprivileged_userns") == "1" {
		return appArmorText
	}
	return ""
}

func enforcing() bool {
	on, _ := kernel.Read("/sys/fs/selinux/enforce")
	return strings.TrimSpace(on) == "1"
}

// chrooted reports whether this process's root is not that of its mount
// namespace, as far as can be told.
func chrooted() bool {
	var st unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, "/", 0, unix.STATX_INO, &st)
	if err == nil && st.Attributes_mask&unix.STATX_ATTR_MOUNT_ROOT != 0 && st.Attributes&unix.STATX_ATTR_MOUNT_ROOT == 0 {
		return true
	}
	theirs, err1 := os.Readlink("/proc/1/ns/mnt")
	own, err2 := os.Readlink("/proc/self/ns/mnt")
	if err1 != nil || err2 != nil || theirs != own {
		return false
	}
	var a, b unix.Stat_t
	return unix.Stat("/proc/1/root", &a) == nil && unix.Stat("/", &b) == nil && (a.Dev != b.Dev || a.Ino != b.Ino)
}

// unmapped reports whether the ids of this process do not exist in its user
// namespace.
func unmapped() bool {
	uids, gids := userns.OwnMap("/proc/self/uid_map"), userns.OwnMap("/proc/self/gid_map")
	return uids != nil && !userns.Has(uids, os.Geteuid()) || gids != nil && !userns.Has(gids, os.Getegid())
}

// privateRootHint is for / made private in a new mount namespace.
func (f Failure) privateRootHint() terms.Text {
	if why := f.emulatedView(); why != "" {
		return why
	}
	if f.Errno == unix.EINVAL && chrooted() {
		return "this process is in a chroot whose root is no mount, so that / cannot be made private: mount --bind the directory on itself before the chroot"
	}
	return ""
}

// setnsHint explains the errors of setns(2).
func (f Failure) setnsHint() terms.Text {
	n := f.joining()
	if n == nil {
		return ""
	}
	fd := n.Fd
	if !n.Given { // the start's own is closed by now
		again, err := pathwalk.OpenNamespace(n.Name)
		if err != nil {
			return ""
		}
		defer unix.Close(again)
		fd = again
	}
	kind, err := unix.IoctlRetInt(fd, unix.NS_GET_NSTYPE)
	switch {
	case f.Errno == unix.EINVAL && err != nil && !pathwalk.OnNamespaces(pathwalk.Seen(fd)):
		return terms.Plain(pathwalk.NoNamespace(n.Name).Why())
	case f.Errno == unix.EINVAL && err == nil && spec.NamespaceKind(kind) != n.Kind:
		return terms.Sprintf("it is a %s namespace, and asked for is a %s namespace", spec.NamespaceKind(kind).String(), n.Kind.String())
	case f.Errno == unix.EINVAL && n.Kind == spec.PIDNamespace:
		return "a PID namespace can be joined only from the one it is in, or from one further out"
	case f.Errno == unix.EINVAL && n.Kind == spec.UserNamespace:
		return "this process is in that user namespace already, or other threads are in the way"
	case f.Errno == unix.EPERM:
		return f.notOwner(n, fd)
	}
	return ""
}

// joining is the namespace that the step was to join.
func (f Failure) joining() *spec.Joined {
	i := slices.IndexFunc(f.Joined, func(n spec.Joined) bool {
		return n.Field == f.E.Field && (n.Name == f.E.Object || listing.CloneFlags(uint64(n.Kind)) == f.E.Object)
	})
	if i < 0 {
		return nil
	}
	return &f.Joined[i]
}

// notOwner tells whose the namespace is that the child has no rights over.
func (f Failure) notOwner(n *spec.Joined, fd int) terms.Text {
	const admin = "CAP_SYS_ADMIN"
	if n.Kind == spec.UserNamespace {
		if uid, err := unix.IoctlGetUint32(fd, unix.NS_GET_OWNER_UID); err == nil {
			return terms.Sprintf("it takes %s in the user namespace, which has its maker, user %s, if not in another, and root outside", admin, uid)
		}
		return terms.Sprintf("it takes %s in the user namespace", admin)
	}
	owner, err := unix.IoctlRetInt(fd, unix.NS_GET_USERNS)
	if err != nil {
		if err == unix.EPERM {
			return "it belongs to a user namespace outside of this process's"
		}
		return ""
	}
	defer unix.Close(owner)
	var a, b unix.Stat_t
	own := unix.Fstat(owner, &a) == nil && unix.Stat("/proc/self/ns/user", &b) == nil && a.Ino == b.Ino
	needs := admin
	if n.Kind == spec.MountNamespace {
		needs += " and CAP_SYS_CHROOT"
	}
	switch {
	case own && f.lacksCap(unix.CAP_SYS_ADMIN):
		return terms.Sprintf("it takes %s, which this process does not have", needs)
	case own:
		return terms.Sprintf("it belongs to this process's user namespace, and the child is in another one where %s do not count for it", needs)
	case !f.joins(spec.UserNamespace):
		return "it belongs to another user namespace, in which the child has no rights: join that too, before it"
	}
	return terms.Sprintf("it takes %s in the user namespace that it belongs to", needs)
}

// leavesOutCaller reports whether the map of the new user namespace has no id for
// this process's user, or none for its group.
func leavesOutCaller(r *spec.Start) bool {
	return r.Sys.UidMappings[0].HostID != os.Geteuid() || r.Sys.GidMappings[0].HostID != os.Getegid()
}

// madeUserNamespace is the reason of a step that is come to only if there is what was not to be.
func (f Failure) madeUserNamespace() terms.Text {
	return "the program could make user namespaces, which something was to forbid"
}
