package datastore

// Stats tells what a Memory holds and what its log went through.
type Stats struct {
	// Keys is Len, Expires is Expires, and Records also counts deleted and
	// expired keys of which something is still held.
	Keys, Expires, Records int
	// DeadBytes is the length of the keys and records that Records counts and
	// Keys does not: what is remembered of the deleted and the expired.
	DeadBytes int64
	// Unsettled is how many records a higher floor may let something go of.
	Unsettled int
	// Expired counts the keys that Sweep found expired, since Open. A key that
	// is overwritten before Sweep comes by is not among them.
	Expired uint64
	// Refused counts the atoms and range resets that came too late to be
	// merged, since Open: see [Memory.CloseUpTo].
	Refused uint64
	// DataBytes is the length of all keys and encoded records. Bytes is the
	// memory that they take, with index, slack and free slots; what the heap
	// holds for large collections is an estimate.
	DataBytes, Bytes int64
	// LogBytes is the size of the log's files, and LogAppended the length of
	// what was appended to it since Open.
	LogBytes, LogAppended int64
	// LogWrites, LogSyncs and LogRewrites count what succeeded since Open.
	LogWrites, LogSyncs, LogRewrites uint64
	// LogWriteErrors, LogSyncErrors and LogRewriteErrors count what failed.
	LogWriteErrors, LogSyncErrors, LogRewriteErrors uint64
}

// Stats locks each shard for a moment.
func (m *Memory) Stats() Stats {
	st := Stats{Keys: m.Len(), Expires: m.Expires(), Refused: m.refused.Load()}
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		st.Records += s.index.Len()
		st.DeadBytes += int64(s.dead)
		st.Unsettled += s.index.Len() - s.sweep.settled
		st.Expired += s.sweep.expired
		st.DataBytes += s.data.Load()
		st.Bytes += int64(s.slab.Stats().Resident + s.index.Bytes() + s.heap)
		s.mu.Unlock()
	}
	if m.log != nil {
		l := m.log.Stats()
		st.LogBytes, st.LogAppended = l.Bytes, int64(l.Appended)
		st.LogWrites, st.LogSyncs, st.LogRewrites = l.Writes, l.Syncs, l.Rewrites
		st.LogWriteErrors, st.LogSyncErrors, st.LogRewriteErrors = l.WriteErrors, l.SyncErrors, l.RewriteErrors
	}
	return st
}
