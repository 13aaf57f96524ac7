package atstart

const (
	sysClose     = 3
	sysFcntl     = 72
	sysOpenat    = 257
	sysPrlimit64 = 302
)
