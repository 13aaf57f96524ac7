//go:build amd64 || arm64

package launch

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sprog-dev/sprog/internal/spec"
	"github.com/sprog-dev/sprog/internal/userns"
)

func TestParseSubID(t *testing.T) {
	for line, want := range map[string]userns.IDRange{
		"alice:100000:65536":      {First: 100000, Size: 65536},
		"alice:1:1 ":              {First: 1, Size: 1},
		"alice:0:4294967295":      {First: 0, Size: 1<<32 - 1},
		"alice:1:4294967295":      {},
		"alice:100000:0":          {},
		"alice:-1:5":              {},
		"alice:100000":            {},
		"alice:100000:5:6":        {},
		":100000:5":               {},
		"#alice:100000:5":         {},
		"alice:0x10:5":            {},
		"alice:4294967296:1":      {},
		"":                        {},
		"alice:99999999999999:10": {},
	} {
		owner, got, ok := parseSubID(line)
		if got != want || ok != (want != userns.IDRange{}) || ok && owner != "alice" {
			t.Errorf("parseSubID(%q) = %q, %v, %v; want %v", line, owner, got, ok, want)
		}
	}
}

func TestReadDelegation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "subuid")
	text := fmt.Sprintf("# someone:1:1\nelse:5:5\nsomeone:100:10\n%d:200:20\nsomeone:300:30", os.Getuid())
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := readDelegation(file, "someone")
	if want := []userns.IDRange{{First: 100, Size: 10}, {First: 200, Size: 20}, {First: 300, Size: 30}}; err != nil || !slices.Equal(d.Ranges, want) || d.User != "someone" {
		t.Errorf("readDelegation = %v, %v; want %v to someone", d, err, want)
	}
	if d, err := readDelegation(file+".no", "someone"); err != nil || len(d.Ranges) != 0 {
		t.Errorf("without a file: %v, %v; want nothing", d, err)
	}
}

func TestDelegationCovers(t *testing.T) {
	d := delegation{File: "/etc/subuid", User: "alice", Ranges: []userns.IDRange{{First: 100, Size: 10}, {First: 110, Size: 5}, {First: 200, Size: 1}}}
	for ids, want := range map[userns.IDRange]bool{
		{First: 100, Size: 10}: true, {First: 105, Size: 8}: true, {First: 100, Size: 15}: true, {First: 100, Size: 16}: false, {First: 99, Size: 2}: false,
		{First: 200, Size: 1}: true, {First: 200, Size: 2}: false, {First: 300, Size: 1}: false, {First: 0, Size: 1000}: false,
	} {
		if got := d.Covers(ids); got != want {
			t.Errorf("covers(%v) = %v; want %v", ids, got, want)
		}
	}
	if got, want := d.String(), "/etc/subuid delegates 100-109, 110-114, 200 to alice"; got != want {
		t.Errorf("String = %s; want %s", got, want)
	}
}

func TestMapSubordinate(t *testing.T) {
	for _, test := range []struct {
		name        string
		how         spec.SubordinateIDs
		lines, want string
		ranges      []userns.IDRange
	}{
		{"from 0", spec.SubordinateIDsFill, "", "0 100 50, 50 200 5", []userns.IDRange{{First: 100, Size: 50}, {First: 200, Size: 5}}},
		{"after root", spec.SubordinateIDsFill, "0 1000 1", "0 1000 1, 1 100 50", []userns.IDRange{{First: 100, Size: 50}}},
		{"around the caller", spec.SubordinateIDsFill, "1000 1000 1",
			"1000 1000 1, 0 100000 1000, 1001 101000 64536", []userns.IDRange{{First: 100000, Size: 65536}}},
		{"around the caller, from two", spec.SubordinateIDsFill, "7 7 1",
			"7 7 1, 0 100 5, 5 200 2, 8 202 8", []userns.IDRange{{First: 100, Size: 5}, {First: 200, Size: 10}}},
		{"mapped already", spec.SubordinateIDsFill, "0 105 2", "0 105 2, 2 100 5, 7 107 3", []userns.IDRange{{First: 100, Size: 10}}},
		{"same", spec.SubordinateIDsSame, "0 1000 1", "0 1000 1, 100 100 5, 200 200 2", []userns.IDRange{{First: 100, Size: 5}, {First: 200, Size: 2}}},
		{"same, taken inside", spec.SubordinateIDsSame, "102 1000 1", "102 1000 1, 100 100 2, 103 103 2", []userns.IDRange{{First: 100, Size: 5}}},
	} {
		if got, want := mapSubordinate(test.how, linesOf(t, test.lines), test.ranges), linesOf(t, test.want); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v; want %v", test.name, got, want)
		}
	}
}

// linesOf are the lines of a map, separated by commas.
func linesOf(t *testing.T, text string) (lines []syscall.SysProcIDMap) {
	t.Helper()
	if text == "" {
		return nil
	}
	for part := range strings.SplitSeq(text, ", ") {
		var m syscall.SysProcIDMap
		if _, err := fmt.Sscan(part, &m.ContainerID, &m.HostID, &m.Size); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, m)
	}
	return lines
}
