// Package plain does by system calls alone what os and time do with the network
// poller.
//
// The runtime makes the poller for the first file that is opened, or the first
// timer, and ends the whole process where no descriptor is left for it. No
// start and no look for the reason of a failure is worth that.
package plain
