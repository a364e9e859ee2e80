package slicing_test

import (
	"fmt"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/slicing"
)

func Example() {
	table, err := slicing.New(slicing.Tokens, slicing.Owner{Name: "ann", Weight: 1}, slicing.Owner{Name: "bob", Weight: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	next, err := table.Change(append(table.Owners(), slicing.Owner{Name: "cyd", Weight: 2})...)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, move := range slicing.Diff(table, next) {
		fmt.Println(move.From, move.To, move.Donor, "->", move.Receiver)
	}
	fmt.Println("moved", slicing.Moved(slicing.Diff(table, next)).Fraction(), "minimum", slicing.Minimum(table, next).Fraction())
	fmt.Println(next.Owner(hashkit.Token(1) << 63))
	// Output:
	// 0x4000000000000000 0x7fffffffffffffff ann -> cyd
	// 0x8000000000000000 0xbfffffffffffffff bob -> cyd
	// moved 0.5 minimum 0.5
	// cyd
}

// The cost is looked at before the table is used.
func ExampleTable_PlanDefragment() {
	names := []string{"ann", "bob", "cyd", "dee", "eve", "fay", "gus", "hal"}
	var owners []slicing.Owner
	for _, name := range names {
		owners = append(owners, slicing.Owner{Name: name, Weight: 1})
	}
	table, err := slicing.New(slicing.Tokens, owners[0])
	for n := 2; n <= len(owners) && err == nil; n++ {
		table, err = table.Change(owners[:n]...)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := table.PlanDefragment(12)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d intervals instead of %d would move %.1f %%\n", plan.After, plan.Before, 100*plan.Moved.Fraction())
	if plan.Moved.Fraction() < 0.3 { // worth it, says who runs this one
		table = plan.Table()
	}
	fmt.Println(table.Len())
	// Output:
	// 12 intervals instead of 17 would move 26.9 %
	// 12
}
