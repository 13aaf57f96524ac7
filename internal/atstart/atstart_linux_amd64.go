package atstart

const (
	sysClose       = 3
	sysFstat       = 5
	sysFcntl       = 72
	sysPrlimit64   = 302
	sysMemfdCreate = 319
)
