//go:build linux && (amd64 || arm64)

package main

import (
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/sprog-dev/sprog/internal/sweep"
)

// gitTricks are what a program in the box does with the project so that git, outside and later, executes
// what it has left there: PWN is a command.
var gitTricks = map[string]struct{ before, inside, later string }{
	"a repository around which the directory is renamed": {
		before: "git init -q sub && git -C sub commit -q --allow-empty -m x && git add sub && git commit -qm x",
		inside: "mv sub gone && mkdir sub && cp -r gone/.git sub/.git && git -C sub config core.fsmonitor PWN",
	},
	"a new repository deep below": {
		inside: "mkdir -p a/b/c/d/e/f && git init -q a/b/c/d/e/f && git -C a/b/c/d/e/f commit -q --allow-empty -m x && git add a && git -C a/b/c/d/e/f config core.fsmonitor PWN",
	},
	"a new repository where dependencies are": {
		inside: "git init -q node_modules/m && git -C node_modules/m commit -q --allow-empty -m x && git add . && git -C node_modules/m config core.fsmonitor PWN",
	},
	"a new repository in a directory that is closed": {
		inside: "git init -q shut/m && git -C shut/m commit -q --allow-empty -m x && git add . && git -C shut/m config core.fsmonitor PWN; chmod 300 shut",
	},
	"a new repository by a link": {
		inside: "git init -q m && git -C m commit -q --allow-empty -m x && git add . && git -C m config core.fsmonitor PWN && mv m/.git evil && ln -s ../evil m/.git",
	},
	"a new repository by a file": {
		inside: "git init -q m && git -C m commit -q --allow-empty -m x && git add . && git -C m config core.fsmonitor PWN && mv m/.git evil && echo gitdir: ../evil >m/.git",
	},
	"a section and its key in one line": {
		inside: `git init -q m && git -C m commit -q --allow-empty -m x && git add . && echo '[core] fsmonitor = PWN #]' >>m/.git/config`,
	},
	"hooks that are a link to the project's": {
		before: "mkdir tools && rm -r .git/hooks && ln -s ../tools .git/hooks",
		inside: `printf "#!/bin/sh\nPWN\n" >tools/pre-commit; chmod +x tools/pre-commit`,
	},
	"another directory in the place of that link": {
		before: "mkdir tools && rm -r .git/hooks && ln -s ../tools .git/hooks",
		inside: `rm .git/hooks && mkdir .git/hooks && printf "#!/bin/sh\nPWN\n" >.git/hooks/pre-commit; chmod +x .git/hooks/pre-commit`,
	},
	"a hook that is a link to a script of the project's": {
		before: `mkdir -p tools && printf "#!/bin/sh\n" >tools/check && chmod +x tools/check && mkdir -p .git/hooks && ln -s ../../tools/check .git/hooks/pre-commit`,
		inside: `echo PWN >>tools/check; mv tools gone; mkdir tools; printf "#!/bin/sh\nPWN\n" >tools/check; chmod +x tools/check`,
	},
	"a name taken for what gets out of the way": {
		before: "rm -r .git/hooks",
		inside: `mkdir -p .git/hooks .git/hooks.from-box/full && printf "#!/bin/sh\nPWN\n" >.git/hooks/pre-commit && chmod +x .git/hooks/pre-commit`,
	},
	"a directory closed against that": {
		before: "rm -r .git/hooks",
		inside: `mkdir .git/hooks && printf "#!/bin/sh\nPWN\n" >.git/hooks/pre-commit && chmod +x .git/hooks/pre-commit && chmod 500 .git`,
	},
	"a script that the configuration names": {
		before: `mkdir tools && printf "#!/bin/sh\n" >tools/monitor && chmod +x tools/monitor && git config core.fsmonitor "tools/monitor"`,
		inside: `echo PWN >>tools/monitor`,
	},
	"the project as a bare repository": {
		inside: `git init -q --bare t && cp -r t/* . && rm -r t && git -C . --git-dir=. config core.bare false && git --git-dir=. config core.worktree . && git --git-dir=. config core.fsmonitor PWN; mv .git/objects .git/gone`,
	},
	"a bare repository that one goes into": {
		before: "mkdir sub && git init -q --bare sub/old",
		inside: `for d in sub/old sub/new; do git init -q --bare $d; git --git-dir=$d config core.bare false; git --git-dir=$d config core.worktree .; git --git-dir=$d config core.fsmonitor PWN; done`,
		later:  `cd sub/old && git status; cd ../new && git status`,
	},
	"a configuration that is included": {
		before: `mkdir hooks && printf '[core]\n\thooksPath = hooks\n' >gitconfig && git config include.path ../gitconfig`,
		inside: `printf "#!/bin/sh\nPWN\n" >hooks/pre-commit; chmod +x hooks/pre-commit`,
	},
	"hooks of a worktree": {
		before: `git config core.hooksPath hooks && git worktree add -q "$WORKTREE" && cd "$WORKTREE" && mkdir hooks && git add .`,
		inside: `printf "#!/bin/sh\nPWN\n" >hooks/pre-commit; chmod +x hooks/pre-commit`,
	},
}

// A server at a path that is not in a hidden place cannot be reached, whether the file system is read-only or not, unless
// its directory is asked for.
func TestBoxSockets(t *testing.T) {
	a := attack(t)
	dir, err := os.MkdirTemp("/var/lib", "sprog-box-test-")
	if err != nil {
		t.Skip("needs a directory outside of hidden places: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	a.path, a.abstract = dir+"/a socket", a.abstract+"-2"
	a.serve()
	for _, test := range []struct {
		boxed bool
		flags []string
		want  string
	}{{false, nil, "done: connected"}, {true, nil, "connection refused"}, {true, []string{"--ro", dir}, "done: connected"}} {
		out, _ := a.in(test.boxed, test.flags, "box-attack", "connect", "unix", a.path)
		if !strings.Contains(out, test.want) {
			t.Errorf("connect, boxed %t, with %q: %q; want %q", test.boxed, test.flags, out, test.want)
		}
	}
}

func TestBoxGitExecutesNothing(t *testing.T) {
	for _, name := range sweep.Drawn(t, slices.Sorted(maps.Keys(gitTricks))) {
		trick := gitTricks[name]
		t.Run(strings.ReplaceAll(name, " ", "-"), func(t *testing.T) {
			a := attack(t)
			pwned := a.outside + "/pwned"
			t.Setenv("WORKTREE", a.home+"/worktree")
			t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
			sh := func(script string) string {
				c := exec.Command("sh", "-c", script)
				c.Dir = a.project
				c.Env = append(os.Environ(), "HOME="+a.home)
				out, _ := c.CombinedOutput()
				return string(out)
			}
			a.write(a.home+"/.gitconfig", "[user]\nname = n\nemail = e\n")
			out := sh("git commit -q --allow-empty -m first; " + trick.before)
			if strings.Contains(trick.before, "WORKTREE") {
				a.project = a.home + "/worktree"
			}
			a.write(a.outside+"/pwn", "#!/bin/sh\ntouch "+pwned+"\n")
			sh("chmod +x " + a.outside + "/pwn")
			inside := strings.ReplaceAll(trick.inside, "PWN", a.outside+"/pwn")
			boxed, _ := a.in(true, nil, "sh", "-c", inside)
			later := sh("git status; git commit --allow-empty -m later; " + trick.later)
			if _, err := os.Stat(pwned); err == nil {
				t.Errorf("git has executed what the box left there: %s%s%s", out, boxed, later)
			}
		})
	}
}
