//go:build linux

package box

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// secrets are places with what programs of the system keep to themselves, whatever their modes. A program
// that runs as root could read much of it without capabilities: its owner is root. With the
// servers of lxd and incus, whoever reaches them can do all that root can.
var secrets = [...]string{
	"/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/ssl/private", "/etc/sudoers", "/etc/sudoers.d", "/etc/ssh/ssh_host_*_key",
	"/var/lib/docker", "/var/lib/containerd", "/var/lib/kubelet", "/var/lib/lxd", "/var/snap/lxd", "/var/lib/incus", "/var/lib/libvirt",
	"/var/spool/cron", "/var/log", "/swapfile", "/swap.img", "/sys/kernel/debug", "/sys/kernel/security", "/sys/fs/bpf", "/boot",
	"/proc/kcore", "/proc/kmsg", "/proc/kallsyms", "/proc/kpageflags", "/proc/kpagecount", "/proc/kpagecgroup", "/proc/slabinfo", "/proc/vmallocinfo",
}

// kept are directories in which whatever not everybody may read is a secret: keys of VPNs and web
// servers, passwords of databases. The number is how many directories deep.
var kept = [...]struct {
	dir  string
	deep int
}{{"/etc", 5}, {"/var/lib", 2}, {"/var/backups", 1}, {"/var/cache", 2}, {"/var/spool", 2}}

// unpublished are the secrets that are there, and that the caller may read or enter. Others stay as closed as
// they are. What the program needs, and what that is in, is no secret.
func (b *Box) unpublished() (list []string) {
	found, needed := map[string]bool{}, append(b.toolPaths(), b.Home, b.Project.Dir)
	needed = append(append(append(needed, b.ReadOnly...), b.ReadWrite...), b.Sockets...)
	for _, g := range b.Project.dirs {
		needed = append(needed, g.dir)
	}
	add := func(path string) {
		needs := func(n string) bool { return n != "" && (below(n, path) || below(path, n)) }
		if !found[path] && !slices.ContainsFunc(needed, needs) && (unix.Access(path, unix.R_OK) == nil || unix.Access(path, unix.X_OK) == nil) {
			list = append(list, path)
		}
		found[path] = true
	}
	for _, pattern := range secrets {
		paths, _ := filepath.Glob(pattern)
		for _, path := range paths {
			add(path)
		}
	}
	for _, k := range kept {
		withoutOthers(k.dir, k.deep, found, add)
	}
	return list
}

// withoutOthers finds what others may not read, but for what has been found already.
func withoutOthers(dir string, deep int, found map[string]bool, add func(string)) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if found[path] || !e.IsDir() && !e.Type().IsRegular() {
			continue
		}
		info, err := e.Info()
		switch {
		case err != nil:
		case e.IsDir() && info.Mode()&0o005 == 0 || e.Type().IsRegular() && info.Mode()&0o004 == 0:
			add(path)
		case e.IsDir() && deep > 1:
			withoutOthers(path, deep-1, found, add)
		}
	}
}
