package atstart

const (
	sysFcntl       = 25
	sysClose       = 57
	sysFstat       = 80
	sysPrlimit64   = 261
	sysMemfdCreate = 279
)
