package sprog

// IDs sets the real and the effective user and group each by itself, which
// SysProcAttr.Credential cannot; it cannot be combined with that. A field that
// is nil leaves the id. See setresuid(2) and setresgid(2); what they do to
// capabilities is in capabilities(7).
//
// The saved ids become the effective ones, as execve(2) would make them anyway.
// Supplementary groups stay unless [Attr.Groups] says otherwise. A program that shares
// a terminal with its caller can put input into it, also as another user: see
// Attr.DenyTIOCSTI.
//
// Where a real and an effective id differ, the execve is to the kernel that of a
// set-user-ID program: the program is not dumpable, runs in secure-execution
// mode (ld.so(8)), and loses its parent-death signal, which is why such ids are
// refused with SysProcAttr.Pdeathsig, and with [Init] outside of a new PID
// namespace. Before Linux 6.16 it would lose more, and they are refused with
// NoNewPrivs and with ambient capabilities.
//
// While a start changes ids or capabilities (SysProcAttr.Credential and
// AmbientCaps, IDs, Caps, Securebits), this process is not dumpable
// (PR_SET_DUMPABLE(2const)), and then as before. If it becomes another user or group meanwhile,
// it stays as that makes it. If it clears the flag itself meanwhile, or one
// of its threads alone becomes another user, the kernel gives no way to
// know, and the flag is set at the end of the start: clear it before or after.
type IDs struct {
	RealUser, EffectiveUser   *uint32
	RealGroup, EffectiveGroup *uint32
}

// Groups sets the supplementary groups, with names looked up in /etc/group and
// /etc/passwd: before anything is started, and outside of any new root. It is
// for what SysProcAttr.Credential.Groups, which is numbers, has no way to say,
// and takes its place: both cannot be given.
//
// Other sources, which nsswitch.conf(5) can name, are not asked: it takes the C
// library to do that. [os/user] asks it, and a number is looked up nowhere.
//
// The zero value is no groups at all. Setting them needs CAP_SETGID, and in a
// new user namespace GidMappingsEnableSetgroups.
type Groups struct {
	// List are names or numbers of groups; a number is not looked up.
	List []string
	// Of, if not empty, is a user by name or number, who must be in /etc/passwd:
	// his group there is added, and all that /etc/group has him in.
	Of string
}
