package guide

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Home is what stands in documents for the reader's home directory.
const Home = "/home/you"

// A Place is where blocks are run: a home directory in which nothing is yet.
type Place struct {
	Dir  string   // of its own, where everybody may go
	Path []string // directories that come before those of PATH

	Guides string // the directory of the scripts in which blocks can be run
}

// Run runs the commands of a console, one after another in one shell, and returns what each
// has printed. The last error is that of the shell.
func (p *Place) Run(b *Block) ([]string, error) {
	const between = "--8<-- next command --8<--"
	script := new(strings.Builder)
	script.WriteString("exec 2>&1\n")
	for _, c := range b.Commands() {
		fmt.Fprintf(script, "status=$?; echo '%s'; (exit $status)\n%s", between, c.Text)
	}
	out, err := p.shell(b, script.String())
	if err != nil && !strings.Contains(string(out), between) {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	_, rest, _ := strings.Cut(string(out), between+"\n")
	return strings.Split(rest, between+"\n"), nil
}

// Script runs a script, which ends with the first command that fails.
func (p *Place) Script(b *Block) (string, error) {
	out, err := p.shell(b, "exec 2>&1; set -e\n"+b.Text)
	return string(out), err
}

// shell runs a script in the home directory, or where the setup goes, or inside of what a guide's script
// makes.
func (p *Place) shell(b *Block, script string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	script = "set -e\n" + b.Setup + "set +e\n" + script
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	if b.Inside != "" {
		file := filepath.Join(p.Dir, ".script")
		if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
			return nil, err
		}
		cmd = exec.CommandContext(ctx, filepath.Join(p.Guides, b.Inside), file)
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Dir, cmd.Env = p.Dir, p.Environ()
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	return bytes.ReplaceAll(out, []byte(p.Dir), []byte(Home)), err
}

// Environ is the environment of the reader.
func (p *Place) Environ() []string {
	path := append(append([]string{}, p.Path...), os.Getenv("PATH"), "/usr/sbin", "/sbin")
	env := []string{
		"HOME=" + p.Dir, "LANG=C.UTF-8", "TERM=dumb", "USER=you", "NO_COLOR=1", "GIT_CONFIG_NOSYSTEM=1",
		"PATH=" + strings.Join(path, string(filepath.ListSeparator)),
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOFLAGS", "GOTOOLCHAIN", "GOPROXY"} {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}
