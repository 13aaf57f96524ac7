//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/accounts"
)

// Names of users and groups are those of the root that the program is to have,
// as with chroot(8), or else the caller's.

// An account is a user that has one.
type account struct {
	accounts.User
	groups func() ([]uint32, error) // the primary one among them
}

// user finds a user by name or number. The account is nil for a number that has
// none.
func (p place) user(s string) (uid uint32, found *account, err error) {
	uid, isNumber := accounts.ParseID(s)
	if found, err = p.accountInside(s); found == nil && err == nil {
		found, err = outerAccount(s)
	}
	switch {
	case err != nil:
		return 0, nil, err
	case found != nil:
		return found.UID, found, nil
	case isNumber:
		return uid, nil, nil
	}
	return 0, nil, fmt.Errorf("there is no user %q%s", s, p.orOutside())
}

// accountInside looks in the program's root.
func (p place) accountInside(s string) (*account, error) {
	passwd, err := p.table(accounts.Passwd)
	if err != nil {
		return nil, err
	}
	u, ok := accounts.UserNamed(passwd, s)
	if uid, isNumber := accounts.ParseID(s); isNumber {
		u, ok = accounts.UserNumbered(passwd, uid)
	} else if ok && u.UID == 0 && s != "root" { // whoever may write there would make himself root
		return nil, fmt.Errorf("%q is user 0 in %s: give the number if that is meant", s, filepath.Join(p.root, accounts.Passwd))
	}
	if !ok {
		return nil, nil
	}
	return &account{u, func() ([]uint32, error) {
		group, err := p.table(accounts.Group)
		return accounts.GroupsOf(group, u), err
	}}, nil
}

// group finds a group by name or number.
func (p place) group(s string) (uint32, error) {
	if gid, ok := accounts.ParseID(s); ok {
		return gid, nil
	}
	text, err := p.table(accounts.Group)
	if err != nil {
		return 0, err
	}
	if gid, ok := accounts.GroupNamed(text, s); ok {
		return gid, nil
	}
	gid, found, err := outerGroup(s)
	if err == nil && !found {
		err = fmt.Errorf("there is no group %q%s", s, p.orOutside())
	}
	return gid, err
}

func (p place) orOutside() string {
	if p.root == "" {
		return ""
	}
	return " in " + p.root + " or outside"
}

// table reads a table of accounts in the program's root. There is none in the
// caller's own, nor in one that has no such file.
func (p place) table(path string) (string, error) {
	const usual, most = 64 << 10, 64 << 20
	if p.root == "" {
		return "", nil
	}
	shown := filepath.Join(p.root, path)
	for size := usual; ; size = min(8*size, most) {
		st, text, err := p.look(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY, size)
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
			return "", nil
		case errors.Is(err, unix.ENOSYS):
			return "", fmt.Errorf("looking for names in %s needs openat2 (Linux 5.6): give numbers", shown)
		case err != nil:
			return "", &os.PathError{Op: "open", Path: shown, Err: bare(err)}
		case st.Mode&unix.S_IFMT != unix.S_IFREG:
			return "", fmt.Errorf("%s is no regular file", shown)
		case len(text) < size || size >= most:
			return string(text), nil
		}
	}
}
