// Package nodetest runs whole nodes in one test, on an in-memory network with
// cuts, delays, loss and crashes, in virtual time:
//
//	synctest.Test(t, func(t *testing.T) {
//		c := nodetest.NewCluster(t, 3)
//		c.Do(0, "SET", "k", "v")
//		c.Network.Cut(c.Host(0), c.Host(1))
//		...
//	})
//
// With [WithDisks] each node has a disk in memory as well: [Cluster.Kill] ends
// its process, [Cluster.Crash] takes its machine's power, and with it what the
// disk had not synced.
//
// The cluster is stopped when the test ends; in a bubble of testing/synctest
// every goroutine of it has to end by then, so a leak fails the test.
package nodetest
