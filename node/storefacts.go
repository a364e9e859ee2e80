package node

import (
	runtimemetrics "runtime/metrics"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dynomite-go/dynomite/node/datastore"
	"github.com/dynomite-go/dynomite/node/internal/frontend"
)

// counted is a store that tells what it holds and what its log went through.
type counted interface{ Stats() datastore.Stats }

var _ counted = (*datastore.Memory)(nil)

func (n *Node) storeStats() (datastore.Stats, bool) {
	if s := n.store.Load(); s != nil {
		if c, ok := s.Store.(counted); ok {
			return c.Stats(), true
		}
	}
	return datastore.Stats{}, false
}

// logFacts is the log in the terms of Redis's AOF.
func (n *Node) logFacts() frontend.Log {
	s, ok := n.storeStats()
	return frontend.Log{
		Enabled: ok && n.cfg.DataDir != "", Sync: n.cfg.AppendFsync, Size: s.LogBytes,
	}
}

// memoryInUse is what the store takes outside the heap and what lives on it.
func (n *Node) memoryInUse() int64 {
	s, _ := n.storeStats()
	sample := []runtimemetrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	runtimemetrics.Read(sample)
	total := s.Bytes
	for _, x := range sample {
		total += int64(x.Value.Uint64())
	}
	return total
}

var (
	mHits      = desc("keyspace_hits_total", "Reading commands executed here that found their key.")
	mMisses    = desc("keyspace_misses_total", "Reading commands executed here that found no key.")
	mExpired   = desc("expired_keys_total", "Keys of this node's store that were found expired.")
	mRecords   = desc("records", "Records held, those of deleted and expired keys included.")
	mDead      = desc("dead_records", "Records of deleted and expired keys, which are kept until the floor has passed them.")
	mDeadBytes = desc("dead_bytes", "Length of the keys and records of deleted and expired keys.")
	mTooLate   = desc("atoms_refused_total", "Atoms and range resets that came too late to be joined; their writer had given them to all owners.")
	mDataBytes = desc("data_bytes", "Length of all keys and encoded records.")
	mBytes     = desc("store_bytes", "Memory that the store takes.")
	mLogBytes  = desc("log_bytes", "Size of the log's files.")
	mLogAppend = desc("log_appended_bytes_total", "Bytes appended to the log.")
	mLogWrites = desc("log_writes_total", "Writes of the log's buffer to its file.")
	mLogSyncs  = desc("log_syncs_total", "Syncs of the log.")
	mRewrites  = desc("log_rewrites_total", "Times that the log was rewritten.")
	mLogErrors = desc("log_errors_total", "Writes, syncs and rewrites of the log that failed.", "what")
)

func (m *metrics) collectStore(gauge func(*prometheus.Desc, float64, ...string), count func(*prometheus.Desc, uint64, ...string)) {
	s, ok := m.n.storeStats()
	if !ok {
		return
	}
	c := m.n.coord.Counts()
	count(mHits, c.Hits)
	count(mMisses, c.Misses)
	count(mExpired, s.Expired)
	gauge(mRecords, float64(s.Records))
	gauge(mDead, float64(s.Records-s.Keys))
	gauge(mDeadBytes, float64(s.DeadBytes))
	count(mTooLate, s.Refused)
	gauge(mDataBytes, float64(s.DataBytes))
	gauge(mBytes, float64(s.Bytes))
	gauge(mLogBytes, float64(s.LogBytes))
	count(mLogAppend, uint64(s.LogAppended))
	count(mLogWrites, s.LogWrites)
	count(mLogSyncs, s.LogSyncs)
	count(mRewrites, s.LogRewrites)
	count(mLogErrors, s.LogWriteErrors, "write")
	count(mLogErrors, s.LogSyncErrors, "sync")
	count(mLogErrors, s.LogRewriteErrors, "rewrite")
}
