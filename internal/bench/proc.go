package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of /proc/<pid>/stat's times. The kernel reports them in
// USER_HZ, which is 100 on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// cpuTime is the processor time, user and system, that the processes have
// used so far together.
func cpuTime(pids ...int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0, err
		}
		used, err := parseStat(string(data))
		if err != nil {
			return 0, fmt.Errorf("/proc/%d/stat: %w", pid, err)
		}
		sum += used
	}
	return sum, nil
}

// parseStat adds fields 14 and 15 of a stat line. The second field is the
// program's name in parentheses, which may itself hold blanks and
// parentheses: counting starts after the last.
func parseStat(line string) (time.Duration, error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return 0, errors.New("no program name")
	}
	fields := strings.Fields(line[end+1:])
	const utime, stime = 14 - 3, 15 - 3 // fields[0] is the line's third
	if len(fields) <= stime {
		return 0, errors.New("too few fields")
	}
	var sum time.Duration
	for _, f := range []string{fields[utime], fields[stime]} {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}

// resident is the process's resident memory in bytes.
func resident(pid int) (int64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return parseResident(string(data))
}

// parseResident finds the line "VmRSS:  1234 kB".
func parseResident(status string) (int64, error) {
	for line := range strings.Lines(status) {
		rest, ok := strings.CutPrefix(line, "VmRSS:")
		if !ok {
			continue
		}
		n, unit, _ := strings.Cut(strings.TrimSpace(rest), " ")
		kilobytes, err := strconv.ParseInt(n, 10, 64)
		if err != nil || unit != "kB" {
			return 0, fmt.Errorf("VmRSS is %q", strings.TrimSpace(rest))
		}
		return kilobytes << 10, nil
	}
	return 0, errors.New("no VmRSS line")
}
