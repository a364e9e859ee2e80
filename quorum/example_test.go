package quorum_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dynomite-go/dynomite/quorum"
)

func Example() {
	rule, err := quorum.NewRule(quorum.DCQuorum, 0, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	tally := rule.Tally()
	fmt.Println(tally.Add(1, quorum.Won))
	fmt.Println(tally.Add(0, quorum.Failed))
	fmt.Println(tally.Add(2, quorum.Won))
	// Output:
	// pending
	// pending
	// met
}

func ExampleGather() {
	rule, err := quorum.NewRule(quorum.DCQuorum, 0, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, up := range []string{"ann bob", "ann"} {
		ask := func(_ context.Context, owner string) (int, error) {
			if !strings.Contains(up, owner) {
				return 0, errors.New("connection reset")
			}
			return 7, nil
		}
		_, err := quorum.Gather(context.Background(), rule, []string{"ann", "bob", "cyd"}, ask, quorum.Config[string, int]{})
		var short *quorum.Error
		if errors.As(err, &short) {
			fmt.Println("needed", short.Need, "and failed:", short.Failed)
			continue
		}
		fmt.Println("met")
	}
	// Output:
	// met
	// needed 2 and failed: [bob cyd]
}

func ExampleTally_Report() {
	rule, err := quorum.NewRule(quorum.DCEachSafeQuorum, 0, 1, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	names := []string{"ann", "bob", "cyd"}
	tally := rule.Tally()
	tally.Add(0, quorum.Won)
	tally.Add(2, quorum.Refused)
	fmt.Println(tally.Report(func(owner int) string { return names[owner] }, nil))
	// Output:
	// quorum: DC_EACH_SAFE_QUORUM got 1 of 3 (won: ann; refused: cyd; silent: bob), a write may have been applied
}

func ExampleRule_Need() {
	for _, level := range []quorum.Level{quorum.DCOne, quorum.DCQuorum, quorum.DCEachSafeQuorum} {
		rule, err := quorum.NewRule(level, 0, 3, 5)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(level, rule.Need(0), rule.Need(1))
	}
	// Output:
	// DC_ONE 1 0
	// DC_QUORUM 2 0
	// DC_EACH_SAFE_QUORUM 2 3
}

func ExampleLatency() {
	var ann quorum.Latency
	fmt.Println("at first:", ann.Delay())
	for range 1000 {
		ann.Add(4 * time.Millisecond)
	}
	fmt.Println("learnt:", ann.Delay().Round(time.Millisecond))
	for range 3 {
		ann.Miss() // no answer within the delay
	}
	fmt.Println("stopped:", ann.Delay())
	// Output:
	// at first: 20ms
	// learnt: 4ms
	// stopped: 0s
}

func ExampleRequest() {
	rule, err := quorum.NewRule(quorum.DCQuorum, 0, 3)
	if err != nil {
		fmt.Println(err)
		return
	}
	names := []string{"ann", "bob", "cyd"}
	delay := func(int) time.Duration { return 10 * time.Millisecond }
	read := rule.Request(quorum.Plan{Thrifty: true})
	next := func(now time.Duration) {
		for {
			switch step := read.Next(now, delay); step.Do {
			case quorum.Ask:
				fmt.Println(now, "ask", names[step.Owner])
				continue
			case quorum.Wait:
				fmt.Println(now, "wait, and look at the time:", step.Until != quorum.Forever)
			default:
				fmt.Println(now, step.Do)
			}
			return
		}
	}
	next(0)
	read.Answer(1, read.Try(), quorum.Won)
	next(1 * time.Millisecond)
	next(10 * time.Millisecond)
	read.Answer(2, read.Try(), quorum.Won)
	next(11 * time.Millisecond)
	// Output:
	// 0s ask ann
	// 0s ask bob
	// 0s wait, and look at the time: true
	// 1ms wait, and look at the time: true
	// 10ms ask cyd
	// 10ms wait, and look at the time: false
	// 11ms done
}
