package hashkit

// Parameters of FNV (Fowler, Noll, Vo). The 64-bit functions of the Dynomite
// family keep 32 bits. What is above bit 31 never comes down again, so the low
// halves of the 64-bit parameters (0xcbf29ce484222325 and 0x100000001b3) give
// the low half of the 64-bit hash.
const (
	fnvOffset32 = 0x811c9dc5
	fnvPrime32  = 0x01000193
	fnvOffset64 = 0x84222325
	fnvPrime64  = 0x1b3
)

func fnv132(key []byte) Token  { return Token32(fnv1(key, fnvOffset32, fnvPrime32)) }
func fnv1a32(key []byte) Token { return Token32(fnv1a(key, fnvOffset32, fnvPrime32)) }
func fnv164(key []byte) Token  { return Token32(fnv1(key, fnvOffset64, fnvPrime64)) }
func fnv1a64(key []byte) Token { return Token32(fnv1a(key, fnvOffset64, fnvPrime64)) }

func fnv1(key []byte, offset, prime uint32) uint32 {
	h := offset
	for _, b := range key {
		h = h*prime ^ uint32(b)
	}
	return h
}

func fnv1a(key []byte, offset, prime uint32) uint32 {
	h := offset
	for _, b := range key {
		h = (h ^ uint32(b)) * prime
	}
	return h
}
