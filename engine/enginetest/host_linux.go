package enginetest

// Host is a loopback address that nothing but servers of tests has: nobody takes
// the port of one that is away.
const Host = "127.0.0.2"
