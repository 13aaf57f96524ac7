package sprog

import "time"

// A Sysctl is a kernel parameter of a namespace, as sysctl(8) has it.
type Sysctl struct {
	// Name has its parts separated by dots, such as net.ipv4.ip_forward, or by slashes.
	// If the first separator is a slash, dots belong to the parts; otherwise a
	// slash stands for a dot in a part, as in net.ipv4.conf.eth0/1.forwarding.
	//
	// Those that belong to a namespace are allowed: net.* in a new or joined
	// network namespace; fs.mqueue.* and the System V ones (kernel.shm*, msg*,
	// sem*, auto_msgmni) in an IPC namespace; user.* in a user namespace;
	// kernel.hostname and kernel.domainname in a UTS namespace; kernel.pid_max (Linux 6.14),
	// kernel.ns_last_pid and vm.memfd_noexec (Linux 6.3) in a PID namespace. Every
	// other would change the host.
	Name string

	// Value is written as it is.
	Value string
}

// TimeOffsets are what the clocks of a new time namespace are ahead of the
// caller's, or behind it where they are negative. No clock can be before zero. See
// time_namespaces(7).
type TimeOffsets struct {
	Monotonic time.Duration // CLOCK_MONOTONIC and its kin
	Boottime  time.Duration // CLOCK_BOOTTIME and its kin
}

// A NamespaceID identifies a namespace: no two that exist have the same. It is
// what stat(2) tells of a file in /proc/PID/ns; see namespaces(7).
type NamespaceID struct {
	Kind        NamespaceKind
	Device, Ino uint64
}
