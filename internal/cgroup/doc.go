// Package cgroup makes cgroups, fills in their files, counts, freezes and kills
// what is in them, and removes them.
//
// It knows the files of cgroup v2 and how a hierarchy hands down its controllers,
// where this process is in it, which cgroups it may use, and what has to be
// done with care: everything below a cgroup is reached through a descriptor
// of its directory, a process is killed by a pidfd, and only what [Make] has
// made is ever killed or removed. Of v1 it knows where this process is.
//
// It knows nothing of starts and programs. A caller says what to write, and calls each
// of these writes by a label of its own, which an [Error] gives back.
package cgroup
