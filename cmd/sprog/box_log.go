//go:build linux && (amd64 || arm64)

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/sprog-dev/sprog/internal/klog"
)

// readsLog reports whether the kernel's log tells which system calls are denied.
func readsLog() bool { return klog.Readable() }

// refusedSince are system calls that were denied since a time, as people read them, or "".
func refusedSince(start time.Time) string {
	const most = 8
	var list []string
	for _, r := range klog.Refused(start) {
		if len(list) == most {
			list = append(list, "...")
			break
		}
		list = append(list, fmt.Sprintf("%s (by %q)", r.Call, r.Name))
	}
	return strings.Join(list, ", ")
}
