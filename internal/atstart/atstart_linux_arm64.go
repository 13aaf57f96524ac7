package atstart

const (
	sysFcntl     = 25
	sysOpenat    = 56
	sysClose     = 57
	sysPrlimit64 = 261
)
