//go:build !linux || !(amd64 || arm64)

// Package launch starts nothing on this system.
package launch

import (
	"errors"
	"os"
	"time"

	"github.com/sprog-dev/sprog/internal/spec"
)

// Other systems have none of this.
type (
	Tracer struct{}
	Flight struct{}
	keeper interface{}
	// A Waiting is none here.
	Waiting struct{ Process *os.Process }
)

func NewTracer(bool) *Tracer                                { return nil }
func (t *Tracer) Phase(call, text, field string)            {}
func (t *Tracer) Finish(error) ([]TraceStep, time.Duration) { return nil, 0 }
func NewFlight() *Flight                                    { return nil }
func (f *Flight) End(error)                                 {}
func Start(r *spec.Start, _ Options) (*os.Process, error)   { return nil, unsupported(r) }
func Wait(r *spec.Start, _ Options) (*Waiting, error)       { return nil, unsupported(r) }
func CannotWait(*spec.Start) string                         { return "" }
func FitsRest(*spec.Start) bool                             { return false }
func (w *Waiting) GoOn(*spec.Start, Options) bool           { return false }
func (w *Waiting) Limit(*spec.Cgroup) error                 { return errors.ErrUnsupported }
func (w *Waiting) IsOurs() bool                             { return false }
func (w *Waiting) End()                                     {}
func Exec(r *spec.Start, _ Options) error                   { return unsupported(r) }
func Compile(r *spec.Start, _ Options) ([]byte, error)      { return nil, unsupported(r) }
func Plan(r *spec.Start, _ Options) ([]PlanStep, error)     { return nil, unsupported(r) }
func ProbeLandlock(*spec.Landlock) spec.LandlockResult {
	return spec.LandlockResult{Reason: "this system has no Landlock"}
}

func unsupported(r *spec.Start) error { return &spec.Error{Path: r.Path, Err: errors.ErrUnsupported} }
