package hashkit_test

import (
	"fmt"

	"github.com/dynomite-go/dynomite/hashkit"
)

func Example() {
	hash, err := hashkit.Lookup("slot")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range []string{"{user7}.name", "{user7}.mail", "123456789"} {
		token := hash([]byte(key))
		fmt.Printf("%-12s slot %5d token %v\n", key, token.Slot(), token)
	}
	// Output:
	// {user7}.name slot 16236 token 0xfdb075c934d8dc2f
	// {user7}.mail slot 16236 token 0xfdb0d2eaf2b2c9ad
	// 123456789    slot 12739 token 0xc70e32e1076d039a
}

// A ring built for Dynomite hashes with murmur, and may name a hash tag.
func ExampleTag_Bind() {
	hash := hashkit.Tag{Open: '[', Close: ']'}.Bind(hashkit.Murmur)
	fmt.Println(hash([]byte("cart[42]")) == hash([]byte("mail[42]")))
	// Output: true
}

func ExampleLookup() {
	_, err := hashkit.Lookup("sha1")
	fmt.Println(err)
	// Output: hashkit: no hash function "sha1", there are slot, xxhash64, murmur3_x64_64, one_at_a_time, md5, crc16, crc32, crc32a, fnv1_64, fnv1a_64, fnv1_32, fnv1a_32, hsieh, murmur, jenkins, murmur3
}

func ExampleParseToken() {
	for _, text := range []string{"3074457345618258602", "0x2aaaaaaaaaaaaaaa", "-7"} {
		token, err := hashkit.ParseToken(text)
		fmt.Println(token, err)
	}
	// Output:
	// 0x2aaaaaaaaaaaaaaa <nil>
	// 0x2aaaaaaaaaaaaaaa <nil>
	// 0x0000000000000000 hashkit: token "-7": not a decimal or 0x-hexadecimal number
}
