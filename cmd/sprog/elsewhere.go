//go:build linux

package main

import "github.com/sprog-dev/sprog/internal/flags"

// elsewhere are flags that people know from unshare, docker, systemd-run, bubblewrap and
// firejail, and what does here what they do there.
var elsewhere = []flags.Foreign{
	{Names: "-v --volume", Answer: "that is --bind SRC:DST, or --bind SRC:DST:ro"},
	{Names: "--rootfs -R", Answer: "that is --root DIR"},
	{Names: "--map-root-user -r", Answer: "that is --map-root"},
	{Names: "--map-current-user -c", Answer: "that is --map-current"},
	{Names: "--bind-try", Answer: "that is --bind SRC?, with a question mark"},
	{Names: "--ro-bind-try", Answer: "that is --ro-bind SRC?, with a question mark"},
	{Names: "--dev-bind-try", Answer: "that is --dev-bind SRC?, with a question mark"},
	{Names: "--remount-ro", Answer: "that is --mount type=flags,dst=PATH,ro,shallow"},
	{Names: "--mqueue", Answer: "that is --mount type=mqueue,dst=PATH"},
	{Names: "--overlay-src --tmp-overlay --ro-overlay", Answer: "that is --overlay DST=LOWER:LOWER"},
	{Names: "--unshare-all", Answer: "that is --unshare user,pid,mount,net,ipc,uts,cgroup"},
	{Names: "--unshare-net --network=none --private-network", Answer: "that is --unshare net"},
	{Names: "--unshare-pid", Answer: "that is --unshare pid"},
	{Names: "--unshare-user", Answer: "that is --unshare user"},
	{Names: "--unshare-ipc", Answer: "that is --unshare ipc"},
	{Names: "--unshare-uts", Answer: "that is --unshare uts"},
	{Names: "--die-with-parent", Answer: "that is --pdeathsig KILL"},
	{Names: "--new-session", Answer: "that is --setsid"},
	{Names: "--chdir --workdir -w", Answer: "that is --dir DIR"},
	{Names: "--setenv -e", Answer: "that is --env NAME=VALUE"},
	{Names: "--clearenv", Answer: "that is --clear-env"},
	{Names: "--ro", Answer: "that is --ro-bind PATH, or --read-only for everything"},
	{Names: "--private", Answer: "that is --private-home"},
	{Names: "-p --property", Answer: "flags have names of their own: ReadOnlyPaths= is --ro-bind, ReadWritePaths= is --read-write," +
		" InaccessiblePaths= is --mask, PrivateTmp= is --private-tmp, ProtectHome=tmpfs is --private-home, PrivateDevices= is --private-dev, RootDirectory= is --root"},
	{Names: "--cap-drop=ALL", Answer: "that is --caps="},
}
