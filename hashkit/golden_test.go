package hashkit

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// rows reads a file of golden vectors: a key and what belongs to it on each line,
// # starts a comment.
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

// golden reads the table of vectors of all functions: a key, and hex digits by
// the name of the function.
func golden(t *testing.T) (keys [][]byte, want []map[string]string) {
	t.Helper()
	var names []string
	for _, row := range rows(t, "golden.txt") {
		cells := strings.Fields(row[1])
		if row[0] == "key" {
			names = cells
			continue
		}
		key, err := hex.DecodeString(strings.TrimPrefix(row[0], "-"))
		if err != nil || len(cells) != len(names) {
			t.Fatalf("row %q has %d cells, want %d; %v", row[0], len(cells), len(names), err)
		}
		hashes := make(map[string]string)
		for i, name := range names {
			hashes[name] = cells[i]
		}
		keys, want = append(keys, key), append(want, hashes)
	}
	if len(keys) != 22 || len(names) != 14 {
		t.Fatalf("%d keys and %d functions, want 22 and 14", len(keys), len(names))
	}
	return keys, want
}

// How words become a token: one word is the high half, of four the first two
// are the token, and murmur3_x64_64 has its low word first.
func TestLookup_GoldenVectors(t *testing.T) {
	keys, want := golden(t)
	for i, key := range keys {
		for name, hex := range want[i] {
			digits := hex + "00000000"
			if name == "murmur3_x64_64" {
				digits = hex[8:] + hex[:8]
			}
			token, err := strconv.ParseUint(digits[:16], 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			hash, err := Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			if got := hash(key); got != Token(token) {
				t.Errorf("%s(%q) = %v, want %v", name, key, got, Token(token))
			}
		}
	}
}

func TestMurmur3x86_GoldenVectors_AllFourWords(t *testing.T) {
	keys, want := golden(t)
	for i, key := range keys {
		h := murmur3x86(key)
		if got := fmt.Sprintf("%08x%08x%08x%08x", h[0], h[1], h[2], h[3]); got != want[i]["murmur3"] {
			t.Errorf("murmur3(%q) = %s, want %s", key, got, want[i]["murmur3"])
		}
	}
}

// The definitions in the plainest words, or the standard library, for the
// functions that are computed in a shorter way, at every length.
func TestLookup_AsTheDefinition_AtEveryLength(t *testing.T) {
	definitions := map[string]func(key []byte) uint32{
		"crc16": func(key []byte) uint32 {
			var crc uint32
			for _, b := range key {
				crc = crc<<8 ^ uint32(naiveCRC16([]byte{byte(crc>>8) ^ b}))
			}
			return crc
		},
		"crc32": func(key []byte) uint32 {
			crc := ^uint32(0)
			for _, b := range key {
				crc ^= uint32(b)
				for range 8 {
					crc = crc>>1 ^ 0xedb88320*(crc&1)
				}
			}
			return ^crc >> 16 & 0x7fff
		},
		"fnv1_64":  func(key []byte) uint32 { return uint32(sum(fnv.New64(), key)) },
		"fnv1a_64": func(key []byte) uint32 { return uint32(sum(fnv.New64a(), key)) },
		"fnv1_32":  func(key []byte) uint32 { return sum32(fnv.New32(), key) },
		"fnv1a_32": func(key []byte) uint32 { return sum32(fnv.New32a(), key) },
	}
	rng := rand.New(rand.NewPCG(2, 2))
	for length := range 100 {
		key := make([]byte, length)
		for i := range key {
			key[i] = byte(rng.Uint32())
		}
		for name, define := range definitions {
			hash, err := Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := hash(key), Token32(define(key)); got != want {
				t.Errorf("%s(%x) = %v, want %v", name, key, got, want)
			}
		}
	}
}

func sum(h hash.Hash64, key []byte) uint64 { h.Write(key); return h.Sum64() }

func sum32(h hash.Hash32, key []byte) uint32 { h.Write(key); return h.Sum32() }

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
