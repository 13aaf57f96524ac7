//go:build amd64 || arm64

package sprog

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/kernel"
	"github.com/sprog-dev/sprog/internal/spec"
)

// landlockABI requires a version of Landlock.
func landlockABI(version int) *requirement {
	return &requirement{what: "Landlock, ABI " + spec.Itoa(version), works: func() error {
		if kernel.Known.Landlock.Ask().ABI < version {
			return unix.EOPNOTSUPP
		}
		return nil
	}}
}

// Unprivileged requires a process that has not CAP_SYS_ADMIN, nor no_new_privs.
var unprivileged = &requirement{what: "no privileges", works: func() error {
	if kernel.HasCap(unix.CAP_SYS_ADMIN) || procField("/proc/self/status", "NoNewPrivs") == "1" {
		return unix.EPERM
	}
	return nil
}}

// everywhere lets programs run and be read.
var everywhere = LandlockPath{Path: "/", Rights: LandlockRead | LandlockExecute}

var casesOfLandlock = []startCase{
	{"landlock", []*requirement{landlockABI(7)}, func(t *testing.T, c *Cmd) {
		c.Attr = &Attr{NoNewPrivs: true, Landlock: &Landlock{
			ABI: 7, Scopes: LandlockScopeSignal, Log: LandlockLogNewExecOn,
			Files: &LandlockFiles{Rules: []LandlockPath{
				everywhere,
				{Path: "/no/such/dir", Rights: LandlockRead, Optional: true},
				{Path: "/dev/null", Rights: LandlockRead | LandlockWriteFile},
				{File: tempFile(t), Rights: LandlockReadFile},
			}},
			Ports: &LandlockPorts{Rules: []LandlockPort{{Port: 80, Rights: LandlockConnectTCP}}},
		}}
	}},
	{"landlock below an init", []*requirement{landlockABI(6)}, withAttr(&Attr{
		NoNewPrivs: true, Init: &Init{}, Rlimits: []Rlimit{{Resource: unix.RLIMIT_NOFILE, Cur: 8, Max: 8}},
		Landlock: &Landlock{Scopes: LandlockScopeSignal, ABI: 6, Files: &LandlockFiles{Rules: []LandlockPath{everywhere}}},
	})},
}

var plansOfLandlock = []planCase{
	{"landlock", by(&Attr{NoNewPrivs: true, Landlock: &Landlock{
		ABI: 7, Scopes: LandlockScopeSignal | LandlockScopeAbstractUnixSocket, Log: LandlockLogNewExecOn,
		Files: &LandlockFiles{Rules: []LandlockPath{
			{Path: "/usr", Rights: LandlockRead | LandlockExecute},
			{Path: "/etc/hosts", Rights: LandlockReadFile},
			{Path: "/srv/data", Rights: LandlockRead | LandlockWrite, Optional: true},
		}},
		Ports: &LandlockPorts{Rules: []LandlockPort{{Port: 443, Rights: LandlockConnectTCP}, {Port: 0, Rights: LandlockBindTCP}}},
	}})},
	{"landlock-newest", by(&Attr{NoNewPrivs: true, Landlock: &Landlock{
		Files: &LandlockFiles{Rules: []LandlockPath{{Path: "/", Rights: LandlockRead | LandlockExecute}}}, Ports: &LandlockPorts{},
	}})},
	{"landlock-init", by(&Attr{NoNewPrivs: true, Init: &Init{}, Landlock: &Landlock{
		Files: &LandlockFiles{Handled: LandlockMakeReg, Rules: []LandlockPath{{Path: "/tmp", Rights: LandlockMakeReg}}},
	}})},
}
