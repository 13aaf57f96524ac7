//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/cmd/sprog/internal/box"
	"github.com/sprog-dev/sprog/internal/flags"
)

// A boxCmd is sprog box: sprog run with a preset.
type boxCmd struct {
	Net            bool         `group:"box" help:"Leave the program the network. Sockets of this machine by abstract names, and signals, stay out of reach."`
	RW             []word       `group:"box" name:"rw" placeholder:"DIR" help:"Let the program change DIR too. Repeatable, as --ro, --env and --profile."`
	RO             []word       `group:"box" name:"ro" placeholder:"DIR" help:"Let the program read DIR, which is in a hidden place."`
	Project        word         `group:"box" placeholder:"DIR" help:"The directory that may be changed (default: the top of the git repository that you are in, or the current directory)."`
	Docker         bool         `group:"box" help:"Let the program talk to Docker, with which it can do all that root can."`
	SSHAgent       bool         `group:"box" name:"ssh-agent" help:"Let the program use the keys of your SSH agent."`
	TmpSize        *cgroupLimit `group:"box" name:"tmp-size" placeholder:"BYTES" help:"How much each directory in memory holds: /tmp, /var/tmp, the home directory (default: a quarter of the memory)."`
	Profile        nameList     `group:"box" placeholder:"NAME" values:"profile" help:"Take flags from the profile NAME: a TOML file of that name, with .toml behind, in ~/.config/sprog/box, /etc/sprog/box or the project's .sprog. A name with a slash is a path. Its keys are names of flags; extends names other profiles. Lists are added to."`
	Extends        nameList     `hidden:"" placeholder:"NAME"`
	TrustProject   bool         `group:"box" help:"Take from a profile in the project flags that open the box as well."`
	Show           bool         `group:"box" help:"Print what the program would see and may do, and start nothing."`
	Why            bool         `group:"box" help:"Watch which files and servers the program asks for, which makes it slower, and tell at the end what it did not get, and by which flag it would."`
	Yes            bool         `group:"box" help:"Go on outside of a git repository, where nothing tells what was changed."`
	Degrade        bool         `group:"box" help:"Where this machine makes no user namespaces, go on with Landlock alone: other places are not hidden but cannot be read, and TMPDIR is in the place of /tmp."`
	OverlayProject bool         `group:"box" xor:"overlay" help:"Keep all changes to the project apart, until --apply. Another run with this flag goes on from there."`
	Diff           bool         `group:"box" xor:"overlay" help:"Show the changes that were kept apart."`
	Apply          bool         `group:"box" xor:"overlay" help:"Make them in the project. Those to files that your tools execute, or that were changed there since the run, stay kept apart."`
	Force          bool         `group:"box" help:"With --apply, overwrite also what was changed in the project since the run."`
	Discard        bool         `group:"box" xor:"overlay" help:"Drop them."`

	runCmd
}

// Run runs the program in the box.
func (c *boxCmd) Run(line *flags.Line) error {
	home, err := homeDir()
	if err != nil {
		return err
	}
	b, err := c.box(home)
	if err != nil {
		return err
	}
	if c.Force && !c.Apply {
		return mistake("{--force} is for {--apply}")
	}
	if c.Diff || c.Apply || c.Discard {
		return c.changes(b, line)
	}
	if err := c.check(b); err != nil {
		return err
	}
	if err := c.fill(b); err != nil {
		return err
	}
	if c.sandbox.temp != "" {
		defer os.RemoveAll(c.sandbox.temp)
	}
	if c.Show {
		return c.show(b)
	}
	if c.OverlayProject {
		held, err := box.OpenChanges(b.Changes, true)
		if err != nil {
			return fmt.Errorf("--overlay-project: %w", err)
		}
		defer held.Close()
	}
	end := c.observe(b)
	err = c.runCmd.Run(line)
	end(err)
	return err
}

// homeDir is the caller's, by whatever name.
func homeDir() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil || filepath.Clean(home) == "/" {
		return "", nil // there is none to be hidden
	}
	if real, err := filepath.EvalSymlinks(home); err == nil {
		home = real
	}
	return filepath.Abs(home)
}

// box is what the flags and this machine make of it.
func (c *boxCmd) box(home string) (*box.Box, error) {
	find, dir := box.ProjectAt, string(c.Project)
	if dir == "" {
		find, dir = box.FindProject, "."
	}
	project, err := find(dir, home)
	if err != nil && c.Project != "" {
		err = fmt.Errorf("--project %s: %w", dir, bare(err))
	}
	if err == nil {
		err = project.Refuse(home)
	}
	if err != nil {
		return nil, err
	}
	b := &box.Box{Home: home, Project: project, Path: filepath.SplitList(os.Getenv("PATH")), Net: c.Net}
	for _, list := range []struct {
		flag string
		from []word
		to   *[]string
	}{{"--rw", c.RW, &b.ReadWrite}, {"--ro", c.RO, &b.ReadOnly}} {
		for _, dir := range list.from {
			real, err := realPath(string(dir))
			if err != nil {
				return nil, fmt.Errorf("%s %s: %w", list.flag, dir, bare(err))
			}
			*list.to = append(*list.to, real)
		}
	}
	if c.OverlayProject || c.Diff || c.Apply || c.Discard {
		b.Changes = box.ChangesOf(project.Dir, stateDir(home))
	}
	return b, c.addSockets(b)
}

// realPath is a path without symbolic links, one of the caller's home with ~.
func realPath(path string) (string, error) {
	if rest, is := strings.CutPrefix(path, "~/"); is {
		home, _ := os.UserHomeDir()
		path = filepath.Join(home, rest)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// stateDir is where programs keep what they go on with.
func stateDir(home string) string {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return dir
	}
	return filepath.Join(home, ".local/state")
}

// addSockets opens the ways out that the flags name.
func (c *boxCmd) addSockets(b *box.Box) error {
	if c.Docker {
		socket, err := filepath.EvalSymlinks("/var/run/docker.sock")
		if err != nil {
			return fmt.Errorf("--docker: %w", err)
		}
		b.Sockets = append(b.Sockets, socket)
	}
	if c.SSHAgent {
		socket := os.Getenv("SSH_AUTH_SOCK")
		if !filepath.IsAbs(socket) {
			return errors.New("--ssh-agent: SSH_AUTH_SOCK names no socket")
		}
		b.Sockets = append(b.Sockets, socket)
		c.Env = append(c.Env, "SSH_AUTH_SOCK")
	}
	return nil
}

// check refuses what would surprise.
func (c *boxCmd) check(b *box.Box) error {
	if !b.Project.Git && !c.Yes && !c.OverlayProject && !c.Show {
		return fmt.Errorf("%s is in no git repository of yours, so that nothing would tell what the program changed: --yes goes on, --overlay-project keeps the changes apart", b.Project.Dir)
	}
	if c.Unshare&unix.CLONE_NEWUSER == 0 && c.Join != nil {
		return errors.New("--join leads out of the box: use sprog run")
	}
	return nil
}
