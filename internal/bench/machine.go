package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
)

// machine describes where the numbers come from.
func machine(ctx context.Context) string {
	cpu := "unknown processor"
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		cpu = parseModel(string(data))
	}
	kernel := "unknown kernel"
	if data, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		kernel = strings.TrimSpace(string(data))
	}
	redis := "unknown"
	if out, err := exec.CommandContext(ctx, "redis-server", "--version").Output(); err == nil {
		redis = parseVersion(string(out))
	}
	return fmt.Sprintf("%d cores (%s), %s/%s, kernel %s, %s, redis-server %s",
		runtime.NumCPU(), cpu, runtime.GOOS, runtime.GOARCH, kernel, strings.Replace(runtime.Version(), "go", "Go ", 1), redis)
}

var modelLine = regexp.MustCompile(`(?m)^model name\s*:\s*(.+?)\s*$`)

// parseModel finds the processor's name in /proc/cpuinfo.
func parseModel(cpuinfo string) string {
	if found := modelLine.FindStringSubmatch(cpuinfo); found != nil {
		return found[1]
	}
	return "unknown processor"
}

var versionField = regexp.MustCompile(`\bv=(\S+)`)

// parseVersion finds the version in "Redis server v=7.0.15 sha=...".
func parseVersion(line string) string {
	if found := versionField.FindStringSubmatch(line); found != nil {
		return found[1]
	}
	return "unknown"
}
