//go:build amd64 || arm64

package sprog

import "github.com/sprog-dev/sprog/internal/kernel"

// onOlder is what is said on kernels older than a version, by what was asked for: the oldest first. They lack
// calls whose names are in the text, or do not say what they have against an option.
var onOlder = []struct {
	major, minor int
	said         map[string]string
}{
	{5, 12, map[string]string{
		"A bind of what does not exist":                                     `sprog: start /bin/true: openat /no/such/file (Attr.Mounts[0]): no such file or directory (/no does not exist)`,
		"A bind through a file":                                             `sprog: start /bin/true: openat /tmp/x/file/below (Attr.Mounts[0]): not a directory (/tmp/x/file is a regular file, no directory)`,
		"A bind of what the user may not reach":                             `sprog: start /bin/true: openat /tmp/x/hidden/file (Attr.Mounts[0]): permission denied (user 65534 with the rights of the new user namespace may not search /tmp/x/hidden, which is d--------- of user 0 and group 0)`,
		"A bind of a link that goes in circles":                             `sprog: start /bin/true: openat /tmp/x/loop (Attr.Mounts[0]): too many levels of symbolic links (symbolic links lead in a circle, by way of /tmp/x/loop)`,
		"A mount where the host has nothing":                                `sprog: start /bin/true: openat /no (Attr.Mounts[0]): no such file or directory (the program sees nothing there, and nothing is made on a file system of the caller's unless Create asks for it)`,
		"A mount below a bind that has no such directory":                   `sprog: start /bin/true: openat /tmp/new (Attr.Mounts[1]): no such file or directory (the program sees nothing there, and nothing is made on a file system of the caller's unless Create asks for it)`,
		"A mount below a file":                                              `sprog: start /bin/true: openat /tmp/x/file/below (Attr.Mounts[0]): not a directory (something on the way is no directory in the program's view; symbolic links are followed with openat2 and mount_setattr only, Linux 5.12)`,
		"A directory on a file":                                             `sprog: start /bin/true: mount /tmp/x/file (Attr.Mounts[0]): invalid argument (a directory goes on a directory, and a file on what is none)`,
		"A file on a directory":                                             `sprog: start /bin/true: mount /tmp/x/sub (Attr.Mounts[0]): invalid argument (a directory goes on a directory, and a file on what is none)`,
		"A mount through a link of /proc":                                   `sprog: start /bin/true: openat /proc/self/root (Attr.Mounts[0]): not a directory (something on the way is no directory in the program's view; symbolic links are followed with openat2 and mount_setattr only, Linux 5.12)`,
		"A mount at a link that leads nowhere":                              `sprog: start /bin/true: statx /tmp/x/link (Attr.Mounts[0]): too many levels of symbolic links (a symbolic link is there, which is followed with openat2 and mount_setattr only, Linux 5.12)`,
		"A mount to be created below a file":                                `sprog: start /bin/true: openat /tmp/x/file/new (Attr.Mounts[0]): not a directory (something on the way is no directory in the program's view; symbolic links are followed with openat2 and mount_setattr only, Linux 5.12)`,
		"A directory that is a file":                                        `sprog: start /bin/true: openat /tmp/x/file (Attr.Mounts[0]): not a directory (something on the way is no directory in the program's view; symbolic links are followed with openat2 and mount_setattr only, Linux 5.12)`,
		"A directory that is not there":                                     `sprog: start /bin/true: openat /no (Attr.Mounts[0]): no such file or directory (the program sees nothing there, and nothing is made on a file system of the caller's unless Create asks for it)`,
		"A link in a directory that is not there":                           `sprog: start /bin/true: openat /no (Attr.Mounts[0]): no such file or directory (the program sees nothing there, and nothing is made on a file system of the caller's unless Create asks for it)`,
		"Flags of what is not there":                                        `sprog: start /bin/true: openat /no (Attr.Mounts[0]): no such file or directory (the program sees nothing there, of which flags could be set)`,
		"A clear of what the caller has read-only":                          `sprog: start /bin/true: mount /tmp (Attr.Mounts[0]): operation not permitted (a flag that a mount has in the caller's namespace cannot be cleared in a new user namespace)`,
		"Times of access where the caller has another way":                  `sprog: start /bin/true: mount /tmp (Attr.Mounts[0]): operation not permitted (what a mount does about times of access in the caller's namespace cannot be changed in a new user namespace)`,
		"A new /proc where something is mounted over parts of the caller's": `sprog: start /bin/true: mount /proc (Attr.Mounts[0]): operation not permitted (a user namespace gets no more of /proc than the caller has, and these have something mounted over them: /proc/version. Proc.Fallback says what there is to be instead)`,
		"An overlay of what does not exist":                                 `sprog: start /bin/true: mount /tmp (Attr.Mounts[0]): operation not permitted (overlays in a user namespace take Linux 5.11)`,
		"An overlay of a file":                                              `sprog: start /bin/true: /tmp (Attr.Mounts[0].Overlay): changes that vanish take mount_setattr, Linux 5.12`,
		"An overlay of a directory that something is mounted below":         `sprog: start /bin/true: /tmp (Attr.Mounts[0].Overlay): changes that vanish take mount_setattr, Linux 5.12`,
		"An overlay of another that has no work":                            `sprog: start /bin/true: mount /tmp (Attr.Mounts[0]): operation not permitted (overlays in a user namespace take Linux 5.11)`,
		"A device that the caller has not":                                  `sprog: start /bin/true: openat /dev/no-such-device (Attr.Mounts[0]): no such file or directory`,
		"A root that does not exist":                                        `sprog: start /bin/true: openat /no/such/root (Attr.Root): no such file or directory (/no does not exist)`,
		"A root that is a file":                                             `sprog: start /bin/true: mount / (Attr.Root): not a directory (the root has to be a directory)`,
		"Mounts in a user namespace without maps":                           `sprog: start /bin/true: mkdirat /d (Attr.Root): value too large for defined data type (the file system has no id for the owner of a new file: the user namespace has to map the caller's user and group by SysProcAttr.UidMappings and GidMappings)`,
		"Another root where a filter denies pivot_root":                     `sprog: start /bin/true: pivot_root . (Attr.Root): operation not permitted (likely the seccomp filter that is in force for this process denies it, as those of containers do: see Seccomp in /proc/self/status)`,
		"A file that was removed":                                           `sprog: start /bin/true: openat /tmp/x/file (deleted) (Attr.Mounts[0]): no such file or directory (the file has been removed, so that the child finds it nowhere: it is passed on only without another user namespace, and with CAP_SYS_ADMIN)`,
	}},
	{6, 8, map[string]string{
		"An overlay of what does not exist":      `sprog: start /bin/true: fsconfig overlay (Attr.Mounts[0]): no such file or directory (/no does not exist)`,
		"An overlay of a file":                   `sprog: start /bin/true: fsconfig overlay (Attr.Mounts[0]): invalid argument (/tmp/x/file is a regular file, no directory)`,
		"An overlay of another that has no work": `sprog: start /bin/true: fsconfig overlay (Attr.Mounts[0]): no such file or directory (/tmp/x/no-work does not exist)`,
	}},
}

// wanted is what this package says on this kernel.
func (f *failing) wanted() string {
	for _, k := range onOlder {
		if said, ok := k.said[f.asked]; ok && kernel.OlderThan(k.major, k.minor) {
			return said
		}
	}
	return f.want
}
