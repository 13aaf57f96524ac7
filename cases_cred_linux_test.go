//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"math/rand/v2"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/launch"
	"github.com/sprog-dev/sprog/internal/spec"
)

func id(n uint32) *uint32 { return &n }

func persona(p Personality) *Personality { return &p }

// casesOfCredentials are about who the program is and what it may.
var casesOfCredentials = []startCase{
	{"ids", []*requirement{asRoot, differingIDs}, withAttr(&Attr{
		IDs: &IDs{id(1), id(2), id(3), id(4)}, Groups: &Groups{List: []string{"5", "1"}},
	})},
	{"capabilities", []*requirement{asRoot}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: 65534, Gid: 65534}, AmbientCaps: []uintptr{unix.CAP_CHOWN},
		}
		c.Attr = &Attr{
			Caps: &Caps{
				Bounding: CapSet{Drop: []string{"sys_boot", "net_raw"}}, Ambient: CapSet{Add: []string{"kill"}},
				Inheritable: CapSet{Add: []string{"fowner"}},
			},
			Securebits: &Securebits{Add: []string{"noroot"}},
		}
	}},
	{"capabilities of root", []*requirement{asRoot}, withAttr(&Attr{
		Caps:       &Caps{Permitted: CapSet{Drop: []string{"sys_time"}}, Ambient: CapSet{Drop: []string{"all"}}, Keep: true},
		Securebits: &Securebits{Drop: []string{"all"}},
	})},
	{"capabilities of an init", []*requirement{asRoot}, withAttr(&Attr{
		Caps: &Caps{Permitted: CapSet{Drop: []string{"all"}, Add: []string{"chown"}}, Ambient: CapSet{Drop: []string{"kill"}}}, Init: &Init{},
	})},
	{"capabilities in a user namespace", []*requirement{userNamespaces}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER, UidMappings: idOf(1000, unix.Getuid()), GidMappings: idOf(1000, unix.Getgid()),
		}
		c.Attr = &Attr{Caps: &Caps{Keep: true}}
	}},
	{"init of nobody in a user namespace", []*requirement{userNamespaces}, func(_ *testing.T, c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER, UidMappings: idOf(1000, unix.Getuid()), GidMappings: idOf(1000, unix.Getgid()),
			Unshareflags: syscall.CLONE_NEWNS,
		}
		c.Attr = &Attr{Init: &Init{}}
	}},
	{"session keyring", []*requirement{keyrings}, withAttr(&Attr{SessionKeyring: &SessionKeyring{}})},
	{"named session keyring", []*requirement{keyrings}, withAttr(&Attr{SessionKeyring: &SessionKeyring{Name: "sprog-test"}, Init: &Init{}})},
	{"personality", nil, withAttr(&Attr{Personality: persona(AddrNoRandomize)})},
}

// plansOfCredentials name no groups but by number, and no capabilities that
// depend on the kernel or on who asks.
var plansOfCredentials = []planCase{
	{"ids", by(&Attr{IDs: &IDs{id(1000), id(0), id(100), nil}, Groups: &Groups{List: []string{"7", "8"}}})},
	{"ids-effective", by(&Attr{IDs: &IDs{EffectiveUser: id(1000)}})},
	{"groups-none", by(&Attr{Groups: &Groups{}})},
	{"groups-of-credential", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000, Gid: 100}}
		c.Attr = &Attr{Groups: &Groups{List: []string{"7"}}}
	}},
	{"caps-relative", by(&Attr{Caps: &Caps{
		Bounding: CapSet{Drop: []string{"CAP_SYS_BOOT"}}, Permitted: CapSet{Drop: []string{"cap_sys_boot"}},
		Effective: CapSet{Drop: []string{"sys_time"}, Add: []string{"kill"}}, Inheritable: CapSet{Add: []string{"chown"}},
		Ambient: CapSet{Add: []string{"net_raw"}, Drop: []string{"syslog"}},
	}})},
	{"caps-exact", by(&Attr{Caps: &Caps{
		Permitted:   CapSet{Drop: []string{"all"}, Add: []string{"chown", "checkpoint_restore"}},
		Effective:   CapSet{Drop: []string{"all"}},
		Inheritable: CapSet{Drop: []string{"all"}},
		Ambient:     CapSet{Drop: []string{"all"}},
	}})},
	{"caps-credential", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000}, AmbientCaps: []uintptr{unix.CAP_SYS_TIME}}
		c.Attr = &Attr{Caps: &Caps{Bounding: CapSet{Drop: []string{"sys_boot"}}, Ambient: CapSet{Add: []string{"net_raw"}}}}
	}},
	{"caps-bounding-credential", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000}}
		c.Attr = &Attr{Caps: &Caps{Bounding: CapSet{Drop: []string{"sys_boot"}}}}
	}},
	{"caps-init", by(&Attr{Caps: &Caps{Permitted: CapSet{Drop: []string{"all"}}}, Init: &Init{}})},
	{"securebits", by(&Attr{Securebits: &Securebits{Add: []string{"noroot", "noroot-locked"}, Drop: []string{"keep-caps"}}})},
	{"securebits-credential", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000}}
		c.Attr = &Attr{Securebits: &Securebits{Drop: []string{"all"}, Add: []string{"no-cap-ambient-raise"}},
			Caps: &Caps{Ambient: CapSet{Add: []string{"net_raw"}}}}
	}},
	{"init-of-nobody", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER, UidMappings: idOf(1000, 1000)}
		c.Attr = &Attr{Init: &Init{}}
	}},
	{"keyring", by(&Attr{SessionKeyring: &SessionKeyring{}})},
	{"keyring-named", by(&Attr{SessionKeyring: &SessionKeyring{Name: "ring"}})},
	{"exec-label", func(c *Cmd) {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1000}, Chroot: "/srv"}
		c.Attr = &Attr{ExecLabel: &ExecLabel{SELinux: "system_u:system_r:httpd_t:s0", AppArmor: "web"}}
	}},
	{"exec-label-init", by(&Attr{ExecLabel: &ExecLabel{AppArmor: "web"}, Init: &Init{}})},
	{"personality", by(&Attr{Personality: persona(AddrNoRandomize | Linux32)})},
}

var facetsOfCredentials = []facet{
	{name: "ids", needs: []*requirement{asRoot, differingIDs}, without: []string{"credential", "parent-death signal", "init"},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).IDs = &IDs{id(r.Uint32N(9)), id(r.Uint32N(9)), id(r.Uint32N(9)), id(r.Uint32N(9))}
		},
		expect: func(c *Cmd) map[string]string {
			i := c.Attr.IDs
			return map[string]string{"ids:": fmt.Sprint(*i.RealUser, *i.EffectiveUser, *i.EffectiveUser, *i.RealGroup, *i.EffectiveGroup, *i.EffectiveGroup)}
		}},
	{name: "groups", needs: []*requirement{asRoot}, without: []string{"credential"},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).Groups = &Groups{List: []string{fmt.Sprint(r.IntN(9))}}
		},
		expect: func(c *Cmd) map[string]string { return map[string]string{"groups:": fmt.Sprint(c.Attr.Groups.List)} }},
	{name: "capabilities", needs: []*requirement{asRoot},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			amb := []string{"net_raw", "chown", "kill", "setpcap"}[r.IntN(4):]
			attr(c).Caps = &Caps{Bounding: CapSet{Drop: []string{"sys_boot", "syslog"}}, Ambient: CapSet{Drop: all(), Add: amb},
				Inheritable: CapSet{Drop: all(), Add: amb}}
		},
		expect: func(c *Cmd) map[string]string {
			set := capText(c.Attr.Caps.mustParse()[kernel.Ambient].Set)
			return map[string]string{"status:CapAmb": set, "status:CapInh": set}
		}},
	{name: "securebits", needs: []*requirement{asRoot},
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).Securebits = &Securebits{Drop: all(), Add: []string{"noroot", "no-setuid-fixup", "noroot-locked"}[r.IntN(3):]}
		},
		expect: func(c *Cmd) map[string]string {
			set, _, _ := spec.SecureBits("", c.Attr.Securebits.Add)
			return map[string]string{fmt.Sprintf("prctl:%d", unix.PR_GET_SECUREBITS): fmt.Sprint(set)}
		}},
	{name: "session keyring", needs: []*requirement{keyrings},
		draw:   func(r *rand.Rand, _ *testing.T, c *Cmd) { attr(c).SessionKeyring = &SessionKeyring{} },
		expect: func(*Cmd) map[string]string { return nil }},
	{name: "personality",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) { attr(c).Personality = persona(AddrNoRandomize) },
		expect: func(*Cmd) map[string]string {
			return map[string]string{"personality:": "00040000"}
		}},
}

func (c *Caps) mustParse() spec.CapEdits {
	e, err := launch.ParseCaps(c.spec())
	if err != nil {
		panic(err)
	}
	return e
}
