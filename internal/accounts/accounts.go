// Package accounts finds users and groups in the text of passwd(5) and
// group(5).
//
// Package os/user knows more sources, by way of the C library: with cgo, which
// it brings along, a static program becomes a dynamic one,
// syscall.AllThreadsSyscall is refused, and the runtime no longer sees that all
// goroutines are asleep. Who needs those sources can ask them first, since a
// number is looked up nowhere.
package accounts

import (
	"slices"
	"strconv"
	"strings"
)

// The files that the texts come from.
const (
	Passwd = "/etc/passwd"
	Group  = "/etc/group"
)

// A User is an account, as far as a start needs it.
type User struct {
	Name     string
	UID, GID uint32
}

// UserNamed finds a user by name.
func UserNamed(passwd, name string) (User, bool) {
	return findUser(passwd, func(u User) bool { return u.Name == name })
}

// UserNumbered finds a user by uid.
func UserNumbered(passwd string, uid uint32) (User, bool) {
	return findUser(passwd, func(u User) bool { return u.UID == uid })
}

// findUser finds the first user that is meant: so does getpwnam(3).
func findUser(passwd string, meant func(User) bool) (User, bool) {
	for f := range entries(passwd) {
		if len(f) < 4 { // name, password, uid, gid; the rest is for others
			continue
		}
		uid, uidOK := ParseID(f[2])
		gid, gidOK := ParseID(f[3])
		if u := (User{f[0], uid, gid}); uidOK && gidOK && meant(u) {
			return u, true
		}
	}
	return User{}, false
}

// GroupNamed finds a group by name.
func GroupNamed(group, name string) (gid uint32, ok bool) {
	for f := range groups(group) {
		if f[0] == name {
			return ParseID(f[2])
		}
	}
	return 0, false
}

// GroupsOf are the groups of a user, the primary one first.
func GroupsOf(group string, u User) []uint32 {
	list := []uint32{u.GID}
	for f := range groups(group) {
		gid, _ := ParseID(f[2])
		member := len(f) > 3 && slices.Contains(strings.Split(f[3], ","), u.Name)
		if member && !slices.Contains(list, gid) {
			list = append(list, gid)
		}
	}
	return list
}

// groups yields the fields of groups that have a number: name, password, gid,
// and the members, separated by commas.
func groups(text string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		for f := range entries(text) {
			if len(f) < 3 {
				continue
			}
			if _, ok := ParseID(f[2]); ok && !yield(f) {
				return
			}
		}
	}
}

// entries yields the fields of each line that describes something: none of
// comments, and none of those that begin with + or -, which had the C library
// go on with NIS.
func entries(text string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, "\r\n")
			if line == "" || strings.IndexByte("#+-:", line[0]) >= 0 {
				continue
			}
			if !yield(strings.Split(line, ":")) {
				return
			}
		}
	}
}

// ParseID parses the number of a user or a group. The largest one is none: to
// the kernel it means to leave the id.
func ParseID(s string) (uint32, bool) {
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil && uint32(n) != ^uint32(0)
}
