package respserver

import "testing"

// TestShared runs the tests of connections with a goroutine of their own once
// more with connections that share one and move back and forth.
func TestShared(t *testing.T) {
	shared = true
	defer func() { shared = false }()
	for name, test := range map[string]func(*testing.T){
		"ConnFacts":           TestConn_FactsAndGauges,
		"LenAndConns":         TestLenAndConns,
		"CloseAfterReply":     TestCloseAfterReply,
		"KillWaiting":         TestKill_EndsWaitingHandler,
		"KillIdle":            TestKill_EndsIdleConnection,
		"Panic":               TestPanic_EndsOneConnection,
		"PanicInClose":        TestPanic_InClose,
		"IdleTimeout":         TestIdleTimeout,
		"SetIdleTimeout":      TestSetIdleTimeout_AtOnce,
		"Framing":             TestFraming_AsRecordedFromRedis,
		"Inline":              TestInline_AsRecordedFromRedis,
		"SplitAtEveryByte":    TestRequests_SplitAtEveryByte,
		"TenThousand":         TestPipeline_TenThousand,
		"LargeValue":          TestLargeValue_SplitAtRandomPlaces,
		"PushIdle":            TestPush_ReachesIdleClient,
		"PushFollows":         TestPush_FollowsTheRepliesOfItsBatch,
		"PushMany":            TestPush_FromManyGoroutines,
		"OutputLimit":         TestOutputLimit,
		"ReadAhead":           TestReadAhead_OverTCP,
		"ReadAheadFirst":      TestReadAhead_ClientThatWritesEverythingFirst,
		"StopBatch":           TestStop_LetsTheBatchFinish,
		"StopIdle":            TestStop_EndsIdleConnectionsAtOnce,
		"StopPushes":          TestStop_AfterTheBatch_SendsPushesAndServesNoMore,
		"StopKills":           TestStop_KillsWhenItsContextEnds,
		"StopWhileAccepted":   TestStop_WhileAConnectionIsAccepted,
		"StopUnderFire":       TestStop_UnderFire,
		"SeveralListeners":    TestServe_SeveralListeners,
		"TLS":                 TestTLS,
		"SuspendEcho":         TestSuspend_ManyClients,
		"SuspendAhead":        TestSuspend_ClientGoesOn,
		"SuspendKill":         TestSuspend_Kill,
		"SuspendStop":         TestSuspend_StopWaits,
		"SuspendLarge":        TestSuspend_LargeReplies,
		"SuspendBeforeReturn": TestSuspend_ResumeComesFirst,
		"SuspendPanic":        TestSuspend_Panic,
		"SuspendPush":         TestSuspend_PushMeanwhile,
		"SuspendClose":        TestSuspend_CloseAfterReply,
	} {
		t.Run(name, test)
	}
}
