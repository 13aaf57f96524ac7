package main

import "fmt"

// measureMemory starts from parents that have much memory in use.
func measureMemory(b *bench, s *section) error {
	const mib = 1 << 20
	xs := []float64{0, 64 * mib, 256 * mib, 1024 * mib, 4096 * mib}
	if b.quick {
		xs = xs[:4]
	}
	// All the parents are there at once, and leave a quarter of what is free.
	free := float64(procKiB("/proc/meminfo", "MemAvailable")) * 1024 * 0.75
	for i, x := range xs {
		if free -= x; free < 0 {
			s.Notes = append(s.Notes, fmt.Sprintf("%s and more do not fit into this machine.", size(x)))
			xs = xs[:i]
			break
		}
	}
	kinds := b.kinds("", bySprog, byExec, byLimit)
	if err := b.tryNewUser(); err != nil {
		s.Notes = append(s.Notes, fmt.Sprintf("No user namespaces here: %v.", err))
	} else {
		kinds = append(kinds, b.kinds(newUser, bySprog, byExec)...)
	}
	p := &parentScenario{
		kinds: kinds,
		xs:    xs,
		setup: func(x float64) setup { return setup{Memory: int64(x)} },
	}
	if err := p.measure(b, s); err != nil {
		return err
	}
	p.tabulate(s, "parent's memory", size)
	s.Notes = append(s.Notes, "p50 of start and wait. The memory is anonymous, touched, in small pages (MADV_NOHUGEPAGE). "+
		"NEWUSER: in a new user namespace, with id maps.")
	s.Aims = []aim{
		{What: "worst p50 by that without memory", Most: 1.3, Got: s.Samples.flatness(bySprog, "", xs)},
		{What: "the same with NEWUSER", Most: 1.3, Got: s.Samples.flatness(bySprog, newUser, xs)},
	}
	p.lines(s, &lineChart{
		File: "memory", Title: "Starting from a parent that uses much memory",
		Subtitle: "start and wait, median; NEWUSER: in a new user namespace, with id maps; less is better",
		XLabel:   "memory in use", YLabel: "time, logarithmic", LogY: true, Format: duration,
	}, func(i int, _ float64) float64 { return float64(i) }, size)
	return nil
}

// tryNewUser is why a user namespace cannot be made, or nil.
func (b *bench) tryNewUser() error {
	start, err := newExec(order{Prog: b.progs.Exit, NewUser: true})
	if err != nil {
		return err
	}
	return start()
}
