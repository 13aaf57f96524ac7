// Package cgroup makes cgroups, writes their files, reads their counters, freezes and
// kills what is in them, and removes them.
//
// It knows the files of cgroup v2, how a hierarchy hands down its controllers, where
// this process is in it, and which cgroups this process may use. It reaches
// everything below a cgroup through a descriptor of its directory, kills a
// process through a pidfd, and kills and removes only what [Make] has made. Of
// v1 it knows where this process is, and how to enter a cgroup.
//
// It knows nothing of starts and programs. The caller says what to write, and gives each
// write a label of its own, which comes back in an [Error].
package cgroup
