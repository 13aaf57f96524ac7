package sprog

import (
	"bytes"
	"errors"
)

// Output runs the command and returns what it writes to its standard output,
// which is valid, as far as it goes, even if there is an error. Stdout must be
// nil.
//
// The error is that of [Cmd.Run]. If it is an [*ExitError] and nothing was said
// about Stderr, its Stderr field holds what the program wrote to its standard
// error; of much output only the beginning and the end.
func (c *Cmd) Output() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("sprog: Stdout already set")
	}
	var stdout bytes.Buffer
	c.Stdout = &stdout
	var stderr *Capture
	if c.Stderr == nil && !c.Attr.gives(2) {
		stderr = new(Capture)
		c.Stderr = stderr
	}
	err := c.Run()
	if e, ok := err.(*ExitError); ok && stderr != nil {
		e.Stderr = stderr.Bytes()
	}
	return stdout.Bytes(), err
}

// CombinedOutput runs the command and returns what it writes to its standard
// output and its standard error, in the order written. Both fields must be
// nil. The error is that of [Cmd.Run].
func (c *Cmd) CombinedOutput() ([]byte, error) {
	if c.Stdout != nil {
		return nil, errors.New("sprog: Stdout already set")
	}
	if c.Stderr != nil {
		return nil, errors.New("sprog: Stderr already set")
	}
	var both bytes.Buffer
	c.Stdout, c.Stderr = &both, &both
	err := c.Run()
	return both.Bytes(), err
}
