package sprog

import (
	"os"

	"github.com/sprog-dev/sprog/internal/spec"
)

// A NamespaceKind is a kind of namespace, or a set of kinds, ORed. The values
// are the kernel's CLONE_NEW flags, as SysProcAttr.Cloneflags takes them; see
// namespaces(7).
type NamespaceKind uint32

// The kinds of namespaces.
const (
	TimeNamespace    NamespaceKind = 0x80       // Linux 5.6
	MountNamespace   NamespaceKind = 0x20000    // mounts
	CgroupNamespace  NamespaceKind = 0x2000000  // the view of the cgroup tree; Linux 4.6
	UTSNamespace     NamespaceKind = 0x4000000  // host and domain name
	IPCNamespace     NamespaceKind = 0x8000000  // System V IPC and POSIX message queues
	UserNamespace    NamespaceKind = 0x10000000 // users, groups and capabilities
	PIDNamespace     NamespaceKind = 0x20000000 // process numbers
	NetworkNamespace NamespaceKind = 0x40000000 // network devices, addresses, ports
)

// String returns the names of the kinds, separated by commas.
func (k NamespaceKind) String() string {
	return spec.NamespaceKind(k).String()
}

// A Namespace says which existing namespaces the child joins: one by its file,
// or one or several of a process. Exactly one of Path, File, PID and PidFD is
// set.
//
// They are joined in the only order that works, whatever the order given. Where
// the caller has CAP_SYS_ADMIN in its own user namespace, the user namespace comes
// last, since joining it gives up the rights that the others may take; where it
// has not, first, since that is where the rights come from: an ordinary
// user can join the namespaces of a container of his own. A namespace that the
// child would be in anyway is left out.
//
// The child is in the PID namespace itself, not only its children; its
// Process.Pid is the number in the caller's. In a mount namespace, paths are
// those of that namespace, Path of the command included, and its root is the working directory
// if Dir is empty. In a user namespace the child has all capabilities until it
// executes, and keeps its user and group: SysProcAttr.Credential makes it root,
// or somebody else, inside. New namespaces (Cloneflags, Unshareflags)
// are made inside of those joined.
//
// Processes inside are not trusted. None of them can trace the child while it
// shares memory and descriptors with the caller. For that time the caller's
// memory is undumpable too (PR_SET_DUMPABLE(2const)). In a mount namespace the
// child is never the caller's binary: /proc/PID/exe leads to an image that
// cannot be written to, and later to the program (CVE-2019-5736).
//
// See setns(2). A mount or a time namespace takes a second stage, and so cannot be
// combined with SysProcAttr.Ptrace or a seccomp listener.
type Namespace struct {
	// Kinds are the kinds to join. With PID and PidFD, zero means all kinds that no
	// other Namespace names. A Path and a File are one of one kind.
	Kinds NamespaceKind

	// Path is a file that refers to a namespace, such as /run/netns/blue or
	// /proc/42/ns/net.
	Path string

	// File is such a file, opened.
	File *os.File

	// PID is a process, as the caller sees it, whose namespaces are meant. Its files in
	// /proc are read, which takes the right to trace it (ptrace(2)). Of an [Init]
	// that the caller has no right to trace, those of its program are joined.
	PID int

	// PidFD is a pidfd of such a process (pidfd_open(2)).
	PidFD *os.File
}
