package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// client is as much of a Redis client as the measurements need.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
}

func dial(port int) (*client, error) {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), time.Second)
	if err != nil {
		return nil, err
	}
	return &client{conn, bufio.NewReaderSize(conn, 64<<10), bufio.NewWriterSize(conn, 64<<10)}, nil
}

func (c *client) send(words ...string) {
	// The writer keeps its first error until Flush.
	fmt.Fprintf(c.out, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(c.out, "$%d\r\n%s\r\n", len(w), w)
	}
}

// refusal is an error that a server answered.
type refusal string

func (r refusal) Error() string { return string(r) }

// status reads a simple reply of one line: "OK" for "+OK".
func (c *client) status() (string, error) {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	switch {
	case len(line) < 3:
		return "", fmt.Errorf("the reply %q", line)
	case line[0] == '-':
		return "", refusal(line[1 : len(line)-2])
	}
	return line[1 : len(line)-2], nil
}

func (c *client) do(words ...string) (string, error) {
	_ = c.conn.SetDeadline(time.Now().Add(5 * time.Second))
	c.send(words...)
	if err := c.out.Flush(); err != nil {
		return "", err
	}
	return c.status()
}

// await sends the command until it is answered as wanted, a millisecond apart.
func await(ctx context.Context, port int, want string, words ...string) error {
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	for {
		got, err := once(port, words...)
		if err == nil && got == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("port %d does not answer %s to %v but %q, %w: %w", port, want, words, got, err, ctx.Err())
		case <-pause.C:
		}
	}
}

func once(port int, words ...string) (string, error) {
	c, err := dial(port)
	if err != nil {
		return "", err
	}
	defer c.conn.Close()
	return c.do(words...)
}

// fill writes n keys of 16 bytes with values of 100 bytes, in pipelines. The
// keys are named as redis-benchmark names them. What is refused is written again,
// a few times: it was on its way to a node when that one was killed.
func fill(ctx context.Context, port, n int) error {
	c, err := dial(port)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	value := make([]byte, size)
	for i := range value {
		value[i] = 'a' + byte(i%26)
	}
	const batch, tries = 500, 3
	for from := 0; from < n; from += batch {
		var keys []int
		for i := from; i < min(from+batch, n); i++ {
			keys = append(keys, i)
		}
		for try := 1; len(keys) > 0; try++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			refused, err := c.set(keys, string(value))
			if len(refused) > 0 && (try == tries || !errors.As(err, new(refusal))) {
				return fmt.Errorf("SET of key %d: %w", refused[0], err)
			}
			keys = refused
		}
	}
	return nil
}

// set sets keys in one pipeline. It returns those that were not set, and the error
// of the last of them.
func (c *client) set(keys []int, value string) (refused []int, last error) {
	_ = c.conn.SetDeadline(time.Now().Add(time.Minute))
	for _, k := range keys {
		c.send("SET", fmt.Sprintf("key:%012d", k), value)
	}
	if err := c.out.Flush(); err != nil {
		return keys, err
	}
	for i, k := range keys {
		switch got, err := c.status(); {
		case errors.As(err, new(refusal)):
			refused, last = append(refused, k), err
		case err != nil:
			return append(refused, keys[i:]...), err
		case got != "OK":
			return append(refused, keys[i:]...), fmt.Errorf("the reply %q", got)
		}
	}
	return refused, last
}
