package main

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// What the table says of inits is seen on one that has none, and on the
// package's own.
func TestInitFacts(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, for PID namespaces")
	}
	b := &bench{quick: true, progs: testPrograms(t)}
	for _, test := range []struct {
		name string
		of   func(*bench, initKind) (string, error)
		want map[string]string
	}{
		{"stop", (*bench).initStop, map[string]string{"none": "goes on", bySprog: "stops, goes on", "tini": "stops, goes on"}},
		{"death", (*bench).initDeath, map[string]string{"none": "", bySprog: "exit status 143", "tini": "exit status 143"}},
		{"death outside", (*bench).initDeathOutside, map[string]string{"none": "signal: terminated", bySprog: "signal: terminated", "tini": "exit status 143"}},
		{"daemon", (*bench).initLeft, map[string]string{"none": "lives on", bySprog: "killed", "tini": "lives on"}},
	} {
		for _, k := range initKinds {
			want, known := test.want[k.name]
			if !known {
				continue
			}
			if len(k.words) > 0 {
				if _, err := exec.LookPath(k.words[0]); err != nil {
					continue
				}
			}
			if got, err := test.of(b, k); got != want || err != nil {
				t.Errorf("%s of %s = %q, %v; want %q", test.name, k.name, got, err, want)
			}
		}
	}
}

func TestInitSignal(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, for PID namespaces")
	}
	b := &bench{quick: true, progs: testPrograms(t)}
	for _, sig := range []int{1, 11, 18, 20, 21, 64} {
		for _, k := range initKinds[:2] {
			if arrived, err := b.initSignal(k, syscall.Signal(sig)); !arrived || err != nil {
				t.Errorf("signal %d with %s: %v, %v; want it to arrive", sig, k.name, arrived, err)
			}
		}
	}
}
