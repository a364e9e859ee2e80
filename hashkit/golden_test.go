package hashkit

import (
	"bufio"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// rows reads a file of golden vectors: two words a line, # starts a comment.
func rows(t *testing.T, name string) [][2]string {
	t.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all [][2]string
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		key, value, ok := strings.Cut(line, " ")
		if !ok {
			t.Fatalf("%s: row %q has no value", name, line)
		}
		all = append(all, [2]string{key, value})
	}
	if len(all) == 0 {
		t.Fatalf("%s: no rows", name)
	}
	return all
}

func TestMurmur_GoldenVectors(t *testing.T) {
	for _, row := range rows(t, "murmur.txt") {
		key, err := hex.DecodeString(strings.TrimPrefix(row[0], "-"))
		if err != nil {
			t.Fatal(err)
		}
		want, err := strconv.ParseUint(row[1], 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		if got := Murmur(key); got != Token(want)<<32 {
			t.Errorf("Murmur(%q) = %v, want %08x in the high half", key, got, want)
		}
	}
}

func TestSlot_GoldenVectors(t *testing.T) {
	for _, row := range rows(t, "slot.txt") {
		want, err := strconv.Atoi(row[1])
		if err != nil {
			t.Fatal(err)
		}
		if got := Slot([]byte(row[0])); int(got) != want {
			t.Errorf("Slot(%q) = %d, want %d", row[0], got, want)
		}
	}
}

// The vectors of the XXH64 specification's own implementation.
func TestXXHash64_GoldenVectors(t *testing.T) {
	for key, want := range map[string]Token{
		"":    0xef46db3751d8e999,
		"a":   0xd24ec4f1a98c6e5b,
		"abc": 0x44bc2cf5ad770999,
	} {
		if got := XXHash64([]byte(key)); got != want {
			t.Errorf("XXHash64(%q) = %v, want %v", key, got, want)
		}
	}
}

func TestCRC16_IsXMODEM(t *testing.T) {
	if got := crc16([]byte("123456789")); got != 0x31c3 {
		t.Errorf("crc16 = %#x, want the check value 0x31c3", got)
	}
}

// naiveCRC16 is the definition: long division, one bit after the other.
func naiveCRC16(data []byte) uint16 {
	var crc uint16
	for _, b := range data {
		for bit := 7; bit >= 0; bit-- {
			carry := crc>>15 != uint16(b>>bit&1)
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
	}
	return crc
}

func TestCRC16_AsTheDefinition_AtEveryLength(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for length := range 200 {
		data := make([]byte, length)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		if got, want := crc16(data), naiveCRC16(data); got != want {
			t.Errorf("crc16(%x) = %#04x, want %#04x", data, got, want)
		}
	}
}
