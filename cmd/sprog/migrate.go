//go:build linux

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/flags"
)

// A migrateCmd is sprog migrate. What it does takes a type checker, which needs longer
// before main than all of sprog, and so is another program's.
type migrateCmd struct {
	DryRun   bool     `name:"dry-run" short:"n" help:"Change nothing, and only say what would change."`
	Tags     word     `placeholder:"TAG,..." help:"Build with these tags."`
	Packages []string `arg:"" optional:"" name:"packages" help:"Packages as the go command takes them (default: ./...)."`
}

const migrateHelp = `
Examples:
  sprog migrate -n ./...            what would change in this module
  sprog migrate ./...               change it
  sprog migrate --tags integration ./...
`

const migrator = "sprog-migrate"

// Run becomes the other program.
func (m *migrateCmd) Run(*flags.Line) error {
	path, err := findMigrator()
	if err != nil {
		return codedError{exitSprog, err}
	}
	args := []string{"-tags", string(m.Tags)}
	if m.DryRun {
		args = append(args, "-n")
	}
	cmd := sprog.Command(path, append(append(args, "--"), m.Packages...)...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd.Exec()
}

// findMigrator looks beside sprog, and then in PATH.
func findMigrator() (string, error) {
	if own, err := os.Executable(); err == nil {
		if path, err := exec.LookPath(filepath.Join(filepath.Dir(own), migrator)); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(migrator)
	if errors.Is(err, exec.ErrNotFound) {
		return "", errors.New("migrate: " + migrator + " is neither beside sprog nor in PATH: go install github.com/sprog-dev/sprog/cmd/" + migrator + "@latest")
	}
	return path, err
}
