package node

import (
	"bufio"
	"errors"
	"io"
	"math"
	"strconv"
)

var errReply = errors.New("node: a reply that is no RESP")

// readReply reads one RESP3 reply of our own server.
func readReply(r *bufio.Reader) (any, error) {
	line, err := readLine(r)
	if err != nil {
		return nil, err
	}
	kind, text := line[0], string(line[1:])
	switch kind {
	case '+', '(':
		return text, nil
	case '-':
		return ReplyError(text), nil
	case ':':
		return strconv.ParseInt(text, 10, 64)
	case '_':
		return nil, nil
	case '#':
		return text == "t", nil
	case ',':
		switch text {
		case "inf":
			return math.Inf(1), nil
		case "-inf":
			return math.Inf(-1), nil
		}
		return strconv.ParseFloat(text, 64)
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return nil, errReply
	}
	switch kind {
	case '$', '=':
		return readText(r, kind, n)
	case '*', '~', '>':
		return readList(r, n)
	case '%':
		return readMap(r, n)
	}
	return nil, errReply
}

// readLine reads up to CR LF and returns what stands before, at least a byte.
func readLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	if len(line) < 3 {
		return nil, errReply
	}
	return line[:len(line)-2], nil
}

func readText(r *bufio.Reader, kind byte, n int) (any, error) {
	if n < 0 {
		return nil, nil
	}
	b := make([]byte, n+2)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	b = b[:n]
	if kind == '=' && n >= 4 {
		b = b[4:] // the format: "txt:"
	}
	return string(b), nil
}

func readList(r *bufio.Reader, n int) (any, error) {
	if n < 0 {
		return nil, nil
	}
	list := make([]any, n)
	for i := range list {
		v, err := readReply(r)
		if err != nil {
			return nil, err
		}
		list[i] = v
	}
	return list, nil
}

func readMap(r *bufio.Reader, n int) (any, error) {
	m := make(map[string]any, n)
	for range n {
		k, err := readReply(r)
		if err != nil {
			return nil, err
		}
		v, err := readReply(r)
		if err != nil {
			return nil, err
		}
		key, ok := k.(string)
		if !ok {
			return nil, errReply
		}
		m[key] = v
	}
	return m, nil
}
