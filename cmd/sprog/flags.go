//go:build linux

package main

// A startFlags holds the flags that describe a start, as run and explain share
// them. A nil pointer or slice is a flag that was not given.
type startFlags struct {
	Config   word     `group:"program" placeholder:"FILE" help:"Take flags from a TOML file, whose keys are their names. A flag that is given overrides the file's. The key program is a list with the program and its arguments. - is standard input. Repeatable: a later file overrides those before it."`
	Dir      word     `group:"program" xor:"dir" placeholder:"DIR" short:"C,w" brief:"Working directory" help:"Working directory of the program (default: the caller's, or / with --chroot)."`
	Env      envList  `group:"program" placeholder:"NAME[=VALUE]" short:"e" brief:"Set a variable, or copy the caller's" help:"Set a variable; without =VALUE, copy the caller's. Repeatable; applied after the two below."`
	UnsetEnv nameList `group:"program" placeholder:"NAME" help:"Remove a variable. Repeatable."`
	ClearEnv bool     `group:"program" help:"Begin with an empty environment."`
	Argv0    *text    `group:"program" name:"argv0" placeholder:"NAME" help:"Give the program this name as its argument 0."`
	ExecFD   *number  `group:"program" name:"exec-fd" placeholder:"N" help:"Execute the file that the caller has open as N; the program's name is only its argument 0. A script needs --fd N too."`
	DirFD    *number  `group:"program" name:"dir-fd" xor:"dir" placeholder:"N" help:"Start in the directory that the caller has open as N."`

	User       word      `group:"identity" placeholder:"NAME|UID" short:"u" brief:"Run as this user, in its primary group" help:"Run as this user, with the primary group of its account and no other groups. With --chroot or a joined mount namespace, accounts inside come before those outside."`
	Group      word      `group:"identity" placeholder:"NAME|GID" short:"g" help:"Run with this group."`
	Groups     *nameList `group:"identity" xor:"groups" placeholder:"A,B,..." short:"G" values:"group" help:"Supplementary groups, names or numbers; an empty list drops all, so that a set-group-ID program leaves even the primary group."`
	InitGroups bool      `group:"identity" xor:"groups" help:"Supplementary groups that the group database has for --user."`
	KeepGroups bool      `group:"identity" xor:"groups" help:"Keep the caller's supplementary groups."`
	IDs        idFlags   `embed:"" group:"identity"`
	Ambient    capList   `group:"identity" placeholder:"CAP,..." values:"capability" help:"Capabilities that the program gets whatever its user, such as net_bind_service."`
	NoNewPrivs bool      `group:"identity" brief:"Never gain privileges by executing" help:"Never gain privileges by executing a program (set-user-ID, file capabilities)."`

	AllowTIOCSTI bool `group:"identity" name:"allow-tiocsti" help:"Let a program that runs as another user, or is confined by any flag, put input into the terminal, as if typed there (TIOCSTI). By default sprog prevents that where the kernel does not."`

	Capabilities capFlags     `embed:"" group:"capabilities"`
	Context      contextFlags `embed:"" group:"context"`

	Unshare    namespaceSet `group:"namespaces" placeholder:"NS,..." brief:"New namespaces: user, pid, mount, net, ..." values:"namespace" help:"New namespaces: user, pid, mount, net, ipc, uts, cgroup, time. Mounts made in a new mount namespace stay in it."`
	Join       joinList     `group:"namespaces" placeholder:"[NS,...=]PID|NS=PATH" help:"Join namespaces: all or some of a process, or one by its file. Paths are those inside; --user 0 makes the program root inside. Repeatable."`
	MapUser    mapList      `group:"namespaces" aliases:"map-users" placeholder:"IN[:OUT[:N]]" help:"Map N user ids from IN inside to OUT outside; IN alone maps it to the caller's. Repeatable, implies --unshare user. Lines for other ids than the caller's are written by newuidmap(1), unless sprog is privileged."`
	MapGroup   mapList      `group:"namespaces" aliases:"map-groups" placeholder:"IN[:OUT[:N]]" help:"The same for group ids."`
	MapRoot    bool         `group:"namespaces" xor:"map" short:"r" brief:"Root inside is the caller outside" help:"Map root inside to the caller: --map-user 0 --map-group 0."`
	MapCurrent bool         `group:"namespaces" xor:"map" help:"Map the caller to itself."`
	MapAuto    bool         `group:"namespaces" xor:"subids" help:"Map the caller's subordinate ids (/etc/subuid, /etc/subgid) to those that the maps above leave free, from 0 up."`
	MapSubids  bool         `group:"namespaces" xor:"subids" help:"Map the caller's subordinate ids to themselves."`
	UsernsLast bool         `group:"namespaces" help:"Enter the new user namespace when all else is set up with sprog's rights (CAP_SYS_ADMIN). The program has none over its other namespaces, and gets a new /proc also in a container that hides parts of its own."`
	Setgroups  *setgroups   `group:"namespaces" placeholder:"allow|deny|leave" help:"Whether supplementary groups can be set in a new user namespace (default: deny where there is a group map; allow takes privileges or subordinate ids)."`

	View viewFlags `embed:"" group:"view"`

	Chroot       word     `group:"files" placeholder:"DIR" help:"Root directory of the program."`
	Umask        *umask   `group:"files" placeholder:"MODE" help:"File mode creation mask, octal."`
	Stdin        fileName `group:"files" xor:"stdin" placeholder:"FILE|null" help:"Read standard input from FILE, or nothing."`
	Stdout       fileName `group:"files" xor:"stdout" placeholder:"FILE|null" help:"Write standard output to FILE, emptied first, or nowhere."`
	StdoutAppend fileName `group:"files" xor:"stdout" placeholder:"FILE" help:"Append standard output to FILE."`
	Stderr       fileName `group:"files" xor:"stderr" placeholder:"FILE|null" help:"Write standard error to FILE, emptied first, or nowhere."`
	StderrAppend fileName `group:"files" xor:"stderr" placeholder:"FILE" help:"Append standard error to FILE."`
	StdinText    *text    `group:"files" xor:"stdin" placeholder:"TEXT" help:"Read standard input from TEXT and a newline."`
	ToStdout     bool     `group:"files" xor:"stderr" name:"stderr-to-stdout" help:"Write standard error to where standard output goes."`

	FD         fdList     `group:"files" name:"fd" placeholder:"N[=M],..." help:"Give the program the caller's open descriptor M as its N, or N as N. The program gets 0, 1, 2 and what these flags say, no others."`
	Open       []openFlag `group:"files" placeholder:"N=MODE:FILE" help:"Have the program's user open FILE, below --chroot and from --dir, as its descriptor N. MODE is r, w (emptied first), a (append), x (must be new) or rw. Repeatable, as the next two."`
	Data       []dataFlag `group:"files" placeholder:"N=TEXT" help:"Give the program a read-only file with this content as its descriptor N."`
	DataFile   []dataFlag `group:"files" placeholder:"N=FILE" help:"The same with what is in FILE, which the caller reads; - is standard input."`
	CloseFD    numbers    `group:"files" name:"close-fd" placeholder:"N,..." help:"Leave 0, 1 or 2 closed."`
	InheritFDs bool       `group:"files" name:"inherit-fds" help:"Pass on all of the caller's open descriptors, but those of --info-fd, --result-fd and --events."`

	Setsid     bool    `group:"terminal" help:"Lead a new session, without a controlling terminal."`
	Ctty       bool    `group:"terminal" help:"Lead a new session that is controlled by the terminal on standard input."`
	CttyFD     *number `group:"terminal" name:"ctty-fd" placeholder:"N" help:"Take the program's descriptor N as --ctty's terminal."`
	TTY        bool    `group:"terminal" name:"tty" short:"t" brief:"A terminal of its own" help:"Give the program a terminal of its own, and relay between that and sprog's. Implies --init and a new session."`
	Noctty     bool    `group:"terminal" help:"Give up the controlling terminal, which standard input must be."`
	Setpgid    bool    `group:"terminal" help:"Lead a new process group."`
	Pgid       *number `group:"terminal" placeholder:"N" help:"Join process group N."`
	Foreground bool    `group:"terminal" help:"Lead a new process group in the foreground of the terminal, and give it back at the end."`

	Rlimit []rlimit `group:"limits" placeholder:"NAME=SOFT[:HARD]" brief:"Resource limit, such as nofile=64" values:"limit" help:"Resource limit; one value sets both, and SOFT: or :HARD one of them. Names and units are below. Repeatable."`
	Cgroup word     `group:"limits" placeholder:"DIR" help:"Start in this cgroup: a directory of the cgroup2 file system."`

	NewCgroup  cgroupFlags   `embed:"" group:"cgroup"`
	Scheduling schedFlags    `embed:"" group:"scheduling"`
	Inside     insideFlags   `embed:"" group:"namespaces"`
	Landlock   landlockFlags `embed:"" prefix:"landlock-" group:"landlock"`
	Seccomp    seccompFlags  `embed:"" group:"syscalls"`

	Signals   signalFlags `embed:"" group:"signals"`
	Init      bool        `group:"life" xor:"init" help:"Put a small init above the program, which reaps orphans, forwards signals and at the end kills what is left. The default with --timeout and --cpu-time, and with --unshare pid, where it is PID 1."`
	NoInit    bool        `group:"life" xor:"init" help:"Add no init by default. With --unshare pid the program is PID 1 then; --timeout and --cpu-time do not reach those whose parents have died."`
	Hold      *number     `group:"life" placeholder:"N" help:"Set everything up, and then wait to execute the program until a byte can be read from the caller's descriptor N, or it is at its end. --events tells of the process that waits."`
	InfoFD    *number     `group:"life" name:"info-fd" placeholder:"N" help:"Once the program runs, write its process id (the init's, if there is one) and the ids of its namespaces to the caller's descriptor N, as JSON."`
	Pdeathsig signalName  `group:"life" placeholder:"SIG" values:"signal" help:"Signal for the program when sprog dies."`

	Ending lifeFlags `embed:"" group:"life"`

	becomes bool     // sprog becomes the program: it makes no child
	sandbox *sandbox // of sprog box, or nil
}

// The idFlags set real and effective ids apart.
type idFlags struct {
	RUID word `name:"ruid" placeholder:"NAME|UID" help:"Run with this real user."`
	EUID word `name:"euid" placeholder:"NAME|UID" help:"Run with this effective user."`
	RGID word `name:"rgid" placeholder:"NAME|GID" help:"Run with this real group."`
	EGID word `name:"egid" placeholder:"NAME|GID" help:"Run with this effective group. As with --user, no other groups stay."`
}

func (f *idFlags) given() bool { return *f != idFlags{} }
