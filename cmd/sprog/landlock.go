//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/sprog-dev/sprog"
)

// The landlockFlags all begin with --landlock.
type landlockFlags struct {
	RO         []word         `name:"ro" placeholder:"PATH" help:"Allow to read below PATH, or the file PATH. Repeatable, as all with PATH and PORT. Any of these flags implies --no-new-privs."`
	ROX        []word         `name:"rox" placeholder:"PATH" help:"Allow to read and execute."`
	RW         []word         `name:"rw" placeholder:"PATH" help:"Allow to read, change, create, move and remove files."`
	RWX        []word         `name:"rwx" placeholder:"PATH" help:"Allow all that and to execute."`
	Rule       []landlockRule `placeholder:"RIGHT,...:PATH" help:"Allow the rights, which are listed below."`
	Try        bool           `help:"Skip paths that do not exist."`
	BindTCP    landlockPorts  `name:"bind-tcp" placeholder:"PORT,..." help:"Allow TCP sockets to be bound to the ports."`
	ConnectTCP landlockPorts  `name:"connect-tcp" placeholder:"PORT,..." help:"Allow TCP connections to the ports."`
	BindUDP    landlockPorts  `name:"bind-udp" placeholder:"PORT,..." help:"Allow UDP sockets to be bound to the ports."`
	ConnectUDP landlockPorts  `name:"connect-udp" placeholder:"PORT,..." help:"Allow to send UDP to the ports."`
	Access     landlockAccess `placeholder:"RIGHT,..." values:"right" help:"Restrict only these rights, which the flags above give back: fs and net for all, or single ones (default: fs with a PATH, net with a PORT)."`
	Scope      landlockScope  `placeholder:"SCOPE,..." values:"scope" help:"Cut off what lies outside of the program: abstract-unix-socket, signal."`
	Log        landlockLog    `placeholder:"FLAG,..." values:"log" help:"Audit log: new-exec-on logs what is denied to the program, and sprog says at the end of one that failed which flag allows it, if the audit is on and sprog may hear it; subdomains-off, same-exec-off."`
	ABI        *number        `name:"abi" placeholder:"N" help:"Take the rights that version N of Landlock has, and fail where the kernel lacks one of them (default: the newest version that the kernel has and sprog knows, which is at most 10; sprog says which rights newer ones have)."`
	BestEffort bool           `help:"Leave out what the kernel does not have, and say so, instead of failing."`

	unasked sprog.LandlockResult // what newer kernels restrict, where no version was given
}

// A landlockRule is a path and what is allowed there.
type landlockRule sprog.LandlockPath

func (r *landlockRule) Set(s string) error {
	// setpriv(1) has the type of the rule in front.
	names, path, ok := strings.Cut(strings.TrimPrefix(s, "path-beneath:"), ":")
	if !ok || path == "" {
		return fmt.Errorf("%q is not RIGHT,...:PATH", s)
	}
	r.Path = path
	for name := range strings.SplitSeq(names, ",") {
		rights, ok := landlockFileRights()[name]
		if !ok {
			return fmt.Errorf("%q is no right to files", name)
		}
		r.Rights |= rights
	}
	return nil
}

// landlockFileRights are the rights by the names that setpriv(1) has for them,
// and groups of them.
func landlockFileRights() map[string]sprog.LandlockAccess {
	return map[string]sprog.LandlockAccess{
		"execute": sprog.LandlockExecute, "write-file": sprog.LandlockWriteFile, "read-file": sprog.LandlockReadFile,
		"read-dir": sprog.LandlockReadDir, "remove-dir": sprog.LandlockRemoveDir, "remove-file": sprog.LandlockRemoveFile,
		"make-char": sprog.LandlockMakeChar, "make-dir": sprog.LandlockMakeDir, "make-reg": sprog.LandlockMakeReg,
		"make-sock": sprog.LandlockMakeSock, "make-fifo": sprog.LandlockMakeFifo, "make-block": sprog.LandlockMakeBlock,
		"make-sym": sprog.LandlockMakeSym, "refer": sprog.LandlockRefer, "truncate": sprog.LandlockTruncate,
		"ioctl-dev": sprog.LandlockIoctlDev, "resolve-unix": sprog.LandlockResolveUnix,
		"read": sprog.LandlockRead, "write": sprog.LandlockWrite,
	}
}

func landlockPortRights() map[string]sprog.LandlockPortAccess {
	return map[string]sprog.LandlockPortAccess{
		"bind-tcp": sprog.LandlockBindTCP, "connect-tcp": sprog.LandlockConnectTCP,
		"bind-udp": sprog.LandlockBindUDP, "connect-udp": sprog.LandlockConnectSendUDP,
	}
}

// A landlockAccess is what is taken.
type landlockAccess struct {
	files   sprog.LandlockAccess
	ports   sprog.LandlockPortAccess
	fs, net bool // all of them
}

func (a *landlockAccess) Set(s string) error {
	return decodeNames(s, func(name string) error {
		file, isFile := landlockFileRights()[name]
		port, isPort := landlockPortRights()[name]
		a.files |= file
		a.ports |= port
		a.fs, a.net = a.fs || name == "fs", a.net || name == "net"
		if name != "fs" && name != "net" && !isFile && !isPort {
			return fmt.Errorf("%q is neither fs, net nor a right", name)
		}
		return nil
	})
}

// A landlockPorts is a list of ports.
type landlockPorts []uint16

func (l *landlockPorts) Set(s string) error { return decodeList(s, l, parsePort) }

func parsePort(s string) (uint16, error) {
	port, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is no port: 0 to 65535", s)
	}
	return uint16(port), nil
}

type landlockScope sprog.LandlockScope

func (l *landlockScope) Set(s string) error {
	return decodeNames(s, func(name string) error {
		switch name {
		case "abstract-unix-socket":
			*l |= landlockScope(sprog.LandlockScopeAbstractUnixSocket)
		case "signal":
			*l |= landlockScope(sprog.LandlockScopeSignal)
		default:
			return fmt.Errorf("%q is no scope: abstract-unix-socket or signal", name)
		}
		return nil
	})
}

type landlockLog sprog.LandlockLog

func (l *landlockLog) Set(s string) error {
	return decodeNames(s, func(name string) error {
		switch name {
		case "same-exec-off":
			*l |= landlockLog(sprog.LandlockLogSameExecOff)
		case "new-exec-on":
			*l |= landlockLog(sprog.LandlockLogNewExecOn)
		case "subdomains-off":
			*l |= landlockLog(sprog.LandlockLogSubdomainsOff)
		default:
			return fmt.Errorf("%q is no flag of the log: new-exec-on, subdomains-off or same-exec-off", name)
		}
		return nil
	})
}

// attr is what the flags ask for, or nil.
func (f *landlockFlags) attr() (*sprog.Landlock, error) {
	l := &sprog.Landlock{Files: f.files(), Ports: f.ports(), Scopes: sprog.LandlockScope(f.Scope), Log: sprog.LandlockLog(f.Log), BestEffort: f.BestEffort}
	if f.ABI != nil {
		if *f.ABI < 1 || *f.ABI > sprog.LandlockNewestABI {
			return nil, fmt.Errorf("--landlock-abi: sprog knows 1 to %d", sprog.LandlockNewestABI)
		}
		l.ABI = int(*f.ABI)
	}
	if l.Files != nil || l.Ports != nil || l.Scopes != 0 {
		if f.ABI == nil && !f.BestEffort {
			f.takeNewest(l)
		}
		return l, nil
	}
	if f.ABI != nil || f.BestEffort || f.Try || f.Log != 0 {
		return nil, mistake("add a path, a port, --landlock-access or --landlock-scope: nothing is restricted by {--landlock-abi --landlock-best-effort --landlock-try --landlock-log} alone")
	}
	return nil, nil
}

// takeNewest has the rights meant that this kernel has. Those that a flag names stay: the
// kernel must have them.
func (f *landlockFlags) takeNewest(l *sprog.Landlock) {
	f.unasked = l.Probe()
	f.unasked.Missing.Scopes, f.unasked.Missing.Log = 0, 0
	if f.unasked.ABI == 0 || f.unasked.Missing == (sprog.LandlockSet{}) {
		return // without Landlock the start fails and says why
	}
	l.ABI = f.unasked.ABI
	if p := l.Ports; p != nil && p.Handled == 0 && len(f.BindUDP)+len(f.ConnectUDP) > 0 {
		p.Handled = sprog.LandlockBindTCP | sprog.LandlockConnectTCP | sprog.LandlockBindUDP | sprog.LandlockConnectSendUDP
		f.unasked.Missing.Ports = 0
	}
	if l.Files != nil && l.Files.Handled != 0 {
		f.unasked.Missing.Files = 0
	}
	if l.Ports != nil && l.Ports.Handled != 0 {
		f.unasked.Missing.Ports = 0
	}
}

// tellUnasked says which version of Landlock was taken, where a newer one has more.
func (f *landlockFlags) tellUnasked() {
	if f.unasked.ABI != 0 && f.unasked.Missing != (sprog.LandlockSet{}) {
		fmt.Fprintf(os.Stderr, "sprog: Landlock ABI %d, the newest of this kernel, does not restrict %s (--landlock-abi %d asks for what it has)\n",
			f.unasked.ABI, f.unasked.Missing, f.unasked.ABI)
	}
}

func (f *landlockFlags) files() *sprog.LandlockFiles {
	files := &sprog.LandlockFiles{}
	add := func(paths []word, rights sprog.LandlockAccess) {
		for _, path := range paths {
			files.Rules = append(files.Rules, sprog.LandlockPath{Path: string(path), Rights: rights, Optional: f.Try})
		}
	}
	add(f.RO, sprog.LandlockRead)
	add(f.ROX, sprog.LandlockRead|sprog.LandlockExecute)
	add(f.RW, sprog.LandlockRead|sprog.LandlockWrite)
	add(f.RWX, sprog.LandlockRead|sprog.LandlockWrite|sprog.LandlockExecute)
	for _, rule := range f.Rule {
		rule.Optional = f.Try
		files.Rules = append(files.Rules, sprog.LandlockPath(rule))
	}
	switch {
	case f.Access.files != 0 && !f.Access.fs:
		files.Handled = f.Access.files
	case !f.Access.fs && len(files.Rules) == 0:
		return nil
	}
	return files
}

func (f *landlockFlags) ports() *sprog.LandlockPorts {
	ports := &sprog.LandlockPorts{}
	for _, list := range []struct {
		ports  landlockPorts
		rights sprog.LandlockPortAccess
	}{
		{f.BindTCP, sprog.LandlockBindTCP}, {f.ConnectTCP, sprog.LandlockConnectTCP},
		{f.BindUDP, sprog.LandlockBindUDP}, {f.ConnectUDP, sprog.LandlockConnectSendUDP},
	} {
		for _, port := range list.ports {
			ports.Rules = append(ports.Rules, sprog.LandlockPort{Port: port, Rights: list.rights})
		}
	}
	switch {
	case f.Access.ports != 0 && !f.Access.net:
		ports.Handled = f.Access.ports
	case !f.Access.net && len(ports.Rules) == 0:
		return nil
	}
	return ports
}

// tellLandlock says what best effort has left out.
func tellLandlock(l sprog.LandlockResult) {
	if l.Missing == (sprog.LandlockSet{}) {
		return
	}
	reason := l.Reason
	if reason == "" {
		reason = fmt.Sprintf("this kernel has Landlock ABI %d", l.ABI)
	}
	fmt.Fprintf(os.Stderr, "sprog: Landlock does not restrict %s: %s\n", l.Missing, reason)
}

// hear listens to what the kernel logs of Landlock, if that is asked for. The box has something to say of that itself.
func (f *landlockFlags) hear(box *sandbox) *denials {
	if box != nil || sprog.LandlockLog(f.Log)&sprog.LandlockLogNewExecOn == 0 {
		return nil
	}
	return hearDenials()
}
