//go:build linux

package box

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A copy that is interrupted leaves no file of its own, and says what is missing.
func TestApplyInterrupted(t *testing.T) {
	dir := t.TempDir()
	project, kept := filepath.Join(dir, "p"), filepath.Join(dir, "c")
	for _, d := range []string{project, filepath.Join(kept, "upper"), filepath.Join(kept, "work")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(kept, "upper", "a"), []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := OpenChanges(kept, true)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, ctx := range []context.Context{ended{}, &endsLater{Context: context.Background()}} {
		_, err = c.Apply(ctx, &Project{Dir: project}, false)
		if err == nil || !strings.Contains(err.Error(), "of 1 changes, 0 are made, and those from a on are not") {
			t.Errorf("Apply = %v; want what is missing", err)
		}
		if left, _ := os.ReadDir(project); len(left) != 0 {
			t.Errorf("%v is left", left)
		}
	}
}

type ended struct{ context.Context }

func (ended) Err() error { return context.Canceled }

// endsLater ends when it has been asked once.
type endsLater struct {
	context.Context
	asked bool
}

func (c *endsLater) Err() error {
	if was := c.asked; was {
		return context.Canceled
	}
	c.asked = true
	return nil
}
