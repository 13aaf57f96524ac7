package bwrap

// A table has options by their names.
type table map[string]*declared

// find finds an option.
func (p *parser) find(option string) *declared {
	if p.tables == nil {
		p.tables = []table{aboutFiles(), aboutNamespaces(), aboutProgram()}
	}
	for _, t := range p.tables {
		if d := t[option]; d != nil {
			return d
		}
	}
	return nil
}

// aboutNamespaces are the options for help, and for namespaces.
func aboutNamespaces() table {
	return table{
		"--help":    set(func(o *Options) { o.Help = true }),
		"--version": set(func(o *Options) { o.Version = true }),
		"--args":    {takes: 1, apply: (*parser).readArgs},
		"--argv0":   {takes: 1, one: true, apply: (*parser).argv0},

		"--level-prefix":       set(func(o *Options) { o.LevelPrefix = true }),
		"--unshare-all":        set(unshareAll),
		"--unshare-user":       set(func(o *Options) { o.UnshareUser = true }),
		"--unshare-user-try":   set(func(o *Options) { o.UnshareUserTry = true }),
		"--unshare-ipc":        set(func(o *Options) { o.UnshareIPC = true }),
		"--unshare-pid":        set(func(o *Options) { o.UnsharePID = true }),
		"--unshare-net":        set(func(o *Options) { o.UnshareNet = true }),
		"--unshare-uts":        set(func(o *Options) { o.UnshareUTS = true }),
		"--unshare-cgroup":     set(func(o *Options) { o.UnshareCgroup = true }),
		"--unshare-cgroup-try": set(func(o *Options) { o.UnshareCgroupTry = true }),
		"--share-net":          set(func(o *Options) { o.UnshareNet = false }),

		"--disable-userns":          set(func(o *Options) { o.DisableUserns = true }),
		"--assert-userns-disabled":  set(func(o *Options) { o.AssertUserns = true }),
		"--not-a-security-boundary": set(func(*Options) {}), // of 0.12: what it lets fail does not fail here

		"--userns":   descriptor(func(o *Options) *int { return &o.UserNS }),
		"--userns2":  descriptor(func(o *Options) *int { return &o.UserNS2 }),
		"--pidns":    descriptor(func(o *Options) *int { return &o.PIDNS }),
		"--uid":      id("uid", func(o *Options) *int { return &o.UID }),
		"--gid":      id("gid", func(o *Options) *int { return &o.GID }),
		"--hostname": text(func(o *Options) *string { return &o.Hostname }),
	}
}

// aboutProgram are the options for the program, and for whoever starts it.
func aboutProgram() table {
	return table{
		"--chdir":      chdir(),
		"--setenv":     {takes: 2, apply: func(p *parser) error { p.setenv(p.values[0], p.values[1]); return nil }},
		"--unsetenv":   {takes: 1, apply: func(p *parser) error { p.unsetenv(p.values[0]); return nil }},
		"--clearenv":   set(func(o *Options) { o.Env = nil }),
		"--lock-file":  {takes: 1, apply: func(p *parser) error { p.o.Locks = append(p.o.Locks, p.values[0]); return nil }},
		"--sync-fd":    descriptor(func(o *Options) *int { return &o.SyncFD }),
		"--perms":      {takes: 1, apply: (*parser).setPerms},
		"--size":       {takes: 1, apply: (*parser).setSize},
		"--exec-label": text(func(o *Options) *string { return &o.ExecLabel }),
		"--file-label": text(func(o *Options) *string { return &o.FileLabel }),

		"--seccomp":         {takes: 1, apply: (*parser).seccomp},
		"--add-seccomp-fd":  {takes: 1, apply: (*parser).addSeccomp},
		"--block-fd":        descriptor(func(o *Options) *int { return &o.BlockFD }),
		"--userns-block-fd": descriptor(func(o *Options) *int { return &o.UserNSBlockFD }),
		"--info-fd":         descriptor(func(o *Options) *int { return &o.InfoFD }),
		"--json-status-fd":  descriptor(func(o *Options) *int { return &o.StatusFD }),
		"--new-session":     set(func(o *Options) { o.NewSession = true }),
		"--die-with-parent": set(func(o *Options) { o.DieWithParent = true }),
		"--as-pid-1":        set(func(o *Options) { o.AsPID1 = true }),
		"--cap-add":         capEdit(true),
		"--cap-drop":        capEdit(false),
	}
}

// aboutFiles are the operations on the file system.
func aboutFiles() table {
	return table{
		"--bind":         bind(Bind, false),
		"--bind-try":     bind(Bind, true),
		"--ro-bind":      bind(ReadOnlyBind, false),
		"--ro-bind-try":  bind(ReadOnlyBind, true),
		"--dev-bind":     bind(DevBind, false),
		"--dev-bind-try": bind(DevBind, true),
		"--bind-fd":      withFD(Bind, "--bind-fd", -1),
		"--ro-bind-fd":   withFD(ReadOnlyBind, "--bind-fd", -1),
		"--remount-ro":   at(RemountReadOnly, -1),
		"--overlay-src":  {takes: 1, apply: func(p *parser) error { p.lower = append(p.lower, p.values[0]); return nil }},
		"--overlay":      overlay(Overlay, 3, 1),
		"--tmp-overlay":  overlay(PrivateOverlay, 1, 1),
		"--ro-overlay":   overlay(ReadOnlyOverlay, 1, 2),
		"--proc":         at(Proc, -1),
		"--dev":          at(Dev, -1),
		"--tmpfs":        at(Tmpfs, 0o755),
		"--mqueue":       at(Mqueue, -1),
		"--dir":          at(Dir, 0o755),
		"--file":         withFD(File, "", 0o666),
		"--bind-data":    withFD(BindData, "", 0o600),
		"--ro-bind-data": withFD(ReadOnlyBindData, "", 0o600),
		"--symlink":      bind(Symlink, false),
		"--chmod":        {takes: 2, apply: (*parser).chmod},
	}
}

func unshareAll(o *Options) {
	o.UnshareUserTry, o.UnshareCgroupTry = true, true
	o.UnshareIPC, o.UnsharePID, o.UnshareUTS, o.UnshareNet = true, true, true, true
}

func chdir() *declared {
	d := text(func(o *Options) *string { return &o.Chdir })
	d.one = true
	return d
}

func (p *parser) argv0() error {
	if p.o.Argv0 != nil {
		return mistake("--argv0 used multiple times")
	}
	p.o.Argv0 = &p.values[0]
	return nil
}

func (p *parser) setPerms() (err error) {
	if p.perms >= 0 {
		return mistake("--perms given twice for the same action")
	}
	p.perms, err = p.mode(p.values[0], " takes an octal argument <= 07777")
	return err
}

func (p *parser) setSize() (err error) {
	if p.size != 0 {
		return mistake("--size given twice for the same action")
	}
	p.size, err = bytesOf(p.values[0])
	return err
}

func (p *parser) chmod() error {
	perms, err := p.mode(p.values[0], " takes an octal argument <= 07777")
	if err != nil {
		return err
	}
	return p.add(Op{Kind: Chmod, Dest: p.values[1], Perms: perms, FD: -1})
}

func (p *parser) seccomp() (err error) {
	if len(p.o.Filters) > 0 {
		return mistake("--seccomp cannot be combined with --add-seccomp-fd")
	}
	p.once()
	p.o.Seccomp, err = p.fd(p.values[0])
	return err
}

func (p *parser) addSeccomp() error {
	if p.o.Seccomp >= 0 {
		return mistake("--add-seccomp-fd cannot be combined with --seccomp")
	}
	fd, err := p.fd(p.values[0])
	p.o.Filters = append(p.o.Filters, fd)
	return err
}
