package hashkit

// crcTables holds, at [n][b], the CRC-16/XMODEM (polynomial 0x1021, most
// significant bit first, from 0) of byte b followed by n zero bytes. CRCs add by
// exclusive or, so that of eight bytes is one look-up for each, none waiting for
// the one before ("slicing by 8", Kounavis and Berry, 2005).
var crcTables = func() (tables [8][256]uint16) {
	for i := range 256 {
		crc := uint16(i) << 8
		for n := range tables {
			for range 8 {
				if crc&0x8000 != 0 {
					crc = crc<<1 ^ 0x1021
				} else {
					crc <<= 1
				}
			}
			tables[n][i] = crc
		}
	}
	return tables
}()

func crc16(data []byte) uint16 {
	var crc uint16
	t := &crcTables
	for len(data) >= 8 {
		b := data[:8:8]
		crc = t[7][b[0]^byte(crc>>8)] ^ t[6][b[1]^byte(crc)] ^ t[5][b[2]] ^ t[4][b[3]] ^
			t[3][b[4]] ^ t[2][b[5]] ^ t[1][b[6]] ^ t[0][b[7]]
		data = data[8:]
	}
	for _, b := range data {
		crc = crc<<8 ^ t[0][byte(crc>>8)^b]
	}
	return crc
}

// crc16Unmasked is the crc16 of the Dynomite family: an accumulator of 32 bits
// that is never cut to 16, so that what the last two bytes shift out stays, above
// bit 15. Everything older is gone, and the short way does for it.
func crc16Unmasked(key []byte) Token {
	most := max(0, len(key)-2)
	crc := uint32(crc16(key[:most]))
	for _, b := range key[most:] {
		crc = crc<<8 ^ uint32(crcTables[0][byte(crc>>8)^b])
	}
	return Token32(crc)
}
