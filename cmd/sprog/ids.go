//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/accounts"
)

// setIdentity fills in who the program is, and what it may.
func (f *startFlags) setIdentity(attr *sprog.Attr) error {
	if err := f.setIDs(attr); err != nil {
		return err
	}
	if err := f.Capabilities.setCaps(attr); err != nil {
		return err
	}
	f.Context.setContext(attr)
	return f.Signals.setSignals(attr)
}

// setIDs fills in the ids, and the groups that go with them.
func (f *startFlags) setIDs(attr *sprog.Attr) error {
	if !f.IDs.given() {
		return nil
	}
	if f.User != "" || f.Group != "" {
		return mistake("drop {--user --group} or {--ruid --euid --rgid --egid}: the former sets real and effective ids alike")
	}
	attr.IDs = new(sprog.IDs)
	for _, id := range []struct {
		flag  string
		value word
		find  func(string) (uint32, error)
		to    **uint32
	}{
		{"--ruid", f.IDs.RUID, f.userNumber, &attr.IDs.RealUser}, {"--euid", f.IDs.EUID, f.userNumber, &attr.IDs.EffectiveUser},
		{"--rgid", f.IDs.RGID, f.place().group, &attr.IDs.RealGroup}, {"--egid", f.IDs.EGID, f.place().group, &attr.IDs.EffectiveGroup},
	} {
		if id.value == "" {
			continue
		}
		n, err := id.find(string(id.value))
		if err != nil {
			return fmt.Errorf("%s: %w", id.flag, err)
		}
		*id.to = &n
	}
	if f.KeepGroups {
		return nil
	}
	attr.Groups = new(sprog.Groups)
	if f.Groups == nil {
		if gid := f.ownGroup(attr.IDs); gid != "" {
			attr.Groups.List = []string{gid} // see setGroups
		}
		return nil
	}
	list, err := f.groupNumbers() // the library reads /etc/group only
	for _, gid := range list {
		attr.Groups.List = append(attr.Groups.List, strconv.FormatUint(uint64(gid), 10))
	}
	return err
}

// ownGroup is the effective group that the program will have, or "" where a user
// namespace may not have the caller's.
func (f *startFlags) ownGroup(ids *sprog.IDs) string {
	switch {
	case ids.EffectiveGroup != nil:
		return strconv.FormatUint(uint64(*ids.EffectiveGroup), 10)
	case f.newUser(), f.Join.joinsUser():
		return ""
	}
	return strconv.Itoa(os.Getegid())
}

func (f *startFlags) userNumber(s string) (uint32, error) {
	if uid, ok := accounts.ParseID(s); ok {
		return uid, nil
	}
	uid, _, err := f.place().user(s)
	return uid, err
}
