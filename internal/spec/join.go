package spec

// NamespaceKinds are all kinds with their names, in the order in which they
// are listed.
var NamespaceKinds = [...]struct {
	Kind NamespaceKind
	Name string // as in messages and flags
	File string // in /proc/PID/ns
}{
	{UserNamespace, "user", "user"},
	{CgroupNamespace, "cgroup", "cgroup"},
	{IPCNamespace, "ipc", "ipc"},
	{UTSNamespace, "uts", "uts"},
	{NetworkNamespace, "net", "net"},
	{PIDNamespace, "pid", "pid"},
	{MountNamespace, "mount", "mnt"},
	{TimeNamespace, "time", "time"},
}

// AllKinds is the set of all kinds.
const AllKinds = TimeNamespace | MountNamespace | CgroupNamespace | UTSNamespace | IPCNamespace | UserNamespace | PIDNamespace | NetworkNamespace
