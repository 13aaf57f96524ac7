package seccomp

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// The table is what the generator makes of the golang.org/x/sys that go.mod
// names.
func TestNamesAreUpToDate(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), "names")
	if out, err := exec.Command("go", "run", "gen.go", file).CombinedOutput(); err != nil {
		t.Fatalf("go run gen.go: %v\n%s", err, out)
	}
	want, _ := os.ReadFile(file)
	if got, err := os.ReadFile("names.go"); err != nil || !bytes.Equal(got, want) {
		t.Errorf("names.go differs from what gen.go writes: run go generate (%v)", err)
	}
}

func TestNamesAreSorted(t *testing.T) {
	for i := range calls {
		if i > 0 && calls[i-1].name >= calls[i].name || find(calls[i].name) != i {
			t.Errorf("%s is not where it belongs", calls[i].name)
		}
	}
}

// The kernel's headers, where they are installed, have the same numbers.
func TestNamesAsInTheHeaders(t *testing.T) {
	for file, arch := range map[string]Arch{"unistd_64.h": X8664, "unistd_32.h": X86, "unistd_x32.h": X32} {
		files, _ := filepath.Glob("/usr/include/x86_64-linux-gnu/asm/" + file)
		if len(files) == 0 {
			t.Logf("no %s", file)
			continue
		}
		src, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`(?m)^#define __NR_(\w+) (?:\((__X32_SYSCALL_BIT) \+ )?(\d+)`).FindAllStringSubmatch(string(src), -1)
		if len(found) < 300 {
			t.Errorf("%s has %d numbers", file, len(found))
		}
		for _, m := range found {
			want, _ := strconv.Atoi(m[3])
			if m[2] != "" {
				want |= x32Bit
			}
			if i := find(m[1]); i < 0 || calls[i].numbers[arch] != int32(want) {
				t.Errorf("%s on %v: entry %d; want number %#x", m[1], arch, i, want)
			}
		}
	}
}

// Where libseccomp's tool is installed, it is asked about calls that differ
// most. Older versions do not know the newest.
func TestNamesAsLibseccompHasThem(t *testing.T) {
	tool, err := exec.LookPath("scmp_sys_resolver")
	if err != nil {
		t.Skip(err)
	}
	for a := range archs {
		for _, name := range []string{
			"read", "execve", "execveat", "clone3", "ioctl", "newfstatat", "ptrace", "rt_sigreturn", "mmap2",
			"sync_file_range", "fadvise64", "breakpoint", "cacheflush", "set_tls", "waitid", "openat2", "statx",
		} {
			out, err := exec.Command(tool, "-a", archs[a].name, name).Output()
			if err != nil {
				t.Fatal(err)
			}
			want, _ := strconv.Atoi(strings.TrimSpace(string(out)))
			if got := calls[find(name)].numbers[a]; int(got) != want && !(got < 0 && want < 0) {
				t.Errorf("%s on %s is %d; want %d", name, archs[a].name, got, want)
			}
		}
	}
}

func TestParseArch(t *testing.T) {
	for a := range archs {
		for _, name := range []string{archs[a].name, "SCMP_ARCH_" + strings.ToUpper(archs[a].name)} {
			if got, err := ParseArch(name); err != nil || got != Arch(a) {
				t.Errorf("ParseArch(%q) = %v, %v; want %v", name, got, err, Arch(a))
			}
		}
	}
	if _, err := ParseArch("SCMP_ARCH_S390X"); err == nil {
		t.Error("ParseArch(SCMP_ARCH_S390X) = nil; want an error")
	}
}

// What the headers of one machine call unknown may be known on another.
func TestNamesOfOtherMachines(t *testing.T) {
	for _, name := range []string{"s390_pci_mmio_read", "riscv_hwprobe", "spu_run", "sysmips"} {
		if find(name) < 0 {
			t.Errorf("%s is unknown", name)
		}
		for a := range numArchs {
			if numbers, n := calls[find(name)].on(a); n > 0 {
				t.Errorf("%s has the numbers %v on %v; want none", name, numbers[:n], a)
			}
		}
	}
}
