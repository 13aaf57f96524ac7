//go:build linux

package main

// What follows the flags of small sub-commands.
const (
	doctorHelp = `
Examples:
  sprog doctor
  sprog doctor --require user-namespaces,landlock && echo yes
  sprog doctor --json | jq '.features[] | select(.answer != "yes")'
`
	completionHelp = `
Where the shells look:
  bash  ~/.local/share/bash-completion/completions/sprog
  zsh   _sprog in a directory of fpath
  fish  ~/.config/fish/completions/sprog.fish

Examples:
  source <(sprog completion bash)
  sprog completion fish >~/.config/fish/completions/sprog.fish
`
	manHelp = `
Examples:
  sprog man run | man -l -
  sprog man >/usr/local/share/man/man1/sprog.1
`
	helpHelp = `
Examples:
  sprog help limits
  sprog help --rlimit
  sprog help box
`
	versionHelp = `
Examples:
  sprog version
  sprog --version
`
)

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

// compileHelp follows the flags of compile.
const compileHelp = `
Flags take the same values as in sprog exec, and mean the same when the launcher
runs. Nothing of this process is compiled in. Flags are refused that stand for
something of this process or machine, or that need sprog beside the program.

With --init, and with --unshare pid, the launcher stays above the program, as
sprog run --init does: it passes signals on, reaps, and ends as the program did.

Without arguments of its own the launcher runs the program with those that are
given here. Its environment is passed on as the flags say. A program without a
slash is looked for in PATH, which --env PATH=DIR:DIR has to give.

Exit code of the launcher, until it is the program:
  125  a step failed before the program was executed
  126  the program was found but could not be executed
  127  the program was not found

sprog explain LAUNCHER prints the flags and the steps that are in one, and fails
if the flags compile to something else.

Examples:
  sprog compile -o serve --user 33 --group 33 --rlimit nofile=4096 -- /bin/server
  sprog compile -o entry --init --append-args --user 1000 --group 1000 -- /app
  sprog compile -o entry.arm64 --arch arm64 --env PATH=/bin -- app --config /etc/app
`

// explainHelp follows the flags of explain.
const explainHelp = `
Examples:
  sprog explain --user nobody --chroot /srv/www /bin/server
  sprog explain --exec --umask 077 true
  sprog explain --json --unshare user,pid --map-root true
  sprog explain ./launcher    # the flags and the steps of one that compile made
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
