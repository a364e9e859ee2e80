package hashkit

import (
	"fmt"
	"strings"
)

// Func maps a key to its token. It is pure: the same key has the same token on
// every machine and in every release.
type Func func(key []byte) Token

// functions is in the order in which errors and documents list the names.
var functions = [...]struct {
	name string
	hash Func
	wide bool // keys spread over all 64 bits
}{
	{"slot", SlotHash, true},
	{"xxhash64", XXHash64, true},
	{"murmur3_x64_64", murmur3x64, true},
	{"one_at_a_time", oneAtATime, false},
	{"md5", md5First, false},
	{"crc16", crc16Unmasked, false},
	{"crc32", crc32Fifteen, false},
	{"crc32a", crc32Whole, false},
	{"fnv1_64", fnv164, false},
	{"fnv1a_64", fnv1a64, false},
	{"fnv1_32", fnv132, false},
	{"fnv1a_32", fnv1a32, false},
	{"hsieh", hsieh, false},
	{"murmur", Murmur, false},
	{"jenkins", jenkins, false},
	{"murmur3", murmur3, true},
}

// Lookup gives the function of a configuration name. Names are lower case and
// matched exactly; the error lists those that exist.
func Lookup(name string) (Func, error) {
	for _, f := range functions {
		if f.name == name {
			return f.hash, nil
		}
	}
	return nil, fmt.Errorf("hashkit: no hash function %q, there are %s", name, strings.Join(Names(), ", "))
}

// LookupSpread is [Lookup] for schemes that cut the token space into equal or
// weighted pieces, such as random slicing: they need keys that are even over the
// space. A function of 32 bits or fewer comes with a finisher behind it that
// spreads its hashes over all 64 bits; two keys have one token if they had one
// before, but tokens differ from those of Lookup. Other functions, slot among
// them, come as they are.
func LookupSpread(name string) (Func, error) {
	hash, err := Lookup(name)
	if err != nil {
		return nil, err
	}
	for _, f := range functions {
		if f.name == name && !f.wide {
			return func(key []byte) Token { return Token(finish64(uint64(hash(key)))) }, nil
		}
	}
	return hash, nil
}

// Names gives the names that [Lookup] knows. The caller owns the slice.
func Names() []string {
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = f.name
	}
	return names
}
