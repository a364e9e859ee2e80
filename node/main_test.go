package node_test

import (
	"os"
	"runtime"
	"testing"
)

// One thread: who polls a ticker that is due runs it in the race detector's
// context of the bubble's timers, and two at a time crash that (Go 1.26).
func TestMain(m *testing.M) {
	runtime.GOMAXPROCS(1)
	os.Exit(m.Run())
}
