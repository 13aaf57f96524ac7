//go:build amd64 || arm64

package sprog

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A probe agrees with what a start comes to.
func TestProbe(t *testing.T) {
	flags := map[string]uintptr{
		"user-namespaces": unix.CLONE_NEWUSER, "mount-namespaces": unix.CLONE_NEWNS, "pid-namespaces": unix.CLONE_NEWPID,
		"net-namespaces": unix.CLONE_NEWNET, "ipc-namespaces": unix.CLONE_NEWIPC, "uts-namespaces": unix.CLONE_NEWUTS,
		"cgroup-namespaces": unix.CLONE_NEWCGROUP, "time-namespaces": unix.CLONE_NEWTIME,
	}
	before := heldNow(t)
	for _, f := range Features() {
		s := Probe(f.Name)
		if s.Answer != Yes && s.Reason == "" {
			t.Errorf("Probe(%q) = %v; want a reason", f.Name, s)
		}
		if flag, ok := flags[f.Name]; ok {
			sys := &syscall.SysProcAttr{Unshareflags: flag}
			if os.Geteuid() != 0 {
				sys.Unshareflags |= unix.CLONE_NEWUSER
			}
			err := (&Cmd{Path: "/bin/true", SysProcAttr: sys}).Run()
			if (err == nil) != (s.Answer == Yes) {
				t.Errorf("Probe(%q) = %v, but a start with it: %v", f.Name, s, err)
			}
		}
		t.Log(f.Name, s)
	}
	before.compare(t, "probing")
	if s := Probe("nonsense"); s.Answer != Unknown || s.Reason == "" {
		t.Errorf("Probe(nonsense) = %v; want %v with a reason", s, Unknown)
	}
}

// The list is complete and readable.
func TestFeatures(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Features() {
		var major, minor int
		if _, err := fmt.Sscanf(f.Since, "%d.%d", &major, &minor); err != nil || f.For == "" || seen[f.Name] {
			t.Errorf("feature %+v: incomplete, or there twice", f)
		}
		seen[f.Name] = true
		if strings.ToLower(f.Name) != f.Name || strings.ContainsAny(f.Name, " _") {
			t.Errorf("feature %q: not in small letters with hyphens", f.Name)
		}
	}
	b, err := json.Marshal(Support{Answer: No, Reason: "why"})
	if want := `{"answer":"no","reason":"why"}`; string(b) != want || err != nil {
		t.Errorf("a Support in JSON is %s, %v; want %s", b, err, want)
	}
}

// Every attribute is what some feature is for, or takes nothing that a kernel
// could refuse.
func TestFeaturesForAttributes(t *testing.T) {
	free := strings.Fields("SysProcAttr.Setsid SysProcAttr.Setpgid SysProcAttr.Setctty SysProcAttr.Noctty SysProcAttr.Ctty SysProcAttr.Foreground " +
		"SysProcAttr.Pgid SysProcAttr.GidMappingsEnableSetgroups SysProcAttr.CgroupFD Attr.DirFile Attr.UserNamespace Attr.RefuseUserNamespaces Attr.WaitFor Attr.Dirs Attr.LookPath Attr.Files Attr.Inherit Attr.InheritAll Attr.Signals Attr.Umask")
	for _, of := range []reflect.Type{reflect.TypeFor[syscall.SysProcAttr](), reflect.TypeFor[Attr]()} {
		for i := range of.NumField() {
			name := of.Name() + "." + of.Field(i).Name
			mentions := func(f Feature) bool {
				return strings.Contains(f.For+" ", name) || strings.Contains(f.For, of.Name()+".") && strings.Contains(f.For+",", ", "+of.Field(i).Name+",")
			}
			switch found := slices.ContainsFunc(Features(), mentions); {
			case !found && !slices.Contains(free, name):
				t.Errorf("no feature is for %s", name)
			case found && slices.Contains(free, name):
				t.Errorf("%s is said to take nothing, but a feature is for it", name)
			}
		}
	}
}

// A call that a filter answers with ENOSYS is not there.
func TestProbeWithout(t *testing.T) {
	if !ownProcess(t, nil) {
		return
	}
	doWithout(t, []string{"clone3", "close_range", "pidfd_open", "execveat"})
	for _, name := range []string{"clone3", "clone-into-cgroup", "close-range", "pidfd", "execveat"} {
		if s := Probe(name); s.Answer != No || !strings.Contains(s.Reason, "not implemented") {
			t.Errorf("without the call, Probe(%q) = %v; want %v", name, s, No)
		}
	}
}
