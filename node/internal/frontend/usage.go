package frontend

import (
	"bytes"
	"os"
	"runtime/metrics"
	"strconv"
)

// memory is the process's use of memory in bytes; zero where the system does
// not tell.
type memory struct{ used, peak, resident, total, heap int64 }

// memory measures. The peak is that of the moments when somebody asked.
func (f *Frontend) memory() memory {
	var m memory
	samples := []metrics.Sample{
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/stacks:bytes"},
	}
	metrics.Read(samples)
	for _, s := range samples {
		if s.Value.Kind() == metrics.KindUint64 {
			m.heap += int64(s.Value.Uint64())
		}
	}
	m.used = m.heap
	if f.facts.Memory != nil {
		m.used = f.facts.Memory()
	}
	m.resident, m.total = systemMemory()
	for {
		m.peak = f.peakMemory.Load()
		if m.used <= m.peak {
			return m
		}
		if f.peakMemory.CompareAndSwap(m.peak, m.used) {
			m.peak = m.used
			return m
		}
	}
}

// systemMemory reads Linux's accounts of this process and of the machine.
func systemMemory() (resident, total int64) {
	if statm, err := os.ReadFile("/proc/self/statm"); err == nil {
		if words := bytes.Fields(statm); len(words) > 1 {
			pages, _ := strconv.ParseInt(string(words[1]), 10, 64)
			resident = pages * int64(os.Getpagesize())
		}
	}
	if info, err := os.ReadFile("/proc/meminfo"); err == nil {
		if words := bytes.Fields(info); len(words) > 1 && string(words[0]) == "MemTotal:" {
			kb, _ := strconv.ParseInt(string(words[1]), 10, 64)
			total = kb << 10
		}
	}
	return resident, total
}

func ratio(a, b int64) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

func percent(a, b int64) float64 { return 100 * ratio(a, b) }
