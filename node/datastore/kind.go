package datastore

// Kind is what a key shows itself as. A record may hold atoms of several kinds
// after a partition; one of them is shown.
type Kind uint8

// The numbers are part of the encoding.
const (
	None   Kind = 0 // nothing: the key does not exist
	String Kind = 1
	Hash   Kind = 2
	Set    Kind = 3
	ZSet   Kind = 4
	List   Kind = 5

	kinds = 6
)

var kindNames = [kinds]string{"none", "string", "hash", "set", "zset", "list"}

// String is the kind's name as Redis's TYPE answers it.
func (k Kind) String() string {
	if k < kinds {
		return kindNames[k]
	}
	return "unknown"
}
