//go:build linux

package box

import (
	"os"
	"slices"
	"testing"
)

// Where Landlock alone stands for the box, a home directory among those of the system is not readable, and what is beside
// it is.
func TestLandlockedWithoutHome(t *testing.T) {
	entries, _ := os.ReadDir("/usr/share")
	var dirs []string
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, "/usr/share/"+e.Name())
		}
	}
	if len(dirs) < 2 {
		t.Skip("needs two directories in /usr/share")
	}
	home, beside := dirs[0], dirs[1]
	b := &Box{Home: home}
	readable, _ := b.Landlocked()
	for _, path := range readable {
		if below(home, path) || below(path, home) {
			t.Errorf("%s is readable, and the home directory is %s", path, home)
		}
	}
	if !slices.Contains(readable, beside) || !slices.Contains(readable, "/etc") {
		t.Errorf("%s and /etc are not readable: %q", beside, readable)
	}
}
