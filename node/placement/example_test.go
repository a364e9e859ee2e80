package placement_test

import (
	"fmt"

	"github.com/dynomite-go/dynomite/node"
	"github.com/dynomite-go/dynomite/node/placement"
)

// A dry run before anything is started: three nodes, and a fourth that joins one
// of the racks.
func Example() {
	var configs []node.Config
	for i := range 3 {
		configs = append(configs, node.Config{
			Name: fmt.Sprint("n", i+1), Rack: fmt.Sprint("rack", i+1),
			Seeds: []string{"127.0.0.1:8101"}, Expect: 3,
		})
	}
	layout, err := node.FirstLayout(configs...)
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := layout.Plan(placement.Change{Add: []placement.Addition{{ID: "n4", Rack: "rack1"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range plan.Transfers {
		fmt.Printf("%s to %s: %.2f of the keys\n", t.From, t.To, t.Share)
	}
	fmt.Printf("moved %.2f, minimum %.2f\n", plan.Moved, plan.Minimum)
	// Output:
	// n1 to n4: 0.50 of the keys
	// moved 0.50, minimum 0.50
}
