package spec

import (
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/sprog-dev/sprog/internal/listing"
	"github.com/sprog-dev/sprog/internal/program"
	"github.com/sprog-dev/sprog/internal/terms"
)

// These types are those of the same names in package sprog, whose comments say what the
// fields mean. The conversions there do not compile once the two differ.

type Attr struct {
	Program              *os.File
	DirFile              *os.File
	WaitFor              *os.File
	Files                []File
	Inherit              []int
	InheritAll           bool
	Rlimits              []Rlimit
	IDs                  *IDs
	Groups               *Groups
	Caps                 *Caps
	Securebits           *Securebits
	SessionKeyring       *SessionKeyring
	ExecLabel            *ExecLabel
	Personality          *Personality
	Signals              *Signals
	Umask                *uint32
	NoNewPrivs           bool
	DenyTIOCSTI          bool
	IDMap                *IDMap
	Nice                 *int
	Scheduler            *Scheduler
	CPUs                 []int
	NUMA                 *NUMA
	IOPriority           *IOPriority
	OOMScoreAdj          *int
	TimerSlack           time.Duration
	CoreSched            *CoreSched
	THPDisable           THPDisable
	MDWE                 bool
	MemoryMerge          bool
	CoredumpFilter       *uint32
	Landlock             *Landlock
	Seccomp              *Seccomp
	Cgroup               *Cgroup
	CgroupV1             []string
	Join                 []Namespace
	Dirs                 []string
	LookPath             bool
	Root                 *Root
	Mounts               []Mount
	Hostname             string
	Domainname           string
	Sysctls              []Sysctl
	Loopback             bool
	Sockets              []Socket
	Meet                 func(*Meeting) error
	TimeOffsets          *TimeOffsets
	ForbidUserNamespaces bool
	UserNamespace        *os.File
	RefuseUserNamespaces bool
	ReportNamespaces     NamespaceKind
	Init                 *Init
}

type Socket struct {
	Domain, Type, Protocol int
	Device                 string
}

type Meeting struct {
	Pid     int
	Sockets []*os.File
}

type Caps struct {
	Bounding    CapSet
	Permitted   CapSet
	Effective   CapSet
	Inheritable CapSet
	Ambient     CapSet
	Keep        bool
}

type CapSet struct {
	Drop, Add []string
}

type Securebits struct {
	Drop, Add []string
}

type Cgroup struct {
	Parent                                      string
	Name                                        string
	MemoryMax, MemoryHigh, MemoryLow, MemoryMin uint64
	SwapMax                                     *uint64
	OOMGroup                                    bool
	PidsMax                                     uint64
	CPUQuota, CPUPeriod                         time.Duration
	CPUWeight                                   uint64
	IOMax                                       []IOMax
	IOWeight                                    uint64
	CPUs, Mems                                  string
	HugeTLB                                     []HugeTLBMax
	Set                                         []CgroupFile
	Controllers                                 []string
	Evacuate                                    bool
	Keep                                        bool
}

type IOMax struct {
	Device                                 string
	ReadBPS, WriteBPS, ReadIOPS, WriteIOPS uint64
}

type HugeTLBMax struct {
	Size string
	Max  uint64
}

type CgroupFile struct {
	Name  string
	Value string
}

type CoreSched struct {
	ShareFrom int
}

type Error struct {
	Path    string
	Step    string
	Object  string
	Field   string
	Origin  program.Origin // of the step
	Syscall string
	Err     error
	Signal  syscall.Signal
	Hint    terms.Text
	InPlace bool
	Updates bool // nothing was to be started: it is about a process or a cgroup, which Path names
}

func (e *Error) Error() string { return e.Text().String() }

// Text is what the error says.
func (e *Error) Text() terms.Text {
	text := "sprog: " + e.verb()
	if e.Path != "" {
		text += terms.Plain(" " + terms.Printable(e.Path))
	}
	if what := e.what(); what != "" {
		text += ": " + what
	}
	if e.Err != nil {
		text += ": " + terms.Of(e.Err)
	}
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

func (e *Error) verb() terms.Text {
	switch {
	case e.InPlace:
		return "exec"
	case e.Updates:
		return "update"
	}
	return "start"
}

// what is the step, what it acted on and the field that asked for it.
func (e *Error) what() (text terms.Text) {
	if e.Step != "" {
		text = terms.Plain(e.Step)
	}
	if e.Object != "" && (e.Object != e.Path || e.Step == "") {
		text += terms.Plain(" " + terms.Printable(e.Object))
	}
	if e.Field != "" {
		text += " (" + terms.Field(e.Field) + ")"
	}
	return text.Trim()
}

func (e *Error) Unwrap() error { return e.Err }

type File struct {
	FD     int
	File   *os.File
	Path   string
	Flags  int
	Mode   uint32
	Data   []byte
	Dup    *int
	Closed bool
}

type IDMap struct {
	Subordinate          SubordinateIDs
	Login                string
	Helpers              bool
	NewUIDMap, NewGIDMap string

	Last      bool
	Setgroups SetgroupsPolicy
}

type SubordinateIDs int

const (
	NoSubordinateIDs SubordinateIDs = iota

	SubordinateIDsFill

	SubordinateIDsSame
)

type SetgroupsPolicy int

const (
	SetgroupsByMap SetgroupsPolicy = iota

	SetgroupsAllow

	SetgroupsDeny

	SetgroupsLeave
)

type IDs struct {
	RealUser, EffectiveUser   *uint32
	RealGroup, EffectiveGroup *uint32
}

type Groups struct {
	List []string
	Of   string
}

type Init struct {
	JobControl  bool
	ReportStops bool
	Linger      bool
	Visible     bool
	Keep        []*os.File
	Locks       []string
}

type Sysctl struct {
	Name  string
	Value string
}

type TimeOffsets struct {
	Monotonic time.Duration
	Boottime  time.Duration
}

type IOClass string

const (
	IORealTime   IOClass = "IOPRIO_CLASS_RT"
	IOBestEffort IOClass = "IOPRIO_CLASS_BE"
	IOIdle       IOClass = "IOPRIO_CLASS_IDLE"
)

type IOPriority struct {
	Class IOClass
	Level int
}

type NamespaceKind uint32

const (
	TimeNamespace    NamespaceKind = 0x80
	MountNamespace   NamespaceKind = 0x20000
	CgroupNamespace  NamespaceKind = 0x2000000
	UTSNamespace     NamespaceKind = 0x4000000
	IPCNamespace     NamespaceKind = 0x8000000
	UserNamespace    NamespaceKind = 0x10000000
	PIDNamespace     NamespaceKind = 0x20000000
	NetworkNamespace NamespaceKind = 0x40000000
)

func (k NamespaceKind) String() string {
	var names []string
	for _, n := range NamespaceKinds {
		if k&n.Kind != 0 {
			names = append(names, n.Name)
		}
	}
	return strings.Join(names, ",")
}

type Namespace struct {
	Kinds NamespaceKind
	Path  string
	File  *os.File
	PID   int
	PidFD *os.File
}

type SessionKeyring struct {
	Name string
}

type ExecLabel struct {
	SELinux  string
	AppArmor string
}

const LandlockNewestABI = 10

type Landlock struct {
	ABI        int
	Files      *LandlockFiles
	Ports      *LandlockPorts
	Scopes     LandlockScope
	Log        LandlockLog
	BestEffort bool
}

type LandlockFiles struct {
	Handled LandlockAccess
	Rules   []LandlockPath
}

type LandlockPath struct {
	Path     string
	File     *os.File
	Rights   LandlockAccess
	Optional bool
}

type LandlockPorts struct {
	Handled LandlockPortAccess
	Rules   []LandlockPort
}

type LandlockPort struct {
	Port   uint16
	Rights LandlockPortAccess
}

type LandlockAccess uint64

const (
	LandlockExecute LandlockAccess = 1 << iota
	LandlockWriteFile
	LandlockReadFile
	LandlockReadDir
	LandlockRemoveDir
	LandlockRemoveFile
	LandlockMakeChar
	LandlockMakeDir
	LandlockMakeReg
	LandlockMakeSock
	LandlockMakeFifo
	LandlockMakeBlock
	LandlockMakeSym
	LandlockRefer
	LandlockTruncate
	LandlockIoctlDev
	LandlockResolveUnix
)

type LandlockPortAccess uint64

const (
	LandlockBindTCP LandlockPortAccess = 1 << iota
	LandlockConnectTCP
	LandlockBindUDP
	LandlockConnectSendUDP
)

type LandlockScope uint64

const (
	LandlockScopeAbstractUnixSocket LandlockScope = 1 << iota
	LandlockScopeSignal
)

type LandlockLog uint32

const (
	LandlockLogSameExecOff LandlockLog = 1 << iota
	LandlockLogNewExecOn
	LandlockLogSubdomainsOff
)

type LandlockSet struct {
	Files  LandlockAccess
	Ports  LandlockPortAccess
	Scopes LandlockScope
	Log    LandlockLog
}

func (s LandlockSet) names() (files, ports, scopes, log string) {
	return listing.LandlockFS(uint64(s.Files)), listing.LandlockNet(uint64(s.Ports)),
		listing.LandlockScopes(uint64(s.Scopes)), listing.LandlockFlags(uint64(s.Log))
}

func (s LandlockSet) String() string {
	var parts []string
	files, ports, scopes, log := s.names()
	for _, names := range []string{files, ports, scopes, log} {
		if names != "0" {
			parts = append(parts, names)
		}
	}
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, "|")
}

type LandlockResult struct {
	ABI     int
	Reason  string
	Applied LandlockSet
	Missing LandlockSet
}

type NUMAMode string

const (
	NUMADefault            NUMAMode = "MPOL_DEFAULT"
	NUMABind               NUMAMode = "MPOL_BIND"
	NUMAPreferred          NUMAMode = "MPOL_PREFERRED"
	NUMAPreferredMany      NUMAMode = "MPOL_PREFERRED_MANY"
	NUMAInterleave         NUMAMode = "MPOL_INTERLEAVE"
	NUMAWeightedInterleave NUMAMode = "MPOL_WEIGHTED_INTERLEAVE"
	NUMALocal              NUMAMode = "MPOL_LOCAL"
)

type NUMA struct {
	Mode                       NUMAMode
	Nodes                      []int
	StaticNodes, RelativeNodes bool
}

type Personality uint32

const (
	AddrNoRandomize Personality = 0x0040000

	Linux32 Personality = 8
)

const RlimitInfinity = ^uint64(0)

type Rlimit struct {
	Resource int
	Cur, Max uint64
}

type SchedPolicy string

const (
	SchedOther    SchedPolicy = "SCHED_OTHER"
	SchedBatch    SchedPolicy = "SCHED_BATCH"
	SchedIdle     SchedPolicy = "SCHED_IDLE"
	SchedFIFO     SchedPolicy = "SCHED_FIFO"
	SchedRR       SchedPolicy = "SCHED_RR"
	SchedDeadline SchedPolicy = "SCHED_DEADLINE"
	SchedExt      SchedPolicy = "SCHED_EXT"
)

const SchedUtilReset = -1

type Scheduler struct {
	Policy                    SchedPolicy
	Priority                  int
	Runtime, Deadline, Period time.Duration
	Reclaim, Overrun          bool
	ResetOnFork               bool
	UtilMin, UtilMax          *int
}

type Seccomp struct {
	Default      SeccompAction
	DefaultErrno *uint16
	Rules        []SeccompRule
	Archs        []string
	BadArch      SeccompAction
	Programs     [][]byte
	Log          bool
	SpecAllow    bool
	WaitKillable bool
}

type SeccompRule struct {
	Names  []string
	Args   []SeccompArg
	Action SeccompAction
	Errno  *uint16
}

type SeccompArg struct {
	Index int
	Op    SeccompOp
	Value uint64
	Mask  uint64
}

type SeccompAction uint8

const (
	_ SeccompAction = iota
	SeccompAllow
	SeccompErrno
	SeccompKillProcess
	SeccompKillThread
	SeccompTrap
	SeccompTrace
	SeccompLog
	SeccompNotify
)

type SeccompOp uint8

const (
	_ SeccompOp = iota
	SeccompNE
	SeccompLT
	SeccompLE
	SeccompEQ
	SeccompGE
	SeccompGT
	SeccompMaskedEQ
)

func (a SeccompAction) String() string {
	if a == 0 || int(a) >= len(SeccompActions) {
		return "none"
	}
	return "SCMP_ACT_" + SeccompActions[a].Name
}

func (o SeccompOp) String() string {
	if o == 0 || int(o) >= len(SeccompOps) {
		return "none"
	}
	return "SCMP_CMP_" + SeccompOps[o]
}

type Signals struct {
	Mask       []syscall.Signal
	Ignore     []syscall.Signal
	Default    []syscall.Signal
	AllDefault bool
}

type THPDisable uint8

const (
	THPDisableNone THPDisable = iota

	THPDisableCompletely

	THPDisableExceptAdvised
)
