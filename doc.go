// Package sprog starts Linux processes exactly as asked, or says exactly which
// step failed and why.
//
// It has the shape of os/exec: change the import, and [Command], [Cmd] and
// their methods work as before. Underneath, a start is compiled into a list of
// system calls, which a small machine runs in the child; no Go code runs
// between clone and execve.
package sprog
