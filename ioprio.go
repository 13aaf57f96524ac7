package sprog

// An IOClass is an I/O scheduling class, by the kernel's name of it.
type IOClass string

const (
	IORealTime   IOClass = "IOPRIO_CLASS_RT"   // before all others; takes CAP_SYS_NICE or CAP_SYS_ADMIN
	IOBestEffort IOClass = "IOPRIO_CLASS_BE"   // what everybody has
	IOIdle       IOClass = "IOPRIO_CLASS_IDLE" // when nobody else wants the disk
)

// An IOPriority is the I/O priority of the child; see ioprio_set(2). Which I/O
// schedulers look at it is said there: bfq and mq-deadline do. Without it the
// kernel derives one from the nice value.
type IOPriority struct {
	Class IOClass
	// Level is the priority within the class, from 0, the highest, to 7. IOIdle
	// has no levels.
	Level int
}
