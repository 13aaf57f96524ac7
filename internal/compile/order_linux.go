//go:build amd64 || arm64

package compile

// steps emits the child's program. The order of what SysProcAttr asks for is
// that of package syscall; every step says why it stands where it does.
func (b *builder) steps() {
	b.coreOff()         // before anything can kill the child
	b.resetHandlers()   // before any signal is unblocked
	b.fillStreams()     // of a launcher: before anything is opened, whose number is counted on
	b.join()            // with the parent's descriptors, into which a pidfd may go
	b.ownFiles()        // until then the child shares the parent's descriptor table
	b.beginInPlace()    // of an Exec: as soon as there is a number for the standard error
	b.openOwn()         // of a launcher: what a parent would have opened for it
	b.enterCgroups()    // before namespaces and rights: a cgroup namespace begins where its maker is
	b.bornInPlace()     // of an Exec: what a child has from its birth
	b.meetParent()      // before anything that the new user namespace's ids decide
	b.splitStage()      // after all that needs the parent's memory, before all that takes rights away
	b.oomScoreAdj()     // in memory of its own, while that is dumpable and the file not root's
	b.coredumpFilter()  // in such memory, too
	b.memoryMerge()     // in memory of its own: the flag is the memory's
	b.thpDisable()      // in memory of its own: the flag is the memory's
	b.mdwe()            // in memory of its own, too
	b.joinLate()        // what the first stage could not or should not
	b.enterLate()       // new namespaces, which belong to the joined ones
	b.openChildren()    // of the process that stays; no other is to see it
	b.openNull()        // before chroot and credentials: /dev/null is the parent's
	b.lookForTerminal() // of a launcher: before it could be given up, or another root hides it
	b.keepCaps()        // before the credentials that it is about
	b.setsid()
	b.setpgid()              // a session leader has its group already
	b.foreground()           // with the group made, and signals still blocked
	b.dispositions()         // no signal can come yet
	b.signalMask()           // after TIOCSPGRP, which would send SIGTTOU
	b.rlimits()              // before the privileges go that raising a limit takes
	b.nice()                 // with the limit that allows it, and before the privileges go
	b.affinity()             // a deadline policy fixes it
	b.scheduler()            // it takes the nice value along
	b.numa()                 // before the memory is touched that the program begins with
	b.ioPriority()           // before the privileges go that the real-time class takes
	b.timerSlack()           // after the policy, which resets it
	b.coreSched()            // before the credentials that decide whose group can be joined
	b.unshare()              // while still privileged; its id maps at once, for what follows
	b.timeOffsets()          // before anybody is in the new time namespace
	b.hostname()             // in the namespaces, with the rights that come with them
	b.sysctls()              // in the namespaces, too
	b.loopback()             // in the network namespace
	b.view()                 // with the rights in the namespaces, while the file systems are those of the caller
	b.forbidUserNamespaces() // after all that takes rights in the other namespaces
	b.enterUserNamespace()   // after that, too
	b.refuseUserNamespaces() // in the last one
	b.reportNamespaces()     // the last one has been entered
	b.openLabels()           // the last step that needs the caller's /proc
	b.closeProc()            // before a path is followed that leads through another root
	b.landlockFiles()        // before such a path, too: it closes the caller's directories
	b.chroot()               // after unshare: it is the new mount namespace that changes
	b.denyTIOCSTI(false)     // while CAP_SYS_ADMIN is effective, which setuid ends
	b.dropBounding()         // while CAP_SETPCAP is effective, which setuid ends
	b.credentials()          // groups, gid, uid: each step takes away the right to the one before
	b.capabilities()         // after setuid, which clears most of them (capabilities(7))
	b.sessionKeyring()       // it belongs to the user who makes it
	b.writeLabels()          // with the child's credentials, and before no_new_privs restricts them
	b.personality()          // nothing more of the child's own depends on it
	b.waitFor()              // all is there that others may look at, and no right to anything else
	b.splitRest()            // what follows depends on the program, its files and its directory
}

// rest is what a child that waits gets from its parent, and any other has at once.
func (b *builder) rest() {
	b.chdir()           // with the child's credentials, inside the new root
	b.umask()           // before the child creates a file
	b.parentDeathSig()  // after setuid, which clears it (PR_SET_PDEATHSIG(2const))
	b.landlock()        // with the child's credentials, in its root; the limit on open files still leaves descriptors
	b.assignFiles()     // the last step that needs the parent's numbers is done; opens paths as the program could
	b.noctty()          // on descriptor 0 as the child has it
	b.setctty()         // on a number of the child's
	b.nofile()          // after the last descriptor is made: the limit may be below the numbers used
	b.noNewPrivs()      // after all that needs privileges
	b.denyTIOCSTI(true) // with no_new_privs, which allows it
	b.finish()
}

// Compile compiles an input. The plan is in m, and good until m is used again.
func Compile(g *Input, m *Memory) Plan {
	b := m.begin(g)
	first := b.p
	first.Reset()
	if g.StageField != "" {
		b.made.Second = &m.second
	}
	b.hold()
	b.mask = first.Words(0)
	first.Label(b.mask, "mask")
	b.made.FirstMask = b.mask
	b.steps()
	b.afterFailure()
	b.made.last = b.p
	b.p = first
	b.noteTimes()
	return b.made
}
