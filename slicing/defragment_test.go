package slicing

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestPlanDefragment_FewerIntervalsSameShares(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 3))
		table := grown(t, []Grain{Tokens, Slots}[seed%2], 20)
		for n := 19; n >= 6; n-- {
			table = mustChange(t, table, equals(n)...)
		}
		owners := table.Owners()
		owners[rng.IntN(6)].Weight = 1 + rng.Int64N(9)
		table = mustChange(t, table, owners...)
		previous := whole
		for limit := 6; limit <= table.Len()+2; limit += 1 + limit/4 {
			plan, err := table.PlanDefragment(limit)
			if err != nil {
				t.Fatal(err)
			}
			next := plan.Table()
			checkTable(t, next)
			if plan.Before != table.Len() || plan.After != next.Len() || plan.After > limit {
				t.Fatalf("seed %d: from %d to %d intervals, the tables have %d and %d, the limit is %d", seed, plan.Before, plan.After, table.Len(), next.Len(), limit)
			}
			for i := range owners {
				if next.Share(i) != table.Share(i) {
					t.Fatalf("seed %d: owner %d had %v tokens and has %v", seed, i, table.Share(i), next.Share(i))
				}
			}
			if recount := Moved(Diff(table, next)); recount != plan.Moved || recount != Moved(plan.Moves) {
				t.Fatalf("seed %d: %v tokens move, the plan says %v", seed, recount, plan.Moved)
			}
			if limit >= table.Len() && !plan.Moved.isZero() {
				t.Fatalf("seed %d: %v tokens move for nothing", seed, plan.Moved)
			}
			// More intervals may be kept, so less has to move, give or take what
			// trying misses.
			if plan.Moved.Fraction() > previous.Fraction()+0.1 {
				t.Errorf("seed %d: %d intervals cost %.3f, fewer cost %.3f", seed, limit, plan.Moved.Fraction(), previous.Fraction())
			}
			previous = plan.Moved
		}
	}
}

func TestPlanDefragment_BelowTheOwners_Error(t *testing.T) {
	if _, err := grown(t, Tokens, 5).PlanDefragment(4); err == nil || !strings.Contains(err.Error(), "4 intervals for 5 owners") {
		t.Errorf("error = %v", err)
	}
}

// Dropping the smallest tenth of a table's intervals must not move much of it.
func TestPlanDefragment_CostShownIsSmallForSmallSteps(t *testing.T) {
	table := grown(t, Tokens, 64)
	for n := 63; n >= 8; n-- {
		table = mustChange(t, table, equals(n)...)
	}
	plan, err := table.PlanDefragment(table.Len() * 9 / 10)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d to %d intervals moves %.4f", plan.Before, plan.After, plan.Moved.Fraction())
	if plan.Moved.Fraction() > 0.03 {
		t.Errorf("dropping a tenth of the intervals moves %.3f", plan.Moved.Fraction())
	}
}
