package main

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// A machine is where the figures come from.
type machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory string `json:"memory"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
	GOGC   string `json:"gogc,omitempty"`
	Load   string `json:"load"` // of the last minute before the run
}

func (m machine) String() string {
	s := fmt.Sprintf("%s, %d cores, %s of memory, Linux %s, %s %s, load %s",
		m.CPU, m.Cores, m.Memory, m.Kernel, m.Go, runtime.GOARCH, m.Load)
	if m.GOGC != "" {
		s += ", GOGC=" + m.GOGC
	}
	return s
}

func thisMachine() machine {
	load, _, _ := strings.Cut(firstLine("/proc/loadavg"), " ")
	return machine{
		CPU:    procField("/proc/cpuinfo", "model name", "an unnamed CPU"),
		Cores:  runtime.NumCPU(),
		Memory: size(float64(procKiB("/proc/meminfo", "MemTotal")) * 1024),
		Kernel: firstLine("/proc/sys/kernel/osrelease"),
		Go:     runtime.Version(),
		GOGC:   os.Getenv("GOGC"),
		Load:   load,
	}
}

// procField is the value of "name: value" in a file of /proc.
func procField(path, name, missing string) string {
	data, _ := os.ReadFile(path)
	for line := range strings.Lines(string(data)) {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return missing
}

// procKiB is such a value where it is a number, with or without a unit.
func procKiB(path, name string) int64 {
	var n int64
	fmt.Sscan(procField(path, name, "0"), &n)
	return n
}

func firstLine(path string) string {
	data, _ := os.ReadFile(path)
	line, _, _ := strings.Cut(string(data), "\n")
	return line
}
