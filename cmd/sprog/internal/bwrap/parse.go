package bwrap

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// mostArgs is how many arguments bwrap takes, with those of --args.
const mostArgs = 9000

// A Reader gives the parser what is not on the command line.
type Reader struct {
	// Args reads the file of --args to its end.
	Args func(fd int) ([]byte, error)
	// Warn tells of an option that an earlier one is lost by.
	Warn func(o *Options, text string)
	// KnownCap reports whether there is a capability of the name.
	KnownCap func(name string) bool
}

// A parser reads options from left to right.
type parser struct {
	Reader
	o      *Options
	seen   map[string]bool
	total  int
	perms  int
	size   int64
	lower  []string
	tables []table
	option string   // the one that is being read
	values []string // of it
}

// Parse reads a command line without the program's name. The environment is what options
// change, in their order.
func Parse(args, env []string, r Reader) (*Options, error) {
	p := &parser{Reader: r, perms: -1, seen: map[string]bool{}, total: len(args), o: &Options{
		UserNS: -1, UserNS2: -1, PIDNS: -1, UID: -1, GID: -1, SyncFD: -1, BlockFD: -1, UserNSBlockFD: -1, InfoFD: -1, StatusFD: -1,
		Seccomp: -1, Env: append([]string(nil), env...),
	}}
	if p.total > mostArgs {
		return p.o, tooMany()
	}
	rest, err := p.parse(args, false)
	if err != nil || p.o.Help || p.o.Version {
		return p.o, err
	}
	p.o.Command = rest
	if len(p.lower) > 0 {
		return p.o, mistake(overlaySrcAlone)
	}
	return p.o, nil
}

func tooMany() error {
	return mistake(fmt.Sprintf("Exceeded maximum number of arguments %d", mostArgs))
}

const overlaySrcAlone = "--overlay-src must be followed by another --overlay-src or one of --overlay, --tmp-overlay, or --ro-overlay"

// parse reads options until the command, and returns what is left.
func (p *parser) parse(args []string, inFile bool) (rest []string, err error) {
	for len(args) > 0 {
		option := args[0]
		switch {
		case option == "--":
			return args[1:], p.unconsumed(option)
		case !strings.HasPrefix(option, "-"):
			return args, nil
		}
		d := p.find(option)
		if d == nil {
			return nil, mistake("Unknown option " + option)
		}
		if option == "--args" && inFile {
			return nil, mistake("--args not supported in arguments file")
		}
		if len(args) <= d.takes {
			return nil, mistake(d.lacking(option))
		}
		p.option, p.values = option, args[1:1+d.takes]
		if err := d.apply(p); err != nil {
			return nil, err
		}
		if p.o.Help || p.o.Version {
			return nil, nil
		}
		if err := p.unconsumed(option); err != nil {
			return nil, err
		}
		args = args[1+d.takes:]
	}
	return nil, nil
}

// unconsumed refuses an option that does not take what the one before was for.
func (p *parser) unconsumed(option string) error {
	modifies := option == "--perms" || option == "--size"
	switch {
	case !modifies && p.perms >= 0:
		return mistake("--perms must be followed by an option that creates a file")
	case !modifies && p.size != 0:
		return mistake("--size must be followed by --tmpfs")
	case option != "--overlay-src" && len(p.lower) > 0:
		return mistake(overlaySrcAlone)
	}
	return nil
}

// readArgs reads the options of --args.
func (p *parser) readArgs() error {
	fd, err := p.fd(p.values[0])
	if err != nil {
		return err
	}
	data, err := p.Args(fd)
	if err != nil {
		return said("Can't read --args data: %w", err)
	}
	var list []string
	for rest := data; len(rest) > 0; {
		word, after, _ := bytes.Cut(rest, []byte{0})
		list, rest = append(list, string(word)), after
		if p.total++; p.total > mostArgs {
			return tooMany()
		}
	}
	_, err = p.parse(list, true)
	return err
}

// once warns of an option that was given before.
func (p *parser) once() {
	if p.seen[p.option] && p.Warn != nil {
		p.Warn(p.o, "Only the last "+p.option+" option will take effect")
	}
	p.seen[p.option] = true
}

// number reads a number as strtol(3) does, but none that is another one in 32 bits.
func number(s string) (int, bool) {
	n, err := strconv.ParseInt(strings.TrimLeft(s, " \t\n\v\f\r"), 10, 32)
	return int(n), err == nil && n >= 0
}

func (p *parser) fd(s string) (int, error) {
	n, ok := number(s)
	if !ok {
		return -1, mistake("Invalid fd: " + s)
	}
	return n, nil
}

// mode reads permissions in octal.
func (p *parser) mode(s, lacking string) (int, error) {
	digits := strings.TrimPrefix(strings.TrimLeft(s, " \t\n\v\f\r"), "+")
	n, err := strconv.ParseUint(digits, 8, 64)
	if err != nil || n > 0o7777 {
		return 0, mistake(p.option + lacking)
	}
	return int(n), nil
}

// bytesOf reads the size of a file system, in any base that C has.
func bytesOf(s string) (int64, error) {
	const refused = mistake("--size takes a non-zero number of bytes")
	if s == "" || s[0] < '0' || s[0] > '9' || strings.ContainsAny(s, "_oObB") && !strings.HasPrefix(strings.ToLower(s), "0x") {
		return 0, refused
	}
	n, err := strconv.ParseUint(s, 0, 64)
	switch {
	case err != nil || n == 0 || strings.Contains(s, "_"):
		return 0, refused
	case n > math.MaxInt64:
		return 0, mistake(fmt.Sprintf("--size (for tmpfs) is limited to %d", int64(math.MaxInt64)))
	}
	return int64(n), nil
}

// add adds an operation. What --perms, --size and --overlay-src have said is used up.
func (p *parser) add(op Op) error {
	p.o.Ops = append(p.o.Ops, op)
	return nil
}

// takePerms are the permissions that --perms has given, or others.
func (p *parser) takePerms(otherwise int) int {
	perms := p.perms
	if p.perms = -1; perms < 0 {
		return otherwise
	}
	return perms
}

// said is an error in bubblewrap's words, which programs look for.
func said(format string, args ...any) error { return fmt.Errorf(format, args...) }
