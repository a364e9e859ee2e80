package quorum

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestRule_Need(t *testing.T) {
	for _, c := range []struct {
		level  Level
		local  int
		owners []int
		want   []int
	}{
		{DCOne, 0, []int{3}, []int{1}},
		{DCOne, 1, []int{3, 2}, []int{0, 1}},
		{DCQuorum, 0, []int{1}, []int{1}},
		{DCQuorum, 0, []int{2}, []int{2}},
		{DCQuorum, 0, []int{3}, []int{2}},
		{DCQuorum, 0, []int{4}, []int{3}},
		{DCQuorum, 2, []int{3, 3, 5}, []int{0, 0, 3}},
		{DCSafeQuorum, 1, []int{3, 3}, []int{0, 2}},
		{DCEachSafeQuorum, 0, []int{1, 2, 3, 4, 5}, []int{1, 2, 2, 3, 3}},
		{DCEachSafeQuorum, 0, []int{64}, []int{33}},
		{DCEachSafeQuorum, 0, []int{63, 1}, []int{32, 1}},
	} {
		rule := mustRule(t, c.level, c.local, c.owners...)
		var needs []int
		total := 0
		for dc := range c.owners {
			needs = append(needs, rule.Need(dc))
			total += rule.Need(dc)
		}
		if !slices.Equal(needs, c.want) || rule.Total() != total || rule.Level() != c.level {
			t.Errorf("%v from %d of %v: needs %v, in total %d; want %v", c.level, c.local, c.owners, needs, rule.Total(), c.want)
		}
		if rule.Need(-1) != 0 || rule.Need(len(c.owners)) != 0 {
			t.Errorf("%v of %v: a datacenter that is not there needs owners", c.level, c.owners)
		}
	}
}

func TestNewRule_Wrong_ErrorSaysWhat(t *testing.T) {
	for _, c := range []struct {
		level  Level
		local  int
		owners []int
		want   string
	}{
		{0, 0, []int{3}, "Level(0)"},
		{5, 0, []int{3}, "Level(5)"},
		{DCOne, 0, nil, "local datacenter 0, there are 0"},
		{DCOne, 2, []int{3, 3}, "local datacenter 2, there are 2"},
		{DCOne, -1, []int{3}, "local datacenter -1"},
		{DCOne, 0, []int{3, 0}, "datacenter 1 has 0 owners"},
		{DCOne, 0, []int{-1}, "datacenter 0 has -1 owners"},
		{DCOne, 0, []int{65}, "datacenter 0 has 65 owners"},
		{DCOne, 0, []int{40, 25}, "datacenter 1 has 25 owners, want at least 1 and 64 over all"},
	} {
		if _, err := NewRule(c.level, c.local, c.owners...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("NewRule(%v, %d, %v): error %v, want %q", c.level, c.local, c.owners, err, c.want)
		}
	}
}

func TestRule_Zero_IsNeverMet(t *testing.T) {
	tally := Rule{}.Tally()
	if tally.State() != Impossible || (Rule{}).Owners() != 0 || (Rule{}).Total() != 0 {
		t.Errorf("the zero rule is %v", tally.State())
	}
}

func TestParseLevel(t *testing.T) {
	for text, want := range map[string]Level{
		"DC_ONE": DCOne, "dc_one": DCOne, "Dc_Quorum": DCQuorum,
		"DC_SAFE_QUORUM": DCSafeQuorum, "dc_each_safe_quorum": DCEachSafeQuorum,
	} {
		if got, err := ParseLevel(text); err != nil || got != want {
			t.Errorf("ParseLevel(%q) = %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "ONE", "DC_ONE ", "DC-ONE", "QUORUM", "Level(1)"} {
		_, err := ParseLevel(text)
		if err == nil {
			t.Errorf("ParseLevel(%q) has no error", text)
			continue
		}
		for _, want := range []string{fmt.Sprintf("%q", text), "DC_ONE, DC_QUORUM, DC_SAFE_QUORUM, DC_EACH_SAFE_QUORUM"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("ParseLevel(%q): error %q does not say %s", text, err, want)
			}
		}
	}
}

func TestLevel_TextReadsBack(t *testing.T) {
	for _, level := range levels {
		blob, err := json.Marshal(level)
		if err != nil {
			t.Fatal(err)
		}
		var back Level
		if err := json.Unmarshal(blob, &back); err != nil || back != level {
			t.Errorf("%s reads back as %v, %v", blob, back, err)
		}
	}
	if _, err := json.Marshal(Level(0)); err == nil {
		t.Error("the zero level was written")
	}
	level := DCOne
	if err := json.Unmarshal([]byte(`"no"`), &level); err == nil || level != DCOne {
		t.Errorf("a wrong text gives %v and leaves %v", err, level)
	}
	if Level(7).String() != "Level(7)" {
		t.Errorf("String = %s", Level(7))
	}
	for level, safe := range map[Level]bool{0: false, DCOne: false, DCQuorum: false, DCSafeQuorum: true, DCEachSafeQuorum: true} {
		if level.Safe() != safe {
			t.Errorf("%v.Safe() = %v", level, level.Safe())
		}
	}
}

func FuzzParseLevel(f *testing.F) {
	f.Add("dc_quorum")
	f.Add("DC_EACH_SAFE_QUORUM")
	f.Fuzz(func(t *testing.T, text string) {
		level, err := ParseLevel(text)
		if (err == nil) != level.Valid() {
			t.Fatalf("ParseLevel(%q) = %v, %v", text, level, err)
		}
		if err == nil && !strings.EqualFold(text, level.String()) {
			t.Fatalf("ParseLevel(%q) = %v", text, level)
		}
	})
}
