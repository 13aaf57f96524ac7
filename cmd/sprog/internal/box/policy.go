//go:build linux

package box

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
)

// denied are system calls that change mounts, reach into the kernel, or reach what is no
// process's own. The namespaces and the lack of capabilities deny most of them as well; here they do not
// even get as far as the code that would decide so.
var denied = []string{
	"mount", "umount", "umount2", "pivot_root", "move_mount", "open_tree", "open_tree_attr", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
	"setns", "bpf", "perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module", "open_by_handle_at", "quotactl", "quotactl_fd", "acct", "swapon", "swapoff",
	"reboot", "syslog", "iopl", "ioperm", "vm86", "vm86old", "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "lookup_dcookie", "nfsservctl", "uselib",
}

// NoNamespaces are rules for a machine where nothing else forbids new user namespaces: their owner would
// have all rights in them. The flags of clone3(2) are in memory, which no filter looks at.
func NoNamespaces() []sprog.SeccompRule {
	missing := uint16(unix.ENOSYS)
	rules := []sprog.SeccompRule{{Names: []string{"clone3"}, Action: sprog.SeccompErrno, Errno: &missing}}
	for _, flag := range []uint64{unix.CLONE_NEWUSER, unix.CLONE_NEWNS, unix.CLONE_NEWPID, unix.CLONE_NEWNET, unix.CLONE_NEWIPC, unix.CLONE_NEWUTS, unix.CLONE_NEWCGROUP} {
		has := []sprog.SeccompArg{{Index: 0, Op: sprog.SeccompMaskedEQ, Value: flag, Mask: flag}}
		rules = append(rules, sprog.SeccompRule{Names: []string{"clone", "unshare"}, Args: has, Action: sprog.SeccompErrno})
	}
	return rules
}

// Rules are what is denied. The kernel takes the second argument of ioctl(2), and those of
// socket(2), for an int: the upper half is masked off (CVE-2019-10063).
func Rules() []sprog.SeccompRule {
	is := func(index int, value uint64) []sprog.SeccompArg {
		return []sprog.SeccompArg{{Index: index, Op: sprog.SeccompMaskedEQ, Value: value, Mask: 1<<32 - 1}}
	}
	rules := []sprog.SeccompRule{{Names: denied, Action: sprog.SeccompErrno}}
	for _, command := range []uint64{unix.TIOCSTI, unix.TIOCLINUX} {
		rules = append(rules, sprog.SeccompRule{Names: []string{"ioctl"}, Args: is(1, command), Action: sprog.SeccompErrno})
	}
	missing := uint16(unix.EAFNOSUPPORT)
	for _, family := range []uint64{unix.AF_VSOCK, unix.AF_ALG, unix.AF_PACKET} {
		rules = append(rules, sprog.SeccompRule{Names: []string{"socket"}, Args: is(0, family), Action: sprog.SeccompErrno, Errno: &missing})
	}
	return rules
}

// passed are the variables that the program gets; a * stands for any ending.
const passed = `PATH HOME USER LOGNAME SHELL TERM COLORTERM NO_COLOR FORCE_COLOR CLICOLOR LANG LANGUAGE LC_* TZ PWD EDITOR PAGER CI COLUMNS LINES
	GO* CGO_* NODE_* npm_config_* PYTHON* PYENV_* VIRTUAL_ENV PIP_* UV_* JAVA_HOME CC CXX CPP LD AR CFLAGS CXXFLAGS CPPFLAGS LDFLAGS MAKEFLAGS MAKELEVEL PKG_CONFIG_PATH
	CARGO_HOME CARGO_TARGET_DIR CARGO_BUILD_* CARGO_INCREMENTAL RUSTUP_HOME RUSTUP_TOOLCHAIN RUSTFLAGS RUST_* DEBIAN_FRONTEND SOURCE_DATE_EPOCH
	GIT_AUTHOR_* GIT_COMMITTER_* SSL_CERT_FILE SSL_CERT_DIR NIX_SSL_CERT_FILE GIT_SSL_CAINFO CURL_CA_BUNDLE REQUESTS_CA_BUNDLE`

// HasPassword reports whether a text has a URL with a password in it, or with a user's name for HTTP, which often is
// a token.
func HasPassword(text string) bool {
	parts := strings.Split(text, "://")
	for i, after := range parts[1:] {
		host, _, _ := strings.Cut(after, "/")
		user, _, has := strings.Cut(host, "@")
		if has && (strings.Contains(user, ":") || strings.HasSuffix(parts[i], "http") || strings.HasSuffix(parts[i], "https")) {
			return true
		}
	}
	return false
}

// secretLine reports whether a line of a file of settings has a secret in it.
func secretLine(line string) bool {
	before, _, is := strings.Cut(line, "=")
	words := strings.Fields(before)
	assigns := is && len(words) > 0 && !strings.ContainsAny(words[len(words)-1], "$\"'`[](")
	return HasPassword(line) || strings.Contains(strings.ToLower(line), "authorization:") || assigns && IsSecret(words[len(words)-1])
}

// Passes reports whether the program gets a variable, NAME=VALUE, without being asked to.
func Passes(variable string) bool {
	name, value, _ := strings.Cut(variable, "=")
	if IsSecret(name) || HasPassword(value) {
		return false
	}
	if strings.HasPrefix(name, "GOOGLE") || strings.Contains(strings.ToUpper(name), "INDEX") { // an index of packages may have a password in it
		return false
	}
	return slices.ContainsFunc(strings.Fields(passed), func(pattern string) bool {
		begin, all := strings.CutSuffix(pattern, "*")
		return name == pattern || all && strings.HasPrefix(name, begin)
	})
}

// IsSecret reports whether a variable is one of those that have secrets in them, by its name.
func IsSecret(name string) bool {
	upper := strings.ToUpper(name)
	for _, secret := range []string{"TOKEN", "AUTH_", "_AUTH", "PASSWORD", "PASSWD", "SECRET", "CREDENTIAL", "API_KEY", "APIKEY", "PRIVATE_KEY", "ACCESS_KEY"} {
		if strings.Contains(upper, secret) && !strings.HasPrefix(name, "GIT_AUTHOR_") {
			return true
		}
	}
	return false
}
