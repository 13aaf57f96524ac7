package bwrap

// usage is what --help prints, and what a command line without a command gets.
func usage(name string) string {
	return "usage: " + name + " [OPTIONS...] [--] COMMAND [ARGS...]\n" + Help
}

// Help is about the options.
const Help = `
The command line is bubblewrap's. Operations on the file system are done in their order,
in a root directory that is empty at first.

Options:
    --help, --version              Print this help, or the version, and exit
    --args FD                      Read more options, each ended by a NUL byte, from FD
    --argv0 NAME                   Give the program this name
    --level-prefix                 Begin messages with their level, such as <3>
    --not-a-security-boundary      Of bubblewrap 0.12; changes nothing here

Namespaces:
    --unshare-all                  All that can be new; user and cgroup where there are any
    --share-net                    But not the network
    --unshare-user, --unshare-ipc, --unshare-pid, --unshare-net, --unshare-uts, --unshare-cgroup
    --unshare-user-try, --unshare-cgroup-try
    --userns FD, --userns2 FD      Enter a user namespace: before the set-up, or after it
    --pidns FD                     Enter a PID namespace
    --disable-userns               Let the program make no user namespaces
    --assert-userns-disabled       Fail if it could make one
    --uid UID, --gid GID           Ids in the user namespace
    --hostname NAME                Host name in the UTS namespace

The program:
    --chdir DIR                    Start it in DIR
    --clearenv, --setenv NAME VALUE, --unsetenv NAME
    --lock-file DEST               Hold a lock on a file
    --sync-fd FD                   Hold FD open
    --new-session                  Lead a session of its own
    --die-with-parent              Kill it when bwrap's parent dies
    --as-pid-1                     Let it be the first process of its PID namespace
    --cap-add CAP, --cap-drop CAP  Change its capabilities; ALL are all
    --seccomp FD, --add-seccomp-fd FD
                                   Filter its system calls
    --exec-label LABEL, --file-label LABEL
                                   Labels of SELinux

The file system:
    --bind SRC DEST, --ro-bind SRC DEST, --dev-bind SRC DEST
                                   Show SRC at DEST: writable, read-only, with devices
    --bind-try, --ro-bind-try, --dev-bind-try SRC DEST
                                   The same, unless SRC does not exist
    --bind-fd FD DEST, --ro-bind-fd FD DEST
                                   Show an open file
    --remount-ro DEST              Make what is mounted at DEST read-only
    --overlay-src SRC              Add a layer to the next overlay
    --overlay RWSRC WORKDIR DEST, --tmp-overlay DEST, --ro-overlay DEST
                                   Mount an overlay: changes are kept, vanish, or are refused
    --proc DEST, --dev DEST, --tmpfs DEST, --mqueue DEST
    --perms OCTAL, --size BYTES    Of what the next option makes
    --dir DEST                     Make a directory
    --file FD DEST                 Copy FD to a file
    --bind-data FD DEST, --ro-bind-data FD DEST
                                   Mount a file with what FD has
    --symlink TEXT DEST            Make a symbolic link
    --chmod OCTAL PATH             Change permissions

For whoever starts bwrap:
    --info-fd FD, --json-status-fd FD
                                   Tell of the process, and of its end
    --block-fd FD                  Wait for a byte before the program begins
    --userns-block-fd FD           Wait for somebody to write the id maps

Examples:
    bwrap --ro-bind / / --dev /dev --proc /proc --unshare-all ls
    sprog bwrap --ro-bind /usr /usr --symlink usr/lib64 /lib64 /usr/bin/id
`
