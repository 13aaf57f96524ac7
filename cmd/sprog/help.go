//go:build linux

package main

// runHelp follows the flags of run.
const runHelp = `
Values of --rlimit:
  as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio
  rttime sigpending stack
  Bytes take K, M, G or T; cpu takes s, m, h or d; rttime, in microseconds,
  takes us, ms or s. Every limit can be "unlimited". sprog itself takes 1.3 GB
  of address space to start: as= limits the program alone, ulimit -v both.

Times of --sched-runtime, --sched-deadline, --sched-period and --timer-slack
have a unit: ns, us, ms or s. CPUs and nodes are lists such as 0-3,8 or 0-10:2.

Descriptors:
  The program gets 0, 1, 2 and those that flags give it, at any numbers:
  --fd 3=5,5=3 swaps two of the caller's. --stdin, --stdout and --stderr are
  opened by sprog as the caller, --open by the program's user, in its root and
  directory. What --data gives can be read again as /dev/fd/N. A make below
  sprog needs --inherit-fds to share the job server of a make above.

What the program sees:
  Mounts are made in the order of the command line; in a --config file, in the
  order of its keys, or in that of a list: view = [ { tmpfs = "/srv" }, { bind =
  "/srv/a" } ]. Nothing is ever made on the caller's file systems: what is
  mounted needs a file or directory there, unless --mount says create. An
  ordinary user gets a user namespace with his own ids, and --proc brings a PID
  namespace. Types of --mount, with their keys besides type and dst:
    bind     src, optional, shallow, propagation=private|slave|shared
    tmpfs    size, inodes, mode, huge
    proc     hidepid=1|2|4, subset=pid, writable, fallback=caller|empty
    dev      nodes=NAME:NAME..., nopts
    overlay  lower=DIR:DIR..., upper, work
    data     text, mode      dir      mode      symlink  text      mask
    sysfs mqueue cgroup2 devpts      flags (of what is there), shallow
  All mounts take ro, nosuid, nodev, noexec, nosymfollow and noatime, their
  opposites rw, suid, devices, exec, symfollow and atime, and create.

Rights of --landlock-rule and --landlock-access:
  execute write-file read-file read-dir remove-dir remove-file make-char
  make-dir make-reg make-sock make-fifo make-block make-sym refer truncate
  ioctl-dev resolve-unix, "read" for those of --landlock-ro, "write" for what
  --landlock-rw adds; --landlock-access also takes bind-tcp connect-tcp bind-udp
  connect-udp. A program needs its libraries, too: --landlock-rox /usr and the
  like. Files that are open already stay usable.

Signals:
  sprog passes HUP, INT, QUIT, TERM, PIPE, USR1, USR2, ALRM, PWR, WINCH, CONT
  and the real-time signals on to the program, with the values of sigqueue(3).
  It does not pass on what a terminal or a process sends to its whole process
  group while the program is in that group: the program has it already. A signal
  that would end the program ends a start that hangs, too, with 128+n.

sprog stops when the program does, and fg continues both.

As PID 1 of a container, and as a child subreaper, sprog reaps orphans.

With --tty the program's terminal decides what keys do. Ctrl-Z stops the program
and then sprog, and fg continues both; sprog puts its terminal back as it was.
In the background sprog leaves its terminal alone, except for the program's
output.

Exit code:
  That of the program, or 128+n if signal n killed it.
  123  the program exited with 0, but what --result, --trace or --info-fd asks
       for, or what it wrote under --tty, could not be written
  124  the program ended after --timeout's signal (137 if it took KILL), or its
       start had taken that long
  125  sprog failed before the program was executed
  126  the program was found but could not be executed
  127  the program was not found

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
  sprog run --read-only --private-tmp --proc /proc --read-write . make
  sprog run --root empty --system --proc /proc --dev /dev --ro-bind . ./a.out
  sprog run --nice 10 --sched batch --ionice idle --cpus 2,3 --numa bind:0 make
  sprog run --landlock-abi 5 --landlock-rox / --landlock-rw . --landlock-connect-tcp 443 make
  sprog run --deny-syscall ptrace,mount:kill,socket:EACCES ./build
  sprog run --clear-env --env PATH --env LANG=C --stdin null make -j2
`

// execHelp follows the flags of exec.
const execHelp = `
exec refuses what needs a second process: --init, --timeout, --unshare pid.
Flags take the same values as in sprog run.

As PID 1 of a container the program itself has to reap orphans, once it is
executed; sprog run does that for its program.

Exit code:
  Once executed, the program is this process. Until then:
  125  sprog failed before the program was executed
  126  the program was found but could not be executed
  127  the program was not found

Examples:
  sprog exec --rlimit nofile=1024 --no-new-privs /bin/server
  exec sprog exec --user www-data --umask 027 /bin/server   # in a script
`

// explainHelp follows the flags of explain.
const explainHelp = `
Examples:
  sprog explain --user nobody --chroot /srv/www /bin/server
  sprog explain --exec --umask 077 true
  sprog explain --json --unshare user,pid --map-root true
`

// boxHelp follows the flags of box.
const boxHelp = `
What the program can do:
  change the project, but not what your tools execute later: .git/hooks,
  .git/config, .vscode, .envrc, .husky, .claude and the like;
  read the machine's file system, but neither your home directory nor /run, /tmp,
  /mnt and other homes. Of your home it sees tools and their settings (.gitconfig,
  .pyenv, .cargo/bin, the directories of PATH) and caches (go/pkg, .npm, .cargo),
  to which it adds for itself alone;
  use PATH, HOME, LANG, TERM and the variables of compilers, and no others.
It has no network, no sockets of this machine, no capabilities and no other
processes than its own. --show says it for your machine.

A profile is a TOML file with flags for keys:
  extends = "base"
  ro = ["~/data"]
  env = ["MY_TOKEN"]
  net = true

Where the box denies something, sprog says at the end of a program that failed
what it may have been, and which flag allows it.

Exit code: that of sprog run.

Examples:
  sprog box -- make test
  sprog box --net --env NPM_TOKEN -- npm install
  sprog box --overlay-project -- ./agent; sprog box --diff; sprog box --apply
  sprog box --timeout 10m --memory 4G --result r.json --capture 64K -- ./agent
`
