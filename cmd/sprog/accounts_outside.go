//go:build linux

package main

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/accounts"
)

// Package os/user would ask the C library: with cgo, which it brings along, each start of sprog would load that library, which
// takes longer than all that a plain run does. getent(1) asks it only where a name is in none of the files.

// outerAccount finds one of the caller's.
func outerAccount(s string) (*account, error) {
	passwd, err := outerTable(accounts.Passwd)
	if err != nil {
		return nil, err
	}
	u, ok := userIn(passwd, s)
	if !ok {
		answer, err := getent("passwd", s)
		if u, ok = userIn(answer, s); !ok {
			return nil, err
		}
	}
	return &account{u, func() ([]uint32, error) { return outerGroupsOf(u) }}, nil
}

// userIn finds a user by name or number.
func userIn(passwd, s string) (accounts.User, bool) {
	if uid, isNumber := accounts.ParseID(s); isNumber {
		return accounts.UserNumbered(passwd, uid)
	}
	return accounts.UserNamed(passwd, s)
}

// outerGroup finds a group by name.
func outerGroup(name string) (gid uint32, found bool, err error) {
	group, err := outerTable(accounts.Group)
	if err != nil {
		return 0, false, err
	}
	if gid, found = accounts.GroupNamed(group, name); !found {
		group, err = getent("group", name)
		gid, found = accounts.GroupNamed(group, name)
	}
	return gid, found, err
}

// outerGroupsOf are a user's groups. Where other sources may know more than the file, they are asked.
func outerGroupsOf(u accounts.User) ([]uint32, error) {
	group, err := outerTable(accounts.Group)
	list := accounts.GroupsOf(group, u)
	if err != nil || onlyFiles() {
		return list, err
	}
	answer, err := getent("initgroups", u.Name)
	_, numbers, _ := strings.Cut(answer, " ") // after the name
	for _, number := range strings.Fields(numbers) {
		if gid, is := accounts.ParseID(number); is && !slices.Contains(list, gid) {
			list = append(list, gid)
		}
	}
	return list, err
}

// outerTable is one of the caller's tables. Where there is none, nobody is in it.
func outerTable(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return string(text), err
}

// onlyFiles reports whether groups come from nowhere else, by nsswitch.conf(5).
func onlyFiles() bool {
	text, _ := os.ReadFile("/etc/nsswitch.conf")
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		database, sources, _ := strings.Cut(strings.TrimSpace(line), ":")
		other := func(source string) bool { return source != "files" && source != "compat" && source[0] != '[' }
		if (database == "group" || database == "initgroups") && slices.ContainsFunc(strings.Fields(sources), other) {
			return false
		}
	}
	return true
}

// getent is what getent(1) answers, or "". Where it is, the system's administrator has put it.
func getent(database, key string) (answer string, err error) {
	if strings.HasPrefix(key, "-") {
		return "", nil
	}
	for _, dir := range [...]string{"/usr/bin", "/bin", "/run/current-system/sw/bin"} {
		out, err := sprog.Command(dir+"/getent", database, key).Output()
		var absent *sprog.ExitError
		switch {
		case errors.As(err, &absent): // nobody has that name
			return "", nil
		case !errors.Is(err, fs.ErrNotExist):
			return string(out), err
		}
	}
	return "", nil
}
