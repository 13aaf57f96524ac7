//go:build linux

package box

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"unicode"

	"golang.org/x/term"
)

// Diff writes what has changed: a line for each path, and what diff(1) says of texts.
func (c *Changes) Diff(project string, to io.Writer) error {
	list, err := c.List(project)
	if err != nil {
		return err
	}
	ofGit := 0
	list = slices.DeleteFunc(list, func(change Change) bool {
		inside := below(change.Path, ".git")
		if inside {
			ofGit++
		}
		return inside
	})
	for _, change := range list {
		fmt.Fprintf(to, "%c %s\n", change.Kind, printable(change.Path))
	}
	if ofGit > 0 {
		fmt.Fprintf(to, "and %d files of the repository, in .git\n", ofGit)
	}
	upper, err := os.OpenRoot(filepath.Join(c.dir, "upper"))
	if err != nil {
		return err
	}
	defer upper.Close()
	lower, err := os.OpenRoot(project)
	if err != nil {
		return err
	}
	defer lower.Close()
	for _, change := range list {
		if err := c.diffOne(change, lower, upper, to); err != nil {
			return err
		}
	}
	return nil
}

// harmless is a rune that a terminal does not obey.
func harmless(r rune) rune {
	if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
		return '?'
	}
	return r
}

// printable is a name without anything that a terminal obeys.
func printable(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// diffOne compares a regular file with what it was. Both are opened here, so that diff follows no
// link.
func (c *Changes) diffOne(change Change, lower, upper *os.Root, to io.Writer) error {
	old, err := openRegular(lower, change.Path)
	if err != nil {
		return err
	}
	defer old.Close()
	changed, err := openRegular(upper, change.Path)
	if err != nil {
		return err
	}
	defer changed.Close()
	if old.Name() == os.DevNull && changed.Name() == os.DevNull {
		return nil
	}
	if isLarge(old) || isLarge(changed) {
		_, err := fmt.Fprintf(to, "%s is too large to compare\n", printable(change.Path))
		return err
	}
	cmd := exec.Command("diff", "-u", "--label", "a/"+printable(change.Path), "--label", "b/"+printable(change.Path), "/dev/fd/3", "/dev/fd/4")
	cmd.ExtraFiles = []*os.File{old, changed}
	text, _ := cmd.Output() // or none, where there is no diff(1): the list has to do
	if f, is := to.(*os.File); is && term.IsTerminal(int(f.Fd())) {
		text = bytes.Map(harmless, text)
	}
	_, err = to.Write(text)
	return err
}

// openRegular opens a file, or nothing in the place of one that is none.
func openRegular(root *os.Root, path string) (*os.File, error) {
	if info, err := root.Lstat(path); err == nil && info.Mode().IsRegular() && !isWhiteout(filepath.Join(root.Name(), path), info) {
		return root.Open(path)
	}
	return os.Open(os.DevNull)
}

// isLarge reports whether nobody would read the file's differences: it may be one hole of terabytes.
func isLarge(f *os.File) bool {
	info, err := f.Stat()
	return err != nil || info.Size() > 64<<20
}
