//go:build amd64 || arm64

package launch

import (
	"errors"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog/internal/accounts"
	"github.com/sprog-dev/sprog/internal/machine"
	"github.com/sprog-dev/sprog/internal/plain"
)

// mostTable is more than any table of accounts that one machine has.
const mostTable = 64 << 20

// readTable reads one of the tables in /etc. Whatever else is at its path, and
// whatever has no end, is an error. The caller may have the file locked: see
// machine.Peek.
func readTable(path string) (string, error) {
	var text []byte
	part := make([]byte, 64<<10)
	for {
		n, err := machine.Peek(path, part, int64(len(text)))
		if errors.Is(err, unix.EINVAL) { // this thread can have no others
			return plain.Read(path)
		}
		if text = append(text, part[:n]...); n == 0 || err != nil {
			return string(text), err
		}
		if len(text) > mostTable {
			return "", &fs.PathError{Op: "read", Path: path, Err: errors.New("has more than 64 MiB")}
		}
	}
}

// groupNumber finds a group by number or name.
func groupNumber(name string) (uint32, error) {
	if n, ok := accounts.ParseID(name); ok {
		return n, nil
	}
	text, err := readTable(accounts.Group)
	if err != nil {
		return 0, err
	}
	gid, ok := accounts.GroupNamed(text, name)
	if !ok {
		return 0, absent("is no group in " + accounts.Group)
	}
	return gid, nil
}

// groupsOf are the groups of a user, the primary one among them.
func groupsOf(name string) ([]uint32, error) {
	account, err := accountOf(name)
	if err != nil {
		return nil, err
	}
	text, err := readTable(accounts.Group)
	return accounts.GroupsOf(text, account), err
}

// accountOf finds a user by number or name.
func accountOf(name string) (account accounts.User, err error) {
	text, err := readTable(accounts.Passwd)
	if err != nil {
		return account, err
	}
	var ok bool
	if uid, number := accounts.ParseID(name); number {
		account, ok = accounts.UserNumbered(text, uid)
	} else {
		account, ok = accounts.UserNamed(text, name)
	}
	if !ok {
		return account, absent("is no user in " + accounts.Passwd)
	}
	return account, nil
}

// loginName is the caller's, or "" for a user without an account.
func loginName() (string, error) {
	account, err := accountOf(strconv.Itoa(os.Getuid()))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return account.Name, err
}

// An absent is what does not exist: ENOENT to errors.Is.
type absent string

func (a absent) Error() string { return string(a) }
func (absent) Unwrap() error   { return unix.ENOENT }
