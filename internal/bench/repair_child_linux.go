package main

import (
	"os/exec"
	"syscall"
)

// endWithParent has the kernel kill a child whose parent is gone, even if that
// was killed itself.
func endWithParent(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
