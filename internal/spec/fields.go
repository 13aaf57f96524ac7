package spec

// Names of fields, as errors and plans have them.
const (
	CgroupField   = "Attr.Cgroup"
	CoreField     = "Attr.CoreSched"
	ForbidField   = "Attr.ForbidUserNamespaces"
	InheritField  = "Attr.InheritAll"
	InitField     = "Attr.Init"
	IOField       = "Attr.IOPriority"
	NUMAField     = "Attr.NUMA"
	MeetField     = "Attr.Meet"
	MountsField   = "Attr.Mounts"
	OOMField      = "Attr.OOMScoreAdj"
	CoredumpField = "Attr.CoredumpFilter"
	RootField     = "Attr.Root"
	SchedField    = "Attr.Scheduler"
	SocketsField  = "Attr.Sockets"
	TIOCSTIField  = "Attr.DenyTIOCSTI"
)

// Field is the name of a field of SysProcAttr.
func Field(name string) string { return "SysProcAttr." + name }
