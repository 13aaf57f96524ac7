//go:build amd64 || arm64

package sprog

import (
	"fmt"
	"math/rand/v2"
	"os/signal"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func sigText(set ...syscall.Signal) string {
	var bits uint64
	for _, sig := range set {
		bits |= 1 << (sig - 1)
	}
	return capText(bits)
}

func TestSignals(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	signal.Ignore(unix.SIGHUP, unix.SIGUSR1)
	for _, test := range []struct {
		name         string
		signals      Signals
		mask, ignore string
	}{
		{"nothing", Signals{}, sigText(), sigText(unix.SIGHUP, unix.SIGUSR1)},
		{"mask", Signals{Mask: []syscall.Signal{unix.SIGUSR1, 64, unix.SIGTERM}}, sigText(unix.SIGUSR1, 64, unix.SIGTERM), sigText(unix.SIGHUP, unix.SIGUSR1)},
		{"ignore", Signals{Ignore: []syscall.Signal{unix.SIGCHLD, 34, unix.SIGPIPE}}, sigText(), sigText(unix.SIGHUP, unix.SIGUSR1, unix.SIGCHLD, 34, unix.SIGPIPE)},
		{"default", Signals{Default: []syscall.Signal{unix.SIGHUP}}, sigText(), sigText(unix.SIGUSR1)},
		{"all default", Signals{AllDefault: true, Ignore: []syscall.Signal{unix.SIGINT}}, sigText(), sigText(unix.SIGINT)},
	} {
		for _, init := range []*Init{nil, {}} {
			t.Run(fmt.Sprint(test.name, init), func(t *testing.T) {
				wantStatusWith(t, nil, &Attr{Signals: &test.signals, Init: init}, map[string]string{"SigBlk": test.mask, "SigIgn": test.ignore})
			})
		}
	}
}

func TestMaskIsEmptied(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	set, old := unix.Sigset_t{Val: [16]uint64{oneBit(uint(unix.SIGUSR2) - 1)}}, unix.Sigset_t{}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &set, &old); err != nil {
		t.Fatal(err)
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil)
	wantStatusWith(t, nil, &Attr{Signals: &Signals{}}, map[string]string{"SigBlk": sigText(unix.SIGUSR2)})
	wantStatusWith(t, nil, &Attr{Signals: &Signals{Mask: []syscall.Signal{}}}, map[string]string{"SigBlk": sigText()})
}

var casesOfSignals = []startCase{
	{"signals", nil, withAttr(&Attr{Signals: &Signals{
		Mask: []syscall.Signal{unix.SIGUSR1, 64}, Ignore: []syscall.Signal{unix.SIGPIPE, unix.SIGCHLD}, Default: []syscall.Signal{unix.SIGHUP},
	}})},
	{"signals of an init", nil, withAttr(&Attr{Init: &Init{}, Signals: &Signals{
		Mask: []syscall.Signal{}, Ignore: []syscall.Signal{unix.SIGCHLD}, AllDefault: true,
	}})},
}

var plansOfSignals = []planCase{
	{"signals", by(&Attr{Signals: &Signals{
		Mask: []syscall.Signal{unix.SIGUSR1, 64}, Ignore: []syscall.Signal{unix.SIGPIPE, 34}, Default: []syscall.Signal{unix.SIGHUP},
	}})},
	{"signals-all-default", by(&Attr{Signals: &Signals{
		Mask: []syscall.Signal{}, Ignore: []syscall.Signal{unix.SIGCHLD}, AllDefault: true,
	}, Init: &Init{}})},
}

var facetsOfSignals = []facet{
	{name: "signals",
		draw: func(r *rand.Rand, _ *testing.T, c *Cmd) {
			attr(c).Signals = &Signals{Mask: []syscall.Signal{unix.SIGUSR1, syscall.Signal(36 + r.IntN(20))}, Ignore: []syscall.Signal{unix.SIGINT}}
		},
		expect: func(c *Cmd) map[string]string { return seesStatus("SigBlk", sigText(c.Attr.Signals.Mask...)) }},
}

func TestBadSignals(t *testing.T) {
	signals := func(s Signals) func(*Cmd) { return by(&Attr{Signals: &s}) }
	list := func(sigs ...syscall.Signal) []syscall.Signal { return sigs }
	wantRefused(t, []badStart{
		{"KILL blocked", signals(Signals{Mask: list(1, 9)}), syscall.EINVAL, "SIGKILL (Attr.Signals.Mask[1]): cannot be blocked"},
		{"STOP ignored", signals(Signals{Ignore: list(unix.SIGSTOP)}), syscall.EINVAL, "SIGSTOP (Attr.Signals.Ignore[0]): cannot be ignored"},
		{"KILL to its default", signals(Signals{Default: list(unix.SIGKILL)}), syscall.EINVAL,
			"SIGKILL (Attr.Signals.Default[0]): has its default action always"},
		{"no signal", signals(Signals{Mask: list(0)}), syscall.EINVAL, "0 (Attr.Signals.Mask[0]): is no signal"},
		{"no signal to ignore", signals(Signals{Ignore: list(65)}), syscall.EINVAL, "65 (Attr.Signals.Ignore[0]): is no signal"},
		{"negative", signals(Signals{Default: list(-1)}), syscall.EINVAL, "-1 (Attr.Signals.Default[0]): is no signal"},
		{"ignored and default", signals(Signals{Ignore: list(1, 2), Default: list(3, 2)}), syscall.EINVAL,
			"SIGINT (Attr.Signals.Default[1]): is in Ignore too"},
	})
}
