//go:build linux

package main

import (
	"maps"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/flags"
	"github.com/sprog-dev/sprog/internal/seccomp"
)

// valuesOf are what values of a kind are completed with.
func valuesOf(kind string) flags.Values {
	switch kind {
	case "signal":
		return flags.Values{Words: signalNames()}
	case "capability":
		return flags.Values{Words: append(supportedCaps(), "all")}
	case "limit":
		return flags.Values{Words: strings.Fields("as= core= cpu= data= fsize= locks= memlock= msgqueue= nice= nofile= nproc= rss= rtprio= rttime= sigpending= stack=")}
	case "syscall":
		return flags.Values{Words: append(callNames(), strings.Fields("@clock @cpu-emulation @debug @io-uring @keyring @module @mount @raw-io @reboot @swap")...)}
	case "family":
		return flags.Values{Words: append(slices.Sorted(maps.Keys(familyNumbers())), "none")}
	case "namespace":
		return flags.Values{Words: strings.Fields("user pid mount net ipc uts cgroup time")}
	case "feature":
		return flags.Values{Words: featureNames()}
	case "mapping":
		return flags.Values{Words: slices.Sorted(maps.Keys(mappingKinds()))}
	case "profile":
		return flags.Values{Files: []string{"~/.config/sprog/box/*.toml", "/etc/sprog/box/*.toml", ".sprog/*.toml"}}
	}
	words := map[string]string{
		"policy": "other batch idle fifo:1 rr:1 deadline ext", "class": "realtime best-effort idle",
		"numa":      "bind: preferred: preferred-many: interleave: weighted-interleave: local default",
		"securebit": "noroot no-setuid-fixup keep-caps no-cap-ambient-raise exec-restrict-file exec-deny-interactive",
		"scope":     "abstract-unix-socket signal", "log": "new-exec-on subdomains-off same-exec-off",
	}[kind]
	if kind == "right" {
		words = "fs net"
		for name := range landlockFileRights() {
			words += " " + name
		}
		for name := range landlockPortRights() {
			words += " " + name
		}
	}
	return flags.Values{Words: slices.Sorted(strings.FieldsSeq(words))}
}

func signalNames() (names []string) {
	for sig := unix.Signal(1); sig < 32; sig++ {
		names = append(names, strings.TrimPrefix(unix.SignalName(sig), "SIG"))
	}
	return names
}

// callNames are the system calls of this machine.
func callNames() (names []string) {
	for _, arch := range seccomp.Native(runtime.GOARCH)[:1] {
		names = arch.Names()
	}
	return names
}
