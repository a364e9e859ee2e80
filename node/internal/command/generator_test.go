package command

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// generator draws random commands.
type generator struct{ *rand.Rand }

var keys = []string{"a", "b", "c", "d", "e", "f", "k[x]", "k*", "", "\x00\xff\r\n"}

// The arguments are drawn to hit the edges.
var (
	fields = []string{
		"", "f", "g", "F", "field", "f1", "f2", "f3", "f4", "a*b", "[x]", "\\", "\x00", "\xfe\xff", "caf\xc3\xa9",
		strings.Repeat("f", 65),
	}
	texts = []string{
		"", "x", "hello", "0", "-0", "1", "-1", "10", "007", "+5", " 5", "5 ", "1e3", "3.0", "0x10", "abc\x00def",
		"9223372036854775807", "-9223372036854775808", "9223372036854775808", "9223372036854775806", "18446744073709551616",
		"1.5", "-2.25", "0.1", ".5", "5.", "1e400", "1e5000", "-1e-5000", "nan", "inf", "-Infinity", "1e-20", "\r\n",
		"99999999999999999999", "123456789012345678901234567890", "3.14159265358979323846264338327950288",
		strings.Repeat("v", 44), strings.Repeat("v", 45), strings.Repeat("v", 300), strings.Repeat("1", 60),
	}
	integers = []string{
		"0", "1", "-1", "2", "3", "5", "-2", "-3", "10", "100", "-100", "1000", "9223372036854775807", "-9223372036854775808",
		"9223372036854775808", "-9223372036854775807", "4611686018427387904", "x", "", "1.0", "+1", " 1", "01", "-0", "1e2",
	}
	floats = []string{
		"0", "1", "-1", "0.1", "0.2", "-0.3", "1.5", "1e3", "1E-3", "1e17", "1e18", "1e30", "1e300", "1e4000", "-1e4900", "1e5000",
		"3.0e3", "5.", ".5", ".", "-", "+2", "++2", " 1", "1 ", "", "x", "nan", "-nan", "inf", "+inf", "-INF", "infinity", "infinit",
		"0x10", "0x.8p1", "0x", "0X1P-3", "1e", "1e+", "1e-2", "0e0", "-0", "-0.0", "1_000", "1.2.3", "0.00000000000000000049",
		"0.000000000000000005", "0.0000000000000000149", "123456789.123456789123456789", "1e-4950", "1e-4952", "1e99999999999",
		"4503599627370497.5", "9007199254740993", "18446744073709551615", "18446744073709551617", "0.30000000000000000004",
	}
	// Relative times: none that passes while the test runs, unless at once.
	spans = []string{
		"-1", "0", "100000", "5000000", "9223372036854775807", "9223372036854775", "9223372036854776", "-9223372036854775808",
		"-9223372036854775", "x", "", "1.5", "10000000000",
	}
	// Times: far ahead, or long ago.
	times = []string{
		"0", "-1", "1", "1000", "1600000000", "4102444800", "4102444801", "4102444800500", "4102444800499", "4102444800000",
		"9223372036854775807", "9223372036854775", "9223372036854776", "-9223372036854775808", "x", "",
		"281474976710655", "281474976710656",
	}
	patterns = []string{
		"*", "**", "f*", "*f", "?", "f?", "[fg]", "[^f]*", "[a-g]", "[g-a]*", "[", "[f", "[^", "[]", "[^]", "\\", "\\*", "a\\*b", "*[",
		"f[1-", "f[1-]", "f[1-3]", "[\\]]", "*\xff", "[\x80-\xff]*", "[\xff-\x01]", "", "*a*b*", "F", "\\[x]", "?*?", "*?", "[^\\f]",
	}
)

func pick(g *generator, from []string) string { return from[g.IntN(len(from))] }

// noise is an argument of any family, once in a while.
func (g *generator) or(from []string) string {
	if g.IntN(60) == 0 {
		return pick(g, [][]string{fields, texts, integers, floats, spans, times, patterns, keys}[g.IntN(8)])
	}
	return pick(g, from)
}

// span is a time to live. None ends while the test runs: the two sides look at
// the clock one after the other, and would not agree. (See pair.lapse.)
func (g *generator) span() string {
	s := g.or(spans)
	if n, err := strconv.Atoi(s); err == nil && n > 0 && n < 100_000 {
		return "100000"
	}
	return s
}

func (g *generator) key() string   { return pick(g, keys) }
func (g *generator) field() string { return g.or(fields) }

func (g *generator) text() string {
	switch g.IntN(6) {
	case 0:
		return strconv.FormatInt(int64(g.Uint64())>>g.IntN(64), 10)
	case 1:
		return strconv.FormatFloat((g.Float64()-0.5)*float64(int64(1)<<g.IntN(60)), 'f', g.IntN(20), 64)
	}
	return g.or(texts)
}

func (g *generator) integer() string {
	if g.IntN(3) == 0 {
		return strconv.FormatInt(int64(g.Uint64())>>g.IntN(64), 10)
	}
	return g.or(integers)
}

func (g *generator) float() string {
	switch g.IntN(4) {
	case 0:
		return strconv.FormatFloat((g.Float64()-0.5)*float64(int64(1)<<g.IntN(60)), 'f', g.IntN(25), 64)
	case 1:
		return fmt.Sprintf("%de%d", int64(g.Uint64())>>g.IntN(64), g.IntN(80)-50)
	}
	return g.or(floats)
}

// command draws one command.
func (g *generator) command() []string {
	args := templates[g.IntN(len(templates))](g)
	if g.IntN(80) == 0 { // one word too few or too many
		if g.IntN(2) == 0 {
			args = args[:1+g.IntN(len(args))]
		} else {
			args = append(args, g.or(texts))
		}
	}
	if g.IntN(8) == 0 {
		args[0] = strings.ToUpper(args[0])
	}
	return args
}

// several draws up to n arguments.
func several(g *generator, n int, draw func() string) []string {
	var out []string
	for range 1 + g.IntN(n) {
		out = append(out, draw())
	}
	return out
}

// options draws some of the choices, each perhaps with an argument behind it,
// in any case and order.
func (g *generator) options(n int, choices ...string) []string {
	var out []string
	for range g.IntN(n + 1) {
		o := choices[g.IntN(len(choices))]
		if g.IntN(2) == 0 {
			o = strings.ToLower(o)
		}
		out = append(out, o)
		switch strings.ToUpper(o) {
		case "EX", "PX":
			out = append(out, g.span())
		case "EXAT", "PXAT":
			out = append(out, g.or(times))
		case "COUNT":
			out = append(out, g.integer())
		case "MATCH":
			out = append(out, g.or(patterns))
		}
	}
	return out
}

func call(name string, args ...func(*generator) string) func(*generator) []string {
	return func(g *generator) []string {
		out := []string{name}
		for _, arg := range args {
			out = append(out, arg(g))
		}
		return out
	}
}

// with adds words to what another template draws.
func with(f func(*generator) []string, more func(*generator) []string) func(*generator) []string {
	return func(g *generator) []string { return append(f(g), more(g)...) }
}

var (
	aKey     = (*generator).key
	aField   = (*generator).field
	aText    = (*generator).text
	anInt    = (*generator).integer
	aFloat   = (*generator).float
	aSpan    = (*generator).span
	aTime    = func(g *generator) string { return g.or(times) }
	aPattern = func(g *generator) string { return g.or(patterns) }
	// anOffset stays small: a string of 512 MB takes its time.
	anOffset = func(g *generator) string {
		return pick(g, []string{"0", "1", "5", "100", "-1", "536870912", "9223372036854775807", "x", ""})
	}
	aCount = func(g *generator) string {
		return pick(g, []string{
			"0", "1", "2", "5", "100", "-1", "-3", "-40", "x", "", "-9223372036854775808", "9223372036854775807", "4611686018427387904",
		})
	}
	setOptions = func(g *generator) []string {
		return g.options(3, "NX", "XX", "GET", "KEEPTTL", "EX", "PX", "EXAT", "PXAT", "junk", "n")
	}
	// spanOptions leave out GT and LT: whether a span from now on is longer than
	// the one before hangs on the millisecond in which each side looks.
	spanOptions   = func(g *generator) []string { return g.options(2, "NX", "XX", "junk\r\nx") }
	expireOptions = func(g *generator) []string { return g.options(2, "NX", "XX", "GT", "LT", "junk\r\nx") }
)

var templates = []func(*generator) []string{
	call("get", aKey), call("get", aKey), call("get", aKey),
	call("set", aKey, aText), call("set", aKey, aText),
	with(call("set", aKey, aText), setOptions), with(call("set", aKey, aText), setOptions), with(call("set", aKey, aText), setOptions),
	call("setnx", aKey, aText), call("setex", aKey, aSpan, aText), call("psetex", aKey, aSpan, aText),
	call("getset", aKey, aText), call("getdel", aKey),
	with(call("getex", aKey), func(g *generator) []string {
		return g.options(2, "EX", "PX", "EXAT", "PXAT", "PERSIST", "NX")
	}),
	call("append", aKey, aText), call("strlen", aKey),
	call("getrange", aKey, anInt, anInt), call("substr", aKey, anInt, anInt), call("setrange", aKey, anOffset, aText),
	with(call("mget"), func(g *generator) []string { return several(g, 5, g.key) }),
	with(call("mset", aKey, aText), func(g *generator) []string { return g.options(1, "a", "b") }),
	call("mset", aKey, aText, aKey, aText),
	call("incr", aKey), call("decr", aKey), call("incrby", aKey, anInt), call("decrby", aKey, anInt),
	call("incrbyfloat", aKey, aFloat), call("incrbyfloat", aKey, aFloat),

	call("hset", aKey, aField, aText), call("hset", aKey, aField, aText), call("hset", aKey, aField, aText, aField, aText, aField, aText),
	call("hmset", aKey, aField, aText, aField, aText), call("hsetnx", aKey, aField, aText),
	call("hget", aKey, aField), call("hget", aKey, aField),
	with(call("hmget", aKey), func(g *generator) []string { return several(g, 5, g.field) }),
	call("hgetall", aKey), call("hkeys", aKey), call("hvals", aKey), call("hlen", aKey),
	call("hexists", aKey, aField), call("hstrlen", aKey, aField),
	with(call("hdel", aKey), func(g *generator) []string { return several(g, 4, g.field) }),
	call("hincrby", aKey, aField, anInt), call("hincrby", aKey, aField, anInt), call("hincrbyfloat", aKey, aField, aFloat),
	with(call("hscan", aKey, func(*generator) string { return "0" }), func(g *generator) []string {
		return g.options(2, "MATCH", "COUNT", "MATCH", "junk")
	}),
	call("hscan", aKey, anInt),
	call("hrandfield", aKey), call("hrandfield", aKey, aCount),
	call("hrandfield", aKey, aCount, func(g *generator) string { return pick(g, []string{"withvalues", "WITHVALUES", "junk"}) }),
	// Many fields at once, so that hashes outgrow the compact encodings.
	func(g *generator) []string {
		args := []string{"hset", g.key()}
		if g.IntN(10) > 0 {
			return append(args, g.field(), g.text())
		}
		for range 200 {
			args = append(args, "n"+strconv.Itoa(g.IntN(1000)), g.text())
		}
		return args
	},

	call("type", aKey), call("object", func(*generator) string { return "encoding" }, aKey),
	call("object", func(*generator) string { return "refcount" }, aKey),
	with(call("del"), func(g *generator) []string { return several(g, 3, g.key) }),
	with(call("unlink"), func(g *generator) []string { return several(g, 2, g.key) }),
	with(call("exists"), func(g *generator) []string { return several(g, 4, g.key) }),
	with(call("touch"), func(g *generator) []string { return several(g, 4, g.key) }),
	with(call("expire", aKey, aSpan), spanOptions), with(call("pexpire", aKey, aSpan), spanOptions),
	with(call("expireat", aKey, aTime), expireOptions), with(call("pexpireat", aKey, aTime), expireOptions),
	call("ttl", aKey), call("pttl", aKey), call("expiretime", aKey), call("pexpiretime", aKey), call("persist", aKey),
	call("keys", aPattern),
	func(g *generator) []string {
		if g.IntN(20) > 0 {
			return []string{"type", g.key()}
		}
		return []string{"flushall"}
	},
	with(call("nosuch", aKey), func(g *generator) []string { return several(g, 6, g.text) }),
	call("object", aText, aKey), call("client", aText),
}
