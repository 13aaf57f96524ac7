package sprog

// A CoredumpFilter is a set of the mappings that a core file has; see core(5). The
// kernel's default is DumpAnonymousPrivate, DumpAnonymousShared, DumpELFHeaders and
// DumpHugePrivate. Whether there is a core file at all is for RlimitCore.
type CoredumpFilter uint32

const (
	DumpAnonymousPrivate CoredumpFilter = 1 << iota
	DumpAnonymousShared
	DumpMappedPrivate
	DumpMappedShared
	DumpELFHeaders
	DumpHugePrivate
	DumpHugeShared
	DumpDAXPrivate
	DumpDAXShared
)
