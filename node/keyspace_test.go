package node_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/dynomite-go/dynomite/node/nodetest"
)

// The commands about all keys are the coordinator's, so the differential test of
// package command does not see them.
func TestKeyspace_TheEmptyPatternMatchesTheEmptyKeyAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 3)
		all := []any{"", "*", "a", "ab", "b"}
		for _, k := range all {
			c.Do(0, "SET", k, "v")
		}
		synctest.Wait() // the third copy is not waited for
		sorted := func(reply any) string {
			list := reply.([]any)
			slices.SortFunc(list, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
			return fmt.Sprintf("%q", list)
		}
		for pattern, wanted := range map[string][]any{
			"": {""}, "*": all, "**": all[1:], "a*": {"a", "ab"}, "\\*": {"*"}, "x": {},
		} {
			for i := range 3 {
				want(t, sorted(c.Do(i, "KEYS", pattern)), sorted(wanted))
				want(t, sorted(c.Do(i, "SCAN", "0", "MATCH", pattern, "COUNT", "100").([]any)[1]), sorted(wanted))
				want(t, sorted(c.Do(i, "DYN.LOCAL", "KEYS", pattern)), sorted(wanted))
			}
		}
		want(t, sorted(c.Do(1, "SCAN", "0", "TYPE", "", "COUNT", "100").([]any)[1]), "[]")
	})
}

func TestKeyspace_ObjectHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := nodetest.NewCluster(t, 1)
		if lines := fmt.Sprint(c.Do(0, "OBJECT", "HELP")); !strings.Contains(lines, "ENCODING <key>") {
			t.Error(lines)
		}
	})
}
