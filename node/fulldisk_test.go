package node_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dynomite-go/dynomite/node/datastore/disk/disktest"
	"github.com/dynomite-go/dynomite/node/nodetest"
)

// full takes the space from a disk: everywhere below dir, what would need some
// fails.
func full(d *disktest.Disk, dir string) {
	d.Fail(func(op disktest.Op) error {
		if strings.HasPrefix(op.Name, dir) && (op.Kind == "create" || op.Kind == "write") {
			return syscall.ENOSPC
		}
		return nil
	})
}

// Where hints cannot be written, what they would have brought is marked; the
// healthy owners' reads and writes go on, nothing piles up in memory, and with
// space again hints are kept and the marks are compared.
func TestHints_OnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3, nodetest.WithDisks())
		away(c)
		for i := range 2 {
			full(c.Disks[i], fmt.Sprintf("/n%d/hints", i))
		}
		const keys = 3000
		value := strings.Repeat("v", 1000)
		for i := range keys {
			key := fmt.Sprintf("k%d", i)
			want(t, c.Do(i%2, "SET", key, value), "OK")
			if i%10 == 0 {
				want(t, c.Do((i+1)%2, "GET", key), value)
			}
		}
		time.Sleep(time.Second)
		var before float64
		for i := range 2 {
			h := hintsFor(t, c.Nodes[i], "n2")
			if h.Records > 1 || h.Bytes > 4000 || h.Dirty == 0 || h.Dirty > 1024 || h.Lost == 0 || h.Lag == 0 {
				t.Errorf("node %d cannot write its hints and says %+v", i, h)
			}
			before += gathered(t, c.Nodes[i])["dynomited_hints_lost_total"]
			c.Disks[i].Fail(nil)
		}
		if before < keys {
			t.Errorf("%v hints were lost of %d", before, keys)
		}
		for i := range 20 {
			c.Do(i%2, "SET", fmt.Sprintf("later%d", i), i)
		}
		if kept := hintsFor(t, c.Nodes[0], "n2").Records + hintsFor(t, c.Nodes[1], "n2").Records; kept != 20 {
			t.Errorf("with space again %d hints of 20 are kept", kept)
		}
		c.Network.Rejoin(c.Host(2))
		c.WaitComplete(2)
		handedOver(t, c)
		equalCopies(t, c)
		want(t, c.Do(2, "DYN.LOCAL", "DBSIZE"), keys+20)
		for i := range 2 {
			h := hintsFor(t, c.Nodes[i], "n2")
			want(t, h.Dirty, 0)
			want(t, h.Lag, time.Duration(0))
		}
	})
}
