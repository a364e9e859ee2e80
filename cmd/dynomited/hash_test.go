//go:build unix

package main

import (
	"strings"
	"testing"

	"github.com/dynomite-go/dynomite/hashkit"
)

func TestHash_PrintsTokenAndSlot(t *testing.T) {
	stdout, stderr, code := execute(t, nil, binary, "hash", "{user7}.name", "123456789")
	want := `KEY             TOKEN               SLOT
"{user7}.name"  0xfdb075c934d8dc2f  16236
"123456789"     0xc70e32e1076d039a  12739
`
	if code != 0 || stdout != want {
		t.Errorf("exit code %d, printed\n%s%swant\n%s", code, stdout, stderr, want)
	}
	if stdout, _, _ = execute(t, nil, binary, "hash", "--hash", "murmur", "abc"); !strings.Contains(stdout, "0x7b0cc42800000000") {
		t.Errorf("murmur of abc:\n%s", stdout)
	}
}

func TestHash_WrongUse_ErrorSaysHow(t *testing.T) {
	for want, args := range map[string][]string{
		"takes keys":            {"hash"},
		"and no key":            {"hash", "--report", "key"},
		"there are slot, xxhas": {"hash", "--hash", "md6", "key"},
	} {
		_, stderr, code := execute(t, nil, binary, args...)
		if code != exitUsage || !strings.Contains(stderr, want) {
			t.Errorf("%v: exit code %d, said %s, want %s", args, code, stderr, want)
		}
	}
}

// The figures tell a good function from a bad one.
func TestHash_FiguresOfTheReport(t *testing.T) {
	if got := balance(hashkit.XXHash64); got < 0.9 || got > 1.1 {
		t.Errorf("balance of xxhash64 = %.2f, want about 1", got)
	}
	if got := balance(func([]byte) hashkit.Token { return 7 }); got < reportKeys*0.99 {
		t.Errorf("balance of one token for all = %.2f", got)
	}
	if mean, worst := avalanche(hashkit.XXHash64); mean < 0.48 || mean > 0.52 || worst < 0.45 {
		t.Errorf("avalanche of xxhash64 = %.3f, %.3f at the worst", mean, worst)
	}
	if mean, worst := avalanche(func(key []byte) hashkit.Token { return hashkit.Token(key[0]) }); mean > 0.01 || worst != 0 {
		t.Errorf("avalanche of the first byte = %.3f, %.3f at the worst", mean, worst)
	}
}
