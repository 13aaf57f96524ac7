//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/sprog-dev/sprog"
	"github.com/sprog-dev/sprog/internal/flags"
	"github.com/sprog-dev/sprog/internal/terms"
)

// A record is where the result is written to. Nil is nowhere.
type record struct {
	file  *os.File
	path  string // that sprog has opened, or ""
	start time.Time
	words terms.Words // in which an error is told
}

// records reports whether somebody is told of the end.
func (f *lifeFlags) records() bool { return f.Result != "" || f.ResultFD != nil }

// openRecord opens it, so that a mistake is known before anything runs. A
// record of an earlier run is emptied: it would be taken for this one's.
func (f *lifeFlags) openRecord() (*record, error) {
	file, err := f.recordFile()
	switch {
	case err != nil:
		return nil, err
	case file != nil:
		return &record{file: file, path: f.path(), start: time.Now()}, nil
	case f.Capture != nil:
		return nil, errors.New("add --result FILE or --result-fd N: --capture puts the output there")
	}
	return nil, nil
}

// path is the file that sprog opens by its name.
func (f *lifeFlags) path() string {
	if f.Result == dash {
		return ""
	}
	return string(f.Result)
}

func (f *lifeFlags) recordFile() (*os.File, error) {
	switch {
	case f.Result == dash:
		return os.Stdout, nil
	case f.Result != "":
		return openOutput("--result", string(f.Result))
	case f.ResultFD != nil:
		return callersOutput("--result-fd", int(*f.ResultFD))
	}
	return nil, nil
}

// write writes the record, and returns what stands for the exit code: err,
// unless that is success. Where there is no command, or it was not started, err
// is what there is to tell.
func (r *record) write(cmd *sprog.Cmd, err error) error {
	if r == nil {
		return err
	}
	var result *sprog.Result
	if cmd != nil {
		result = cmd.Result()
	}
	if result == nil {
		result = &sprog.Result{Cause: sprog.CauseStart, Err: err, ExitCode: -1, Start: r.start}
	}
	result.Err = inWords(result.Err, r.words)
	r.empty()
	out := json.NewEncoder(r.file)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return unwritten("--result", errors.Join(out.Encode(result), r.isMissed(), finished(r.file)), err)
}

// empty drops what the program may have written to the file, which would stand behind the record. What
// cannot be emptied is no regular file.
func (r *record) empty() {
	if r.path != "" {
		r.file.Truncate(0)
	}
}

// isMissed is the error of a file that is found no longer by its name: the program can have put a
// record of its own in its place.
func (r *record) isMissed() error {
	if r.path == "" {
		return nil
	}
	written, err := r.file.Stat()
	if err != nil {
		return err
	}
	if found, err := os.Stat(r.path); err != nil || !os.SameFile(written, found) {
		return fmt.Errorf("%s is not the file any more that the record was written to", r.path)
	}
	return nil
}

// finished closes a file that sprog has written.
func finished(f *os.File) error {
	if isStream(f) {
		return nil
	}
	return f.Close()
}

// recordMistake writes a mistake in the flags of run to the records that they
// name, though they are not in force.
func recordMistake(line *flags.Line, mistake error) error {
	if line.Command == nil || line.Command.Name != "run" {
		return mistake
	}
	var path, fd lifeFlags
	for _, given := range line.Given {
		switch given.Name() {
		case "result":
			path.Result = word(given.Value)
		case "result-fd":
			if n, err := parseNumber(given.Value); err == nil {
				fd.ResultFD = new(number(n))
			}
		}
	}
	for _, f := range []lifeFlags{path, fd} {
		if r, err := f.openRecord(); err == nil {
			mistake = r.write(nil, mistake)
		}
	}
	return mistake
}

// closeFiles closes the descriptors that sprog does not need any more. It still
// needs its standard streams, and the record's.
func closeFiles(cmd *sprog.Cmd, info *os.File, record *record) {
	files := []*os.File{info, cmd.Attr.Program, cmd.Attr.DirFile, cmd.Attr.WaitFor}
	for _, stream := range []any{cmd.Stdin, cmd.Stdout, cmd.Stderr} {
		f, _ := stream.(*os.File) // with --tty it may be nothing
		files = append(files, f)
	}
	for _, f := range cmd.Attr.Files {
		files = append(files, f.File)
	}
	for _, f := range files {
		if f != nil && !isStream(f) && (record == nil || f != record.file) {
			f.Close() // a second time does nothing
		}
	}
	for _, fd := range cmd.Attr.Inherit {
		unix.Close(fd)
	}
}
