//go:build !linux || !(amd64 || arm64)

package job

import (
	"errors"
	"os"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/cgroup"
	"github.com/sprog-dev/sprog/internal/spec"
)

// Nothing is started on other systems, so that no job runs there.

type (
	Job struct {
		Process                *os.Process
		Group                  *cgroup.Group
		End                    *End
		Traced, Leads, HasInit bool
		CPUSoft, CPUHard       time.Duration
	}
	End struct {
		ExitCode int
		Signal   syscall.Signal
		Core     bool
		MaxRSS   int64
		Left     int
	}
	Below struct{}
)

func Of(*spec.Start, *os.Process, *cgroup.Group) Job { return Job{} }
func Stopped(*os.ProcessState) bool                  { return false }
func MayCountCPU() error                             { return nil }

func (j *Job) Filters() bool                    { return false }
func (j *Job) Protections(string) []string      { return nil }
func (j *Job) ProgramPID() int                  { return 0 }
func (j *Job) FindProgram()                     {}
func (j *Job) ReadEnd(*os.File)                 {}
func (j *Job) HasExited() bool                  { return false }
func (j *Job) SignalFirst(syscall.Signal) error { return errors.ErrUnsupported }
func (j *Job) Descendants() (*Below, error)     { return nil, errors.ErrUnsupported }
func (j *Job) Sweep(*Below) (Reach, error)      { return Nothing, errors.ErrUnsupported }
func (j *Job) UsedCPU() (time.Duration, error)  { return 0, errors.ErrUnsupported }
func (j *Job) Kill() (Reach, error)             { return Nothing, errors.ErrUnsupported }
func (j *Job) Reach() Reach                     { return Children }
