//go:build linux

package main

import "github.com/sprog-dev/sprog/internal/flags"

// topics are what there is help on: all flags of run by what they are about.
var topics = []flags.Topic{
	{Name: "program", Aliases: "config environment", Title: "The program, its arguments and its environment", Groups: "program", Text: `
Configuration:
  A file for --config has the names of flags for keys, and the key program for
  the program with its arguments: umask = "027", env = ["A=1", "B=2"]. Of several
  files a later one overrides those before it, flag by flag, and the command line
  overrides all. sprog explain --toml FLAGS writes one.
`},
	{Name: "identity", Aliases: "user capabilities caps credentials labels", Title: "Who the program is, and what it may do", Groups: "identity capabilities context"},
	{Name: "namespaces", Aliases: "namespace unshare join", Title: "Namespaces", Groups: "namespaces"},
	{Name: "filesystem", Aliases: "view mounts mount fs root", Title: "What the program sees of the file system", Groups: "view", Text: `
What the program sees:
  Mounts are made in the order of the command line; in a --config file, in the
  order of its keys, or in that of a list: view = [ { tmpfs = "/srv" }, { bind =
  "/srv/a" } ]. Nothing is ever made on the caller's file systems: what is
  mounted needs a file or directory there, unless --mount says create. An
  ordinary user gets a user namespace with his own ids, and --proc brings a PID
  namespace. Types of --mount, with their keys besides type and dst:
    bind     src, optional, shallow, propagation=private|slave|shared,
             idmap=u|g|b:DISK:SEEN:SIZE..., with spaces between (b is for both)
    tmpfs    size, inodes, mode, huge
    proc     hidepid=1|2|4, subset=pid, writable, fallback=caller|empty
    dev      nodes=NAME:NAME..., nopts
    overlay  lower=DIR:DIR..., upper, work
    data     text, mode      dir      mode      symlink  text      mask
    sysfs mqueue cgroup2 devpts      flags (of what is there), shallow
  All mounts take ro, nosuid, nodev, noexec, nosymfollow and noatime, their
  opposites rw, suid, devices, exec, symfollow and atime, and create.
`},
	{Name: "files", Aliases: "descriptors fds streams", Title: "Files, streams and descriptors", Groups: "files", Text: `
Descriptors:
  The program gets 0, 1, 2 and those that flags give it, at any numbers:
  --fd 3=5,5=3 swaps two of the caller's. --stdin, --stdout and --stderr are
  opened by sprog as the caller, --open by the program's user, in its root and
  directory. What --data gives can be read again as /dev/fd/N. A make below
  sprog needs --inherit-fds to share the job server of a make above.
`},
	{Name: "terminal", Aliases: "tty session", Title: "Terminal, session and process group", Groups: "terminal", Text: `
Keys:
  With --tty the program's terminal decides what keys do. Ctrl-Z stops the program
  and then sprog, and fg continues both; sprog puts its terminal back as it was.
  In the background sprog leaves its terminal alone, except for the program's
  output.
`},
	{Name: "limits", Aliases: "limit rlimit cgroup resources", Title: "Limits", Groups: "limits cgroup", Text: `
Values of --rlimit:
  as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio
  rttime sigpending stack
  Bytes take K, M, G or T; cpu takes s, m, h or d; rttime, in microseconds,
  takes us, ms or s. Every limit can be "unlimited". sprog itself takes 1.3 GB
  of address space to start: as= limits the program alone, ulimit -v both.
`},
	{Name: "scheduling", Aliases: "cpu cpus sched memory-policy", Title: "Processors and memory", Groups: "scheduling", Text: `
Times of --sched-runtime, --sched-deadline, --sched-period and --timer-slack
have a unit: ns, us, ms or s. CPUs and nodes are lists such as 0-3,8 or 0-10:2.
`},
	{Name: "landlock", Aliases: "", Title: "Landlock", Groups: "landlock", Text: `
Rights of --landlock-rule and --landlock-access:
  execute write-file read-file read-dir remove-dir remove-file make-char
  make-dir make-reg make-sock make-fifo make-block make-sym refer truncate
  ioctl-dev resolve-unix, "read" for those of --landlock-ro, "write" for what
  --landlock-rw adds; --landlock-access also takes bind-tcp connect-tcp bind-udp
  connect-udp. A program needs its libraries, too: --landlock-rox /usr and the
  like. Most also write to /dev/null, and many to /tmp and /dev/shm:
  --landlock-rw /dev/null. Files that are open already stay usable.
`},
	{Name: "syscalls", Aliases: "seccomp", Title: "System calls", Groups: "syscalls"},
	{Name: "signals", Aliases: "signal", Title: "Signals", Groups: "signals", Text: `
Signals:
  sprog passes HUP, INT, QUIT, TERM, PIPE, USR1, USR2, ALRM, PWR, WINCH, CONT
  and the real-time signals on to the program, with the values of sigqueue(3).
  It does not pass on what a terminal or a process sends to its whole process
  group while the program is in that group: the program has it already. A signal
  that would end the program ends a start that hangs, too, with 128+n.

sprog stops when the program does, and fg continues both.

As PID 1 of a container, and as a child subreaper, sprog reaps orphans.
`},
	{Name: "life", Aliases: "time timeout result trace", Title: "From the start to the end", Groups: "life"},
	{Name: "exit-codes", Aliases: "exit-code exit", Title: "Exit codes", Groups: "", Text: `
Exit code:
  That of the program, or 128+n if signal n killed it.
  123  the program exited with 0, but what --result, --trace, --events or --info-fd asks
       for, or what it wrote under --tty, could not be written
  124  the program ended after the signal of --timeout, --cpu-time or
       --output-limit (137 if it took KILL), or its start had taken that long
  125  sprog failed before the program was executed
  126  the program was found but could not be executed
  127  the program was not found
`},
	{Name: "examples", Aliases: "", Title: "Examples", Groups: "", Text: `
Examples:
  sprog run --user www-data --chroot /srv/www --no-new-privs /bin/server
  sprog run --unshare pid,mount,net --map-root sh
  sprog run --trace=start.html --unshare user,pid,mount,net --init true
  sprog run --timeout 30s --rlimit cpu=10 --rlimit as=512M ./solve <in >out
  sprog run --user nobody --ambient net_bind_service nc -l -p 80
  sprog run --cap-drop all --cap-add net_raw --new-keyring ping -c1 ::1
  sprog run --ignore-signal HUP --default-signal PIPE --no-aslr ./measure
  sprog run --user nobody --data-file 3=/etc/app.key --open 4=r:/etc/app.conf app
  sprog run --memory 2G --swap 0 --pids 500 --cpu-max 1.5 make -j8
  sprog run --tty --unshare pid,net bash
  sprog run --read-only --private-tmp --tmpfs /dev/shm --proc /proc --read-write . make
  sprog run --root empty --system --proc /proc --dev /dev --ro-bind . ./a.out
  sprog run --nice 10 --sched batch --ionice idle --cpus 2,3 --numa bind:0 make
  sprog run --landlock-rox / --landlock-rw . --landlock-rw /tmp --landlock-rw /dev/null --landlock-rw /dev/shm --landlock-connect-tcp 443 make
  sprog run --deny-syscall ptrace,mount:kill,socket:EACCES ./build
  sprog run --clear-env --env PATH --env LANG=C --stdin null make -j2
`},
}
