package respserver

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
)

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ name, data string }{
		{"get", request("GET", "key:000000000001")},
		{"set-100B", request("SET", "key:000000000001", strings.Repeat("v", 100))},
		{"mset-100", request(append([]string{"MSET"}, strings.Fields(strings.Repeat("key value ", 100))...)...)},
		{"set-1MB", request("SET", "key:000000000001", strings.Repeat("v", 1<<20))},
		{"inline", "SET key:000000000001 \"some \\\"value\\\"\"\r\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			data := []byte(c.data)
			work := make([]byte, len(data))
			p := newParser(Config{}.withDefaults().Limits)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				in := data
				if c.name == "inline" { // unescaping changes its input
					in = work[:copy(work, data)]
				}
				if n, err := p.next(in, true); n != len(data) || err != nil {
					b.Fatal(n, err)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	value := []byte(strings.Repeat("v", 100))
	for _, c := range []struct {
		name  string
		write func(dst []byte) []byte
	}{
		{"ok", AppendOK},
		{"int", func(dst []byte) []byte { return AppendInt(dst, 1234567) }},
		{"bulk-100B", func(dst []byte) []byte { return AppendBulk(dst, value) }},
		{"double", func(dst []byte) []byte { return AppendDouble(dst, 3, 3.1) }},
		{"double-short", func(dst []byte) []byte { return AppendShortDouble(dst, 3, 3.1) }},
		{"error", func(dst []byte) []byte { return AppendError(dst, "ERR syntax error") }},
	} {
		b.Run(c.name, func(b *testing.B) {
			dst := make([]byte, 0, 4096)
			b.ReportAllocs()
			for b.Loop() {
				dst = c.write(dst[:0])
			}
		})
	}
}

// BenchmarkLoop is the whole loop but for the system's calls: per batch.
func BenchmarkLoop(b *testing.B) {
	for _, depth := range []int{1, 32} {
		b.Run(fmt.Sprintf("pipeline-%d", depth), func(b *testing.B) {
			data := strings.Repeat(request("SET", "key:000000000001", strings.Repeat("v", 100)), depth)
			s := mustNew(b, Config{Handler: hooks{serve: func(c *Conn, batch []Command) {
				for range batch {
					c.Out = AppendOK(c.Out)
				}
			}}})
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			b.ResetTimer()
			s.ServeConn(&script{chunks: [][]byte{[]byte(data)}, again: b.N - 1, mute: true})
		})
	}
}

// BenchmarkTCP is a round trip over loopback, the client's part included.
func BenchmarkTCP(b *testing.B) {
	for _, depth := range []int{1, 32} {
		b.Run(fmt.Sprintf("pipeline-%d", depth), func(b *testing.B) {
			_, addr := start(b, Config{Handler: hooks{}})
			one := request("ECHO", strings.Repeat("v", 100))
			batch := []byte(strings.Repeat(one, depth))
			conns := make(chan net.Conn, 50)
			for range cap(conns) {
				conns <- dial(b, addr)
			}
			b.SetBytes(int64(len(batch)))
			b.SetParallelism(25)
			var once sync.Once
			b.RunParallel(func(pb *testing.PB) {
				c := <-conns
				defer func() { conns <- c }()
				got := make([]byte, len(batch))
				for pb.Next() {
					if _, err := c.Write(batch); err != nil {
						once.Do(func() { b.Error(err) })
						return
					}
					for n := 0; n < len(got); {
						m, err := c.Read(got[n:])
						if err != nil {
							once.Do(func() { b.Error(err) })
							return
						}
						n += m
					}
				}
			})
		})
	}
}
