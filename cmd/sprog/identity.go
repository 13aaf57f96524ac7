//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/accounts"
)

// credential returns the credential that the flags ask for, or nil if they
// leave the caller's. Supplementary groups never stay by accident: without a
// flag that says otherwise there is only the program's own group.
func (f *startFlags) credential() (*syscall.Credential, error) {
	if f.IDs.given() && f.User == "" && f.Group == "" {
		return nil, nil
	}
	if f.User == "" && f.Group == "" && f.Groups == nil {
		if f.KeepGroups || f.InitGroups {
			return nil, mistake("add --user or --group: without them the caller's groups stay, whatever {--keep-groups --init-groups} says")
		}
		return nil, nil
	}
	cred := &syscall.Credential{Uid: uint32(os.Geteuid()), Gid: uint32(os.Getegid()), NoSetGroups: f.KeepGroups}
	if err := f.setUser(cred); err != nil {
		return nil, err
	}
	if f.Group != "" {
		gid, err := f.place().group(string(f.Group))
		if err != nil {
			return nil, fmt.Errorf("--group: %w", err)
		}
		cred.Gid = gid
	}
	return cred, f.setGroups(cred)
}

// setUser fills in the user, and its primary group where --group is absent.
func (f *startFlags) setUser(cred *syscall.Credential) (err error) {
	if f.User == "" {
		return nil
	}
	var isNumber bool
	if cred.Uid, isNumber = accounts.ParseID(string(f.User)); isNumber && f.Group != "" {
		return nil
	}
	uid, account, err := f.place().user(string(f.User))
	if err != nil {
		return fmt.Errorf("--user: %w", err)
	}
	cred.Uid = uid
	if f.Group != "" {
		return nil
	}
	if account == nil {
		return fmt.Errorf("--user %s has no account to take the group from: add --group", f.User)
	}
	cred.Gid = account.GID
	return nil
}

// setGroups fills in the supplementary groups. The program's own is among them, as with
// initgroups(3): otherwise it would leave that group by executing a set-group-ID program, and
// with it what the group is denied (CVE-2022-36109).
func (f *startFlags) setGroups(cred *syscall.Credential) (err error) {
	switch {
	case f.Groups != nil:
		cred.Groups, err = f.groupNumbers()
		return err
	case f.KeepGroups:
		return nil
	case f.InitGroups:
		if cred.Groups, err = f.accountsGroups(); err != nil {
			return fmt.Errorf("--init-groups: %w", err)
		}
	}
	if !slices.Contains(cred.Groups, cred.Gid) {
		cred.Groups = append(cred.Groups, cred.Gid)
	}
	return nil
}

// groupNumbers are the groups of --groups.
func (f *startFlags) groupNumbers() (list []uint32, err error) {
	for _, name := range *f.Groups {
		gid, err := f.place().group(name)
		if err != nil {
			return nil, fmt.Errorf("--groups: %w", err)
		}
		list = append(list, gid)
	}
	return list, nil
}

// accountsGroups are the groups that the database has for the user.
func (f *startFlags) accountsGroups() ([]uint32, error) {
	_, account, err := f.place().user(string(f.User))
	if err != nil {
		return nil, err
	}
	if account == nil {
		return nil, errors.New("needs a --user that has an account")
	}
	return account.groups()
}

// checkGroups refuses what a user namespace cannot do: groups can be set there
// only where --setgroups allows it.
func (f *startFlags) checkGroups(sys *syscall.SysProcAttr) error {
	if sys.Credential == nil || sys.Credential.NoSetGroups || f.Setgroups != nil && *f.Setgroups != setgroups(sprog.SetgroupsDeny) {
		return nil
	}
	if sys.Cloneflags&unix.CLONE_NEWUSER == 0 {
		return nil
	}
	return errors.New("a new user namespace cannot drop or set supplementary groups: " +
		"add --keep-groups, or a group map with --setgroups allow (which takes privileges or --map-auto)")
}
