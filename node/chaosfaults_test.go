package node_test

import (
	"fmt"
	"strings"
	"time"
)

// fault has something go wrong, or be put right.
func (x *chaos) fault() {
	i := x.rng.IntN(x.kind.nodes)
	switch x.rng.IntN(12) {
	case 0, 1, 2:
		x.cutLink(i, x.rng.IntN(x.kind.nodes))
	case 3, 4:
		x.note("heal")
		x.heal()
	case 5, 6:
		x.end(i)
	case 7, 8:
		x.startSome()
	case 9:
		if n := x.c.Nodes[i]; n != nil {
			x.note("pause the hints of node %d", i)
			if err := n.PauseHints(time.Duration(x.rng.IntN(20)) * time.Second); err != nil {
				x.fail("%v", err)
			}
		}
	case 10:
		if x.kind.disks {
			x.restoreCopy(i)
		}
	case 11:
		if x.skew == nil {
			x.allBack()
			return
		}
		x.skew[i].Store(int64(x.rng.IntN(8000) - 4000))
		x.note("the clock of node %d is wrong by %d ms", i, x.skew[i].Load())
	}
}

func (x *chaos) cutLink(i, j int) {
	if i == j {
		return
	}
	x.note("cut %d from %d", i, j)
	x.c.Network.Cut(x.c.Host(i), x.c.Host(j))
	x.cut[[2]int{i, j}] = true
}

func (x *chaos) heal() {
	for link := range x.cut {
		x.c.Network.Heal(x.c.Host(link[0]), x.c.Host(link[1]))
	}
	clear(x.cut)
}

// end ends a node in one of three ways. One that forgets something is back,
// and whole, before anything else happens.
func (x *chaos) end(i int) {
	if x.c.Nodes[i] == nil {
		return
	}
	how := x.rng.IntN(3)
	forgets := x.kind.forgets(i, how == 1)
	if forgets {
		x.allBack()
	}
	x.note("%s node %d", [...]string{"kill", "crash", "stop"}[how], i)
	switch how {
	case 0:
		x.c.Kill(i)
	case 1:
		x.c.Crash(i)
	default:
		x.c.Stop(i)
	}
	if forgets {
		time.Sleep(time.Duration(x.rng.IntN(3000)) * time.Millisecond)
		x.allBack()
	}
}

func (x *chaos) startSome() {
	for i, n := range x.c.Nodes {
		if n == nil && x.rng.IntN(2) == 0 {
			x.note("start node %d", i)
			x.c.Start(i)
		}
	}
}

// restoreCopy gives a node the disk that it had some dozen commands ago.
func (x *chaos) restoreCopy(i int) {
	x.allBack()
	x.note("copy the disk of node %d", i)
	x.c.Stop(i)
	old := x.c.Disks[i].Copy()
	x.c.Start(i)
	for range 20 + x.rng.IntN(100) {
		x.command()
		time.Sleep(time.Duration(x.rng.IntN(200)) * time.Millisecond)
	}
	x.allBack()
	x.note("restore the copy of node %d", i)
	x.c.Kill(i)
	x.c.Disks[i] = old
	x.c.Start(i)
	if x.rng.IntN(2) == 0 {
		x.allBack()
	}
}

// allBack puts everything right, and waits until every node is whole.
func (x *chaos) allBack() {
	x.note("all back")
	for i := range x.skew {
		x.skew[i].Store(0)
	}
	x.heal()
	for i, n := range x.c.Nodes {
		if n == nil {
			x.c.Start(i)
		}
	}
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		lacks := x.lacks()
		if len(lacks) == 0 {
			break
		}
		if time.Since(began) > 3*time.Minute {
			for i, n := range x.c.Nodes {
				lacks = append(lacks, fmt.Sprintf("node %d: %+v", i, n.Floors()))
			}
			x.fail("not whole: %s", strings.Join(lacks, "\n"))
		}
	}
	time.Sleep(3 * time.Second) // requests end meanwhile, done or not
	for _, b := range x.books {
		b.settled(time.Now())
	}
}

// lacks says who is not whole, and why.
func (x *chaos) lacks() (why []string) {
	for i, n := range x.c.Nodes {
		if err := n.Ready(); err != nil {
			why = append(why, fmt.Sprintf("node %d: %v", i, err))
		}
		for _, m := range n.Members() {
			if !m.Complete {
				why = append(why, fmt.Sprintf("node %d: %s is not complete", i, m.ID))
			}
		}
	}
	return why
}
