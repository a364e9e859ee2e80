package hashkit

import "bytes"

// Tag is the pair of bytes that enclose the hash tag of a key. The two may be
// equal. The zero Tag encloses with NUL bytes; it does not mean "no tag".
type Tag struct {
	Open, Close byte
}

// Braces is the tag of Redis Cluster, as in {user7}.name.
var Braces = Tag{Open: '{', Close: '}'}

// Of gives the part of the key that is to be hashed: what stands between the
// first Open and the first Close after it, or the whole key if either is missing
// or nothing stands between them. The result aliases the key.
func (t Tag) Of(key []byte) []byte {
	open := bytes.IndexByte(key, t.Open)
	if open < 0 {
		return key
	}
	rest := key[open+1:]
	length := bytes.IndexByte(rest, t.Close)
	if length <= 0 {
		return key
	}
	return rest[:length:length]
}

// Bind gives a function that hashes only the tag of a key. Keys with one tag
// then have one token. The call itself allocates, the function does not.
func (t Tag) Bind(f Func) Func {
	return func(key []byte) Token { return f(t.Of(key)) }
}
