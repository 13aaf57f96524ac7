//go:build amd64 || arm64

package sprog

import (
	"os/exec"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/spec"
)

// Contradictions among credentials, and names that nothing has.
func TestBadCredentials(t *testing.T) {
	caps := func(c Caps) func(*Cmd) { return by(&Attr{Caps: &c}) }
	set := func(names ...string) CapSet { return CapSet{Add: names} }
	wantRefused(t, []badStart{
		{"unknown capability", caps(Caps{Ambient: set("net_raw", "cap_nonsense")}), syscall.EINVAL,
			`"cap_nonsense" (Attr.Caps.Ambient.Add[1]): is no capability`},
		{"unknown capability dropped", caps(Caps{Bounding: CapSet{Drop: []string{""}}}), syscall.EINVAL,
			`"" (Attr.Caps.Bounding.Drop[0]): is no capability`},
		{"capability of no kernel", caps(Caps{Effective: set("63")}), syscall.EINVAL,
			"63 (Attr.Caps.Effective.Add): is no capability of the running kernel"},
		{"added and dropped", caps(Caps{Permitted: CapSet{Add: []string{"chown"}, Drop: []string{"CAP_CHOWN"}}}), syscall.EINVAL,
			"CAP_CHOWN (Attr.Caps.Permitted): is both added and dropped"},
		{"ambient, not permitted", caps(Caps{Ambient: set("chown"), Permitted: CapSet{Drop: all()}}), syscall.EINVAL,
			"CAP_CHOWN (Attr.Caps.Ambient): is dropped from Permitted, which has to have it"},
		{"ambient, not inheritable", caps(Caps{Ambient: set("chown"), Inheritable: CapSet{Drop: []string{"all"}}}), syscall.EINVAL,
			"CAP_CHOWN (Attr.Caps.Ambient): is dropped from Inheritable, which has to have it"},
		{"effective, not permitted", caps(Caps{Effective: set("chown", "kill"), Permitted: CapSet{Drop: []string{"kill"}}}), syscall.EINVAL,
			"CAP_KILL (Attr.Caps.Effective): is dropped from Permitted, which has to have it"},
		{"inheritable, not in bounding", caps(Caps{Inheritable: set("chown"), Bounding: CapSet{Drop: []string{"chown"}}}), syscall.EINVAL,
			"CAP_CHOWN (Attr.Caps.Inheritable): is dropped from Bounding, which has to have it"},
		{"AmbientCaps dropped", func(c *Cmd) {
			c.SysProcAttr = &syscall.SysProcAttr{AmbientCaps: []uintptr{unix.CAP_KILL}}
			c.Attr = &Attr{Caps: &Caps{Inheritable: CapSet{Drop: []string{"kill"}}}}
		}, syscall.EINVAL, "CAP_KILL (Attr.Caps.Ambient): is dropped from Inheritable, which has to have it"},
		{"securebit", by(&Attr{Securebits: &Securebits{Add: []string{"noroot", "root"}}}), syscall.EINVAL,
			`"root" (Attr.Securebits.Add[1]): is no secure-bits flag`},
		{"securebit twice", by(&Attr{Securebits: &Securebits{Add: []string{"noroot"}, Drop: []string{"SECBIT_NOROOT"}}}), syscall.EINVAL,
			"SECBIT_NOROOT (Attr.Securebits): is both added and dropped"},
		{"IDs and Credential", func(c *Cmd) {
			c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Credential: &syscall.Credential{}}, &Attr{IDs: &IDs{}}
		}, syscall.EINVAL, "(Attr.IDs): cannot be combined with SysProcAttr.Credential: both set the user and the group"},
		{"no id", by(&Attr{IDs: &IDs{EffectiveGroup: id(spec.NoID)}}), syscall.EINVAL,
			"4294967295 (Attr.IDs.EffectiveGroup): is no id: to the kernel it means to leave the id"},
		{"IDs and Pdeathsig", func(c *Cmd) {
			c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Pdeathsig: 9}, &Attr{IDs: &IDs{RealUser: id(1), EffectiveUser: id(2)}}
		}, syscall.EINVAL, "(Attr.IDs): cannot make real and effective ids differ with SysProcAttr.Pdeathsig: execve clears the signal then"},
		{"IDs and Init", by(&Attr{IDs: &IDs{RealUser: id(1), EffectiveUser: id(2)}, Init: &Init{}}), syscall.EINVAL,
			"(Attr.IDs): cannot make real and effective ids differ with Attr.Init outside of a new PID namespace: " +
				"execve clears the parent-death signal that ends the program with its init"},
		{"unknown user", by(&Attr{Groups: &Groups{Of: "no-such-user"}}), syscall.ENOENT,
			`"no-such-user" (Attr.Groups.Of): is no user in /etc/passwd`},
		{"unknown group", by(&Attr{Groups: &Groups{List: []string{"1", "no-such-group"}}}), syscall.ENOENT,
			`"no-such-group" (Attr.Groups.List[1]): is no group in /etc/group`},
		{"Groups twice", func(c *Cmd) {
			c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Credential: &syscall.Credential{Groups: []uint32{1}}}, &Attr{Groups: &Groups{}}
		}, syscall.EINVAL, "(Attr.Groups): cannot be combined with SysProcAttr.Credential.Groups"},
		{"Groups and NoSetGroups", func(c *Cmd) {
			c.SysProcAttr, c.Attr = &syscall.SysProcAttr{Credential: &syscall.Credential{NoSetGroups: true}}, &Attr{Groups: &Groups{}}
		}, syscall.EINVAL, "(Attr.Groups): contradicts SysProcAttr.Credential.NoSetGroups"},
		{"Groups where they are denied", func(c *Cmd) {
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, GidMappings: toRoot}
			c.Attr = &Attr{Groups: &Groups{}}
		}, syscall.EINVAL, "(Attr.Groups): needs GidMappingsEnableSetgroups in a new user namespace"},
		{"keyring of the kernel's", by(&Attr{SessionKeyring: &SessionKeyring{Name: ".dot"}}), syscall.EINVAL,
			`".dot" (Attr.SessionKeyring): is a name of the kernel's: it begins with a dot`},
		{"keyring, NUL", by(&Attr{SessionKeyring: &SessionKeyring{Name: "a\x00"}}), syscall.EINVAL,
			`"a\x00" (Attr.SessionKeyring): contains a NUL byte`},
		{"label, NUL", by(&Attr{ExecLabel: &ExecLabel{AppArmor: "a\x00"}}), syscall.EINVAL,
			`"a\x00" (Attr.ExecLabel.AppArmor): contains a NUL byte`},
		{"personality", by(&Attr{Personality: persona(1<<32 - 1)}), syscall.EINVAL,
			"0xffffffff (Attr.Personality): asks for the personality instead of setting it"},
	})
}

// What this process has no right to give is refused before anything runs.
func TestCapsNotHeld(t *testing.T) {
	requires(t, asRoot, setpriv)
	if !ownProcess(t, func(c *exec.Cmd) {
		setpriv, _ := exec.LookPath("setpriv")
		c.Path, c.Args = setpriv, append([]string{setpriv, "--bounding-set=-chown,-kill,-setpcap,-sys_time"}, c.Args...)
	}) {
		return
	}
	set := func(names ...string) CapSet { return CapSet{Add: names} }
	caps := func(c Caps) func(*Cmd) { return by(&Attr{Caps: &c}) }
	wantRefused(t, []badStart{
		{"permitted", caps(Caps{Permitted: set("sys_time")}), syscall.EPERM, "CAP_SYS_TIME (Attr.Caps.Permitted): is not permitted to this process"},
		{"effective", caps(Caps{Effective: set("sys_time")}), syscall.EPERM, "CAP_SYS_TIME (Attr.Caps.Effective): is not permitted to this process"},
		{"ambient", caps(Caps{Ambient: set("sys_time")}), syscall.EPERM, "CAP_SYS_TIME (Attr.Caps.Ambient): is not permitted to this process"},
		{"inheritable", caps(Caps{Inheritable: set("chown")}), syscall.EPERM,
			"CAP_CHOWN (Attr.Caps.Inheritable): is not in this process's bounding set, or permitted to it"},
		{"bounding kept", caps(Caps{Bounding: CapSet{Drop: all(), Add: []string{"kill"}}}), syscall.EPERM,
			"CAP_KILL (Attr.Caps.Bounding): is not in this process's bounding set, which can only shrink"},
		{"bounding dropped", caps(Caps{Bounding: CapSet{Drop: []string{"fowner"}}}), syscall.EPERM,
			"CAP_FOWNER (Attr.Caps.Bounding): cannot be dropped without CAP_SETPCAP"},
		{"securebits", by(&Attr{Securebits: &Securebits{Add: []string{"noroot"}}}), syscall.EPERM,
			"(Attr.Securebits): cannot be changed without CAP_SETPCAP"},
	})
}
