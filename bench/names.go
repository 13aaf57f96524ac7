package main

// The contenders, in the order of the tables.
const (
	bySprog    = "sprog"
	byApart    = "sprog apart"
	byExec     = "os/exec"
	byForkExec = "ForkExec"
	byLimit    = "limit"
)

// The contenders of the service.
const (
	byWarm  = "sprog, warm"
	byCold  = "sprog, cold"
	byBwrap = "bwrap"
)
