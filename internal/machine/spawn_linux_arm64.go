package machine

// childTIDArg is where clone(2) takes the child's TID address; it comes after
// the TLS on this architecture.
const childTIDArg = 4
