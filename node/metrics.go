package node

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics hands the node's counters to Prometheus when it asks: nothing is
// counted twice, and a request costs nothing for being counted here. Every
// metric is documented in docs/metrics.md.
type metrics struct{ n *Node }

func newMetrics(n *Node) *metrics { return &metrics{n} }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("dynomited_"+name, help, labels, nil)
}

var (
	mCommands    = desc("commands_total", "Commands executed for clients of this node.", "command", "result")
	mCommandTime = desc("command_seconds_total", "Time that commands took in all; those of one pipeline share it evenly.", "command")
	mErrors      = desc("error_replies_total", "Error replies by their first word.", "code")
	mConns       = desc("connections", "Client connections that are open.")
	mAccepted    = desc("connections_accepted_total", "Client connections that were accepted.")
	mRefused     = desc("connections_refused_total", "Client connections that were one too many.")

	mKeys    = desc("keys", "Keys that exist in this node's store.")
	mExpires = desc("keys_expiring", "Keys that exist in this node's store and have an expiry.")

	mAcks      = desc("acks_total", "Commands acknowledged with a reply that is no error, by the number of copies they were sure of.", "level")
	mForwarded = desc("forwarded_total", "Operations sent to another node for execution.")
	mServed    = desc("served_total", "Operations executed for another node.")
	mMerged    = desc("deltas_merged_total", "Deltas taken from other nodes.")
	mLost      = desc("deltas_lost_total", "Deltas taken from other nodes that something newer had beaten.")
	mConflicts = desc("conflicts_total", "Deltas that replaced a value whose writer had not seen it.")
	mReexec    = desc("reexecutions_total", "Commands executed again because something unseen had beaten them.")
	mRepairs   = desc("repairs_total", "Records that one owner got from another because copies differed; in to this node, out from it.", "cause", "direction")
	mCoalesced = desc("reads_coalesced_total", "Reads that made use of what another read of the key asked the owners.")
	mHedges    = desc("hedges_total", "Further nodes asked because those asked first were slow, or to learn whether one still is.")
	mMissed    = desc("deltas_missed_total", "Deltas that may not have reached an owner, which are kept as hints.")
	mNoQuorum  = desc("refused_total", "Operations refused for want of owners, before anything was written.")
	mUnknown   = desc("unknown_outcomes_total", "Writes whose outcome could not be learnt.")

	mStops    = desc("stood_still_total", "Times that this node's process went on after it had not run for 300 ms or longer.")
	mCautious = desc("cautious", "Whether commands that look before they write ask a majority first: after a stop or a change of who is reachable.")

	mPeerUp       = desc("peer_up", "Whether requests to the peer are answered.", "peer", "dc", "rack")
	mPeerComplete = desc("peer_complete", "Whether the peer is not catching up.", "peer", "dc", "rack")
	mPeerQueue    = desc("peer_queue_bytes", "Bytes queued for the peer and not yet written.", "peer", "dc", "rack")
	mPeerRTT      = desc("peer_rtt_seconds", "Smoothed round trip of pings to the peer.", "peer", "dc", "rack")
	mPeerBad      = desc("peer_bad_messages_total", "Messages of the peer that could not be read or served.", "peer", "dc", "rack")

	mHintRecords   = desc("hint_records", "Records kept for the peer, which lacks them.", "peer", "dc", "rack")
	mHintBytes     = desc("hint_bytes", "Bytes of the records kept for the peer.", "peer", "dc", "rack")
	mHintDirty     = desc("hint_dirty_ranges", "Token ranges to be compared with the peer, which lacks something there.", "peer", "dc", "rack")
	mLag           = desc("replication_lag_seconds", "How long the peer has lacked the oldest of what this node has for it.", "peer", "dc", "rack")
	mHintQueued    = desc("hints_queued_total", "Records made for the peer.", "peer", "dc", "rack")
	mHintCoalesced = desc("hints_coalesced_total", "Writes that were joined to a record that waited for the peer.", "peer", "dc", "rack")
	mHintDelivered = desc("hints_delivered_total", "Records that the peer took.", "peer", "dc", "rack")
	mHintExpired   = desc("hints_expired_total", "Records that waited longer than the window; their tokens are dirty now.", "peer", "dc", "rack")
	mHintRefused   = desc("hints_refused_total", "Writes beyond what is kept for the peer (hint_bytes), or too large to be kept; their tokens are dirty now.", "peer", "dc", "rack")
	mHintLost      = desc("hints_lost_total", "Records that could not be written or read; their tokens are dirty now.", "peer", "dc", "rack")
	mCompareAge    = desc("comparison_age_seconds", "How long ago everything that this node and the peer own was compared the last time.", "peer", "dc", "rack")
	mCompareRounds = desc("comparison_round_trips_total", "Round trips of comparing records with peers.")
	mCompareBytes  = desc("comparison_bytes_total", "Bytes sent (out) and received (in) for comparing records with peers.", "direction")
	mCompareKeys   = desc("comparison_keys_total", "Keys that differed when owners compared, by this node's asking.")
	mCompareFields = desc("comparison_fields_total", "Fields of large collections that differed when owners compared, by this node's asking.")
	mCompareFailed = desc("comparison_failures_total", "Rounds of anti-entropy with the peer that were broken off.", "peer", "dc", "rack")
	mComparisons   = desc("comparisons_total", "Times that dirty ranges were compared with a peer to the end.")

	mFloorAge     = desc("floor_age_seconds", "How long ago the deletions were made that this node may forget by now, where it is longest; 0 before the first floor.")
	mFloorRounds  = desc("floors_total", "Floors that were raised, of all sets of owners that this node is one of.")
	mFloorTaken   = desc("floor_records_total", "Records taken from other owners before a floor was raised.")
	mFloorStalled = desc("floor_stalled_seconds", "How long the peer has kept a floor from rising; 0 if it does not.", "peer", "dc", "rack")

	mCaughtUp = desc("caught_up", "Whether this node is not catching up.")
	mReady    = desc("ready", "Whether /readyz says ok.")
	mCatchUps = desc("catch_ups_total", "Times that this node caught up.")
	mEpoch    = desc("layout_epoch", "Number of the layout in force; 0 before there is one.")
	mNodes    = desc("layout_nodes", "Nodes in the layout.")
	mSkew     = desc("clock_offset_seconds", "How far this node's clock is behind the median of its peers'.")
)

// Describe implements prometheus.Collector.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, ch) }

// Collect implements prometheus.Collector.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	n := m.n
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	front := n.front.Snapshot()
	for _, c := range front.Commands {
		count(mCommands, uint64(max(c.Calls-c.Failed, 0)), c.Name, "ok")
		count(mCommands, uint64(c.Failed+c.Rejected), c.Name, "error")
		ch <- prometheus.MustNewConstMetric(mCommandTime, prometheus.CounterValue, c.Time.Seconds(), c.Name)
	}
	for code, v := range front.Errors {
		count(mErrors, uint64(v), code)
	}
	gauge(mConns, float64(front.Connections))
	count(mAccepted, uint64(front.Accepted))
	count(mRefused, uint64(front.Refused))

	c := n.coord.Counts()
	for level, v := range c.Acks {
		count(mAcks, v, level.String())
	}
	count(mForwarded, c.Forwarded)
	count(mServed, c.Served)
	count(mMerged, c.Merged)
	count(mLost, c.Lost)
	count(mConflicts, c.Conflicts)
	count(mReexec, c.Reexecutions)
	count(mRepairs, c.ReadRepairs.In, "read", "in")
	count(mRepairs, c.ReadRepairs.Out, "read", "out")
	count(mRepairs, c.WriteRepairs.In, "write", "in")
	count(mRepairs, c.WriteRepairs.Out, "write", "out")
	count(mRepairs, c.LateRepairs.In, "late", "in")
	count(mRepairs, c.LateRepairs.Out, "late", "out")
	count(mRepairs, c.Returned, "hint", "in")
	count(mRepairs, n.catchUp.fetched.Load(), "catch_up", "in")
	count(mRepairs, n.catchUp.pushed.Load(), "catch_up", "out")
	count(mRepairs, n.handoff.fetched.Load(), "comparison", "in")
	count(mRepairs, n.handoff.pushed.Load(), "comparison", "out")
	count(mRepairs, n.antiEntropy.routine.fetched.Load(), "anti_entropy", "in")
	count(mRepairs, n.antiEntropy.routine.pushed.Load(), "anti_entropy", "out")
	count(mRepairs, n.antiEntropy.operator.fetched.Load(), "operator", "in")
	count(mRepairs, n.antiEntropy.operator.pushed.Load(), "operator", "out")
	count(mCoalesced, c.Coalesced)
	count(mHedges, c.Hedges)
	count(mMissed, c.Missed)
	count(mNoQuorum, c.Refused)
	count(mUnknown, c.Unknown)
	count(mStops, c.Stops)
	if n.coord.Cluster() != nil {
		gauge(mCautious, truth(n.coord.Cautious()))
	}

	if s := n.store.Load(); s != nil {
		gauge(mKeys, float64(s.Len()))
		gauge(mExpires, float64(s.Expires()))
	}
	m.collectStore(gauge, count)

	for _, q := range n.peers.all() {
		labels := []string{q.member.ID, q.member.Datacenter, q.member.Rack}
		s := q.wire.State()
		gauge(mPeerUp, truth(q.member.Reachable()), labels...)
		gauge(mPeerComplete, truth(q.member.Complete()), labels...)
		gauge(mPeerQueue, float64(s.QueueBytes), labels...)
		gauge(mPeerRTT, s.RTT.Seconds(), labels...)
		count(mPeerBad, q.bad.Load(), labels...)
		gauge(mCompareAge, q.compared.age().Seconds(), labels...)
		count(mCompareFailed, q.compared.failed.Load(), labels...)
	}
	for _, h := range n.Hints() {
		labels := []string{h.Node, h.Datacenter, h.Rack}
		gauge(mHintRecords, float64(h.Records), labels...)
		gauge(mHintBytes, float64(h.Bytes), labels...)
		gauge(mHintDirty, float64(h.Dirty), labels...)
		gauge(mLag, h.Lag.Seconds(), labels...)
		count(mHintQueued, h.Queued, labels...)
		count(mHintCoalesced, h.Coalesced, labels...)
		count(mHintDelivered, h.Delivered, labels...)
		count(mHintExpired, h.Expired, labels...)
		count(mHintRefused, h.Refused, labels...)
		count(mHintLost, h.Lost, labels...)
	}
	count(mCompareRounds, n.antiEntropy.rounds.Load())
	count(mCompareBytes, n.antiEntropy.sent.Load(), "out")
	count(mCompareBytes, n.antiEntropy.received.Load(), "in")
	count(mCompareKeys, n.antiEntropy.differed.Load())
	count(mCompareFields, n.antiEntropy.members.Load())
	count(mComparisons, n.handoff.compared.Load())
	m.collectFloors(gauge, count)
	gauge(mCaughtUp, truth(n.caughtUp.Load()))
	gauge(mReady, truth(n.Ready() == nil))
	count(mCatchUps, n.catchUp.runs.Load())
	if l := n.layout.Load(); l != nil {
		gauge(mEpoch, float64(l.Epoch))
		gauge(mNodes, float64(len(l.Nodes)))
	} else {
		gauge(mEpoch, 0)
		gauge(mNodes, 0)
	}
	gauge(mSkew, n.skew.offset().Seconds())
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Collector hands the node's metrics to a Prometheus registry of the
// program's own; the admin endpoint has its own registry and needs none.
func (n *Node) Collector() prometheus.Collector { return newMetrics(n) }
