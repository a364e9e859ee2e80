package quorum

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// A story is what a request and its owners say to each other. In its lines "<" is
// told to the request; all else is what it says, and is compared. What it is told
// in consecutive lines of one time it hears before it is asked what is next.
type story struct {
	name   string
	level  Level
	racks  []int
	plan   Plan
	delays string // "ann 10ms bob 20ms"; none: no hedging
	lines  string
}

var names = []string{"ann", "bob", "cyd", "dan", "eve", "fay"}

func position(t *testing.T, name string) int {
	t.Helper()
	for i, n := range names {
		if n == name {
			return i
		}
	}
	t.Fatalf("nobody is called %q", name)
	return -1
}

func (s story) tell(t *testing.T) {
	var delays [6]time.Duration
	words := strings.Fields(s.delays)
	for i := 0; i+1 < len(words); i += 2 {
		delays[position(t, words[i])] = mustDuration(t, words[i+1])
	}
	var delay func(int) time.Duration
	if s.delays != "" {
		delay = func(owner int) time.Duration { return delays[owner] }
	}
	request := mustRule(t, s.level, 0, s.racks...).Request(s.plan)
	var told []string
	say := func(now time.Duration, format string, args ...any) {
		told = append(told, fmt.Sprintf("%v ", now)+fmt.Sprintf(format, args...))
	}
	now, last := time.Duration(0), Wait
	next := func() Step {
		for {
			switch step := request.Next(now, delay); {
			case step.Do == Ask && step.Overdue >= 0:
				say(now, "ask %s, %s is overdue", names[step.Owner], names[step.Overdue])
			case step.Do == Ask:
				say(now, "ask %s", names[step.Owner])
			case step.Do == Wait:
				last = Wait
				return step
			default:
				if step.Do != last { // it is said once
					say(now, "%v", step.Do)
				}
				last = step.Do
				return step
			}
		}
	}
	said, heard := false, "" // the line before was the request's, or told to it at this time
	for line := range strings.Lines(s.lines) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if words[1] != "<" {
			said = true
			continue
		}
		at := mustDuration(t, words[0])
		if said || heard != "" && heard != words[0] {
			step := next()
			for step.Do == Wait && step.Until <= at {
				now = step.Until
				step = next()
			}
		}
		now, said, heard = at, false, words[0]
		switch words = words[2:]; {
		case words[0] == "report":
			err := request.Report(func(owner int) string { return names[owner] }, nil)
			told = append(told, strings.Join(strings.Fields(line), " "), err.Error())
			continue
		case words[0] == "retry":
			request.Retry()
		default:
			answer, try := Silent, request.Try()
			for a := Silent; a <= Won; a++ {
				if a.String() == words[1] {
					answer = a
				}
			}
			if len(words) > 2 {
				if _, err := fmt.Sscanf(words[3], "%d", &try); err != nil {
					t.Fatal(err)
				}
			}
			request.Answer(position(t, words[0]), try, answer)
		}
		told = append(told, strings.Join(strings.Fields(line), " "))
	}
	if step := next(); step.Do == Wait && step.Until != Forever {
		say(now, "wait until %v", step.Until)
	} else if step.Do == Wait {
		say(now, "wait")
	}
	var want []string
	for line := range strings.Lines(s.lines) {
		if line = strings.Join(strings.Fields(line), " "); line != "" {
			want = append(want, line)
		}
	}
	if got, want := strings.Join(told, "\n"), strings.Join(want, "\n"); got != want {
		t.Errorf("it went\n%s\n\nand should have gone\n%s", got, want)
	}
}

func mustDuration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestRequest_Stories(t *testing.T) {
	three, thrifty := []int{3}, Plan{Thrifty: true}
	for _, s := range []story{
		{"a write goes to all and is done at a majority", DCQuorum, three, Plan{}, "", `
			0s ask ann
			0s ask bob
			0s ask cyd
			2ms < bob won
			3ms < ann won
			3ms done
			9ms < cyd won`},
		{"a write goes to the other datacenter too, which does not count", DCQuorum, []int{1, 2}, Plan{}, "", `
			0s ask ann
			0s ask bob
			0s ask cyd
			1ms < bob won
			1ms < cyd won
			2ms < ann refused
			2ms fail
			2ms < report
			quorum: DC_QUORUM got 0 of 1 (won: bob, cyd; refused: ann), a write may have been applied`},
		{"a write that is done before it is sent is sent", DCOne, three, Plan{}, "", `
			0s < ann won
			0s ask bob
			0s ask cyd
			0s done`},
		{"a write asks nobody if too many are away", DCQuorum, three, Plan{}, "", `
			0s < ann refused
			0s < cyd refused
			0s fail
			0s < report
			quorum: DC_QUORUM got 0 of 2 (refused: ann, bob, cyd), nothing was applied`},
		{"a read asks as many as it needs", DCQuorum, []int{3, 3}, thrifty, "", `
			0s ask ann
			0s ask bob
			1ms < bob won
			1ms < ann won
			1ms done`},
		{"a read counts the own copy first", DCQuorum, three, thrifty, "", `
			0s < ann won
			0s ask bob
			1ms < bob won
			1ms done`},
		{"another takes the place of one that fails", DCQuorum, three, thrifty, "", `
			0s ask ann
			0s ask bob
			1ms < ann failed
			1ms ask cyd
			2ms < bob won
			3ms < cyd won
			3ms done`},
		{"owners that are away are passed over", DCQuorum, []int{4}, thrifty, "", `
			0s < bob refused
			0s ask ann
			0s ask cyd
			0s ask dan
			0s wait`},
		{"a stopped owner costs its delay", DCQuorum, three, thrifty, "ann 10ms bob 4ms cyd 4ms", `
			0s < cyd won
			0s ask ann
			10ms ask bob, ann is overdue
			11ms < bob won
			11ms done
			300ms < ann won`},
		{"a quiet owner costs nothing", DCQuorum, three, thrifty, "ann 0s bob 4ms cyd 4ms", `
			0s < cyd won
			0s ask ann
			0s ask bob, ann is overdue
			1ms < bob won
			1ms done`},
		{"the overdue answer counts when it comes", DCQuorum, three, thrifty, "ann 10ms bob 4ms cyd 9ms", `
			0s ask ann
			0s ask bob
			4ms ask cyd, bob is overdue
			5ms < bob won
			6ms < ann won
			6ms done`},
		{"everybody is overdue, one after the other", DCOne, []int{4}, thrifty, "ann 10ms bob 10ms cyd 5ms dan 1ms", `
			0s ask ann
			10ms ask bob, ann is overdue
			20ms ask cyd, bob is overdue
			25ms ask dan, cyd is overdue
			40ms < ann failed
			40ms < bob refused
			40ms < cyd failed
			41ms < dan failed
			41ms fail`},
		{"nobody is overdue where a majority has answered", DCEachSafeQuorum, []int{3, 3}, thrifty, "ann 5ms bob 5ms dan 9ms eve 9ms", `
			0s ask ann
			0s ask bob
			0s ask dan
			0s ask eve
			1ms < ann won
			2ms < bob won
			9ms ask fay, dan is overdue
			9ms < report
			quorum: DC_EACH_SAFE_QUORUM got 2 of 4 (won: ann, bob; refused: cyd; silent: dan, eve, fay), a write may have been applied
			10ms < eve won
			11ms < fay won
			11ms done`},
		{"nor when it was the overdue one that made it a majority", DCEachSafeQuorum, []int{5, 1}, thrifty, "ann 4ms bob 9ms cyd 9ms dan 9ms fay 9ms", `
			0s ask ann
			0s ask bob
			0s ask cyd
			0s ask fay
			1ms < bob won
			2ms < cyd won
			4ms ask dan, ann is overdue
			5ms < ann won
			40ms < dan won
			50ms < fay won
			50ms done`},
		{"each has its own delay", DCQuorum, []int{5}, thrifty, "ann 10ms bob 15ms cyd 90ms dan 90ms", `
			0s ask ann
			0s ask bob
			0s ask cyd
			10ms ask dan, ann is overdue
			15ms ask eve, bob is overdue
			20ms < eve won
			20ms wait`},
		{"a deadline that passes: the unasked are refused", DCQuorum, three, thrifty, "", `
			0s ask ann
			0s ask bob
			1ms < ann won
			2s < report
			quorum: DC_QUORUM got 1 of 2 (won: ann; refused: cyd; silent: bob), a write may have been applied
			2s wait`},
		{"a delta that lost is made anew and sent to all again", DCQuorum, three, Plan{Tries: 3}, "", `
			0s < ann won
			0s ask bob
			0s ask cyd
			1ms < bob lost
			1ms retry
			1ms < retry
			1ms < ann won
			1ms ask bob
			1ms ask cyd
			2ms < cyd won try 1
			3ms < cyd won
			3ms done`},
		{"a delta that keeps losing", DCQuorum, three, Plan{Tries: 2}, "", `
			0s ask ann
			0s ask bob
			0s ask cyd
			1ms < ann lost
			1ms retry
			1ms < retry
			1ms ask ann
			1ms ask bob
			1ms ask cyd
			2ms < bob lost
			3ms < ann lost
			3ms fail
			3ms < report
			quorum: DC_QUORUM got 0 of 2 (lost: ann, bob; silent: cyd), a write may have been applied`},
		{"a delta that lost after it was acknowledged", DCQuorum, three, Plan{Tries: 3}, "", `
			0s ask ann
			0s ask bob
			0s ask cyd
			1ms < ann won
			2ms < bob won
			2ms done
			3ms < cyd lost`},
		{"a delta that lost where nobody counts it", DCQuorum, []int{2, 1}, Plan{Tries: 3}, "", `
			0s ask ann
			0s ask bob
			0s ask cyd
			1ms < cyd lost
			2ms < ann won
			3ms < bob won
			3ms done`},
		{"one that lost is not forgotten when the rest win before anybody looks", DCOne, three, Plan{Tries: 2}, "", `
			0s < ann lost
			0s < bob won
			0s retry`},
		{"the first try was sent, so the second does not fail with nothing applied", DCOne, []int{2}, Plan{Tries: 2}, "", `
			0s ask ann
			0s ask bob
			1ms < ann lost
			1ms retry
			1ms < retry
			1ms < ann refused
			1ms < bob refused
			1ms fail
			1ms < report
			quorum: DC_ONE got 0 of 1 (refused: ann, bob), a write may have been applied`},
	} {
		t.Run(s.name, s.tell)
	}
}

// play drives a request in which each owner gives its answer (Silent: none) at
// its time, if it is asked, until it says Done or Fail or nothing more can
// happen; and checks at every step what must hold.
func play(t *testing.T, rule Rule, racks []int, plan Plan, answers []Answer, at, delays []time.Duration) (Step, Request) {
	t.Helper()
	home := homes(racks)
	request := rule.Request(plan)
	asked := make([]time.Duration, len(answers)) // when, from 1 on
	said := make([]bool, len(answers))
	overdue := make([]bool, len(answers))
	now := time.Duration(1)
	fail := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("%v of %v, %+v, answers %v at %v, delays %v, at %v: %s", rule.Level(), racks, plan, answers, at, delays, now, fmt.Sprintf(format, args...))
	}
	for {
		step := request.Next(now, func(owner int) time.Duration { return delays[owner] })
		switch step.Do {
		case Ask:
			if asked[step.Owner] > 0 {
				fail("%d is asked twice", step.Owner)
			}
			if plan.Thrifty && rule.Need(home[step.Owner]) == 0 {
				fail("%d is asked for nothing", step.Owner)
			}
			if o := step.Overdue; o >= 0 {
				if asked[o] == 0 || said[o] || overdue[o] || now < asked[o]+delays[o] || home[o] != home[step.Owner] {
					fail("%d is asked in place of %d, which was asked at %v", step.Owner, o, asked[o])
				}
				overdue[o] = true
			}
			asked[step.Owner] = now
			// No more are asked than the level needs, those who did not win and
			// those who are overdue.
			most := rule.Need(home[step.Owner])
			for o := range answers {
				if home[o] == home[step.Owner] {
					if asked[o] > 0 {
						most--
					}
					if overdue[o] || said[o] && answers[o] != Won {
						most++
					}
				}
			}
			if plan.Thrifty && most < 0 {
				fail("%d is asked, one too many", step.Owner)
			}
			continue
		case Done, Fail:
			return step, request
		case Retry:
			fail("nobody may try again")
		}
		// The next answer, or the time that the request waits for.
		first := -1
		for o := range answers {
			if asked[o] > 0 && !said[o] && answers[o] != Silent && (first < 0 || asked[o]+at[o] < asked[first]+at[first]) {
				first = o
			}
		}
		switch {
		case first >= 0 && asked[first]+at[first] <= step.Until:
			now = max(now, asked[first]+at[first])
			said[first] = true
			request.Answer(first, 1, answers[first])
		case step.Until == Forever:
			return step, request
		case step.Until <= now:
			fail("it waits until %v", step.Until)
		default:
			now = step.Until
		}
	}
}

// However the answers come, a request ends as a tally of them does; and a thrifty
// one that hedges finds every majority there is.
func TestRequest_EveryAnswer_EndsAsTheOracle(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 5))
	count := 0
	check := func(level Level, local int, racks []int, answers []Answer) {
		rule := mustRule(t, level, local, racks...)
		at, delays := make([]time.Duration, len(answers)), make([]time.Duration, len(answers))
		oracle := naive{}
		for o, dc := range homes(racks) {
			at[o] = time.Duration(rng.IntN(8))
			delays[o] = time.Duration(rng.IntN(4))
			oracle = oracle.with(dc, answers[o])
		}
		want := map[State]Do{Met: Done, Impossible: Fail, Pending: Wait}[oracle.state(level, local, racks)]
		for _, plan := range []Plan{{}, {Thrifty: true}} {
			count++
			step, request := play(t, rule, racks, plan, answers, at, delays)
			if step.Do != want {
				t.Fatalf("%v from %d of %v, %+v, answers %v at %v, delays %v: %v, want %v", level, local, racks, plan, answers, at, delays, step.Do, want)
			}
			if !plan.Thrifty && request.asked != rule.all {
				t.Fatalf("%v from %d of %v, answers %v: only %b were asked", level, local, racks, answers, request.asked)
			}
		}
	}
	for _, racks := range shapes() {
		owners := len(homes(racks))
		for _, level := range levels {
			for local := range racks {
				answers := make([]Answer, owners)
				var walk func(owner int)
				walk = func(owner int) {
					if owner == owners {
						check(level, local, racks, answers)
						return
					}
					for answers[owner] = Silent; answers[owner] <= Won; answers[owner]++ {
						walk(owner + 1)
					}
				}
				if owners <= 4 {
					walk(0)
					continue
				}
				for range 200 {
					for o := range answers {
						answers[o] = Answer(rng.IntN(5))
					}
					check(level, local, racks, answers)
				}
			}
		}
	}
	if count < 60_000 {
		t.Errorf("only %d courses", count)
	}
}

func TestRequest_InFlight_CountsAskingsOfAllTries(t *testing.T) {
	request := mustRule(t, DCQuorum, 0, 3).Request(Plan{Tries: 2})
	for range 3 {
		request.Next(0, nil)
	}
	want := func(n int) {
		t.Helper()
		if got := request.InFlight(); got != n {
			t.Errorf("%d in flight, want %d", got, n)
		}
	}
	want(3)
	request.Answer(0, 1, Lost)
	want(2)
	request.Retry()
	want(2)
	request.Answer(2, 2, Won) // it was not asked in this try
	want(2)
	request.Next(0, nil)
	request.Next(0, nil)
	want(4)
	request.Answer(1, 1, Won)
	want(3)
	if tally := request.Tally(); tally.Answer(1) != Silent {
		t.Error("an answer to the first try counts in the second")
	}
	request.Answer(2, 1, Failed)
	request.Answer(2, 1, Failed) // more answers than askings
	request.Answer(2, 1, Failed)
	want(2)
	request.Answer(1, 2, Silent)
	want(2)
	request.Answer(0, 2, Won)
	request.Answer(1, 2, Won)
	want(0)
	if request.Try() != 2 || request.Next(0, nil).Do != Done {
		t.Errorf("try %d: %v", request.Try(), request.Next(0, nil))
	}
}

func TestRequest_DelaysWithoutEnd_NeverPass(t *testing.T) {
	request := mustRule(t, DCOne, 0, 2).Request(Plan{Thrifty: true})
	forever := func(int) time.Duration { return Forever }
	request.Next(time.Hour, forever)
	if step := request.Next(time.Hour, forever); step.Do != Wait || step.Until != Forever {
		t.Errorf("step %+v", step)
	}
}

func TestRequest_TriesBeyondBounds(t *testing.T) {
	for tries, want := range map[int]uint8{-1: 1, 0: 1, 1: 1, 255: 255, 1000: 255} {
		if got := (Rule{}).Request(Plan{Tries: tries}).tries; got != want {
			t.Errorf("%d tries are %d, want %d", tries, got, want)
		}
	}
}

func TestRequest_ZeroRule_Fails(t *testing.T) {
	request := Rule{}.Request(Plan{})
	if step := request.Next(0, nil); step.Do != Fail {
		t.Errorf("step %+v", step)
	}
}

func TestRequest_RetryOfWhatHasNotLost_Panics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	request := mustRule(t, DCOne, 0, 1).Request(Plan{})
	request.Answer(0, 1, Lost) // there is one try
	request.Retry()
}

func TestRequest_AllocatesNothing(t *testing.T) {
	rule := mustRule(t, DCEachSafeQuorum, 0, 3, 3, 3)
	var peers [9]Latency
	if n := testing.AllocsPerRun(100, func() {
		request := rule.Request(Plan{Thrifty: true, Tries: 2})
		delay := func(owner int) time.Duration { return peers[owner].Delay() }
		for {
			step := request.Next(time.Second, delay)
			if step.Do != Ask {
				break
			}
			request.Answer(step.Owner, step.Try, Won)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDo_String(t *testing.T) {
	if got, want := fmt.Sprint(Wait, Ask, Retry, Done, Fail, Do(9)), "wait ask retry done fail Do(9)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func BenchmarkRequest(b *testing.B) {
	for name, plan := range map[string]Plan{"write": {}, "read": {Thrifty: true}} {
		b.Run(name+" of 3 at DC_QUORUM", func(b *testing.B) {
			rule := mustRule(b, DCQuorum, 0, 3)
			var peers [3]Latency
			b.ReportAllocs()
			for b.Loop() {
				request := rule.Request(plan)
				delay := func(owner int) time.Duration { return peers[owner].Delay() }
				request.Answer(0, 1, Won)
				for step := request.Next(0, delay); step.Do == Ask; step = request.Next(0, delay) {
				}
				request.Answer(1, 1, Won)
				if request.Next(0, delay).Do != Done {
					b.Fatal("not done")
				}
			}
		})
	}
}
