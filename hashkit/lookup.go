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
}{
	{"slot", SlotHash},
	{"xxhash64", XXHash64},
	{"murmur", Murmur},
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

// Names gives the names that [Lookup] knows. The caller owns the slice.
func Names() []string {
	names := make([]string, len(functions))
	for i, f := range functions {
		names[i] = f.name
	}
	return names
}
