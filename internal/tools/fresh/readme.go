package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// session is what the README tells a newcomer to type: one command that
// starts a server, then redis-cli commands with their replies.
type session struct {
	start  []string // the first "go run ./cmd/dynomited ..." of a code block
	client []exchange
}

// exchange is one redis-cli command and the reply that the README shows; no
// reply means any that is not an error.
type exchange struct {
	args  []string // after "redis-cli"
	reply string
}

// readSession takes the commands from the README's code blocks: the first
// "go run ./cmd/dynomited" line, and every redis-cli line of the first block
// that has any. A leading "$ " marks a command in a transcript; the lines
// after it, up to the next command, are its reply.
func readSession(readme string) (session, error) {
	var s session
	var block []exchange
	code, done := false, false
	for _, line := range strings.Split(readme, "\n") {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			code = !code
			done = done || !code && len(block) > 0
			continue
		}
		if !code || done {
			continue
		}
		command, _, _ := strings.Cut(strings.TrimPrefix(line, "$ "), " #")
		fields := strings.Fields(command)
		switch {
		case len(fields) >= 3 && slices.Equal(fields[:3], []string{"go", "run", "./cmd/dynomited"}):
			if s.start == nil {
				s.start = fields
			}
		case len(fields) > 1 && fields[0] == "redis-cli":
			block = append(block, exchange{args: fields[1:]})
		case len(block) > 0 && line != "":
			last := &block[len(block)-1]
			last.reply = strings.TrimSpace(last.reply + "\n" + line)
		}
	}
	s.client = block
	if s.start == nil || len(s.client) == 0 {
		return s, errors.New("README.md has no code blocks with \"go run ./cmd/dynomited\" and \"redis-cli\"")
	}
	return s, nil
}

// ports lists the ports that the session's redis-cli commands name, ascending.
func (s session) ports() []int {
	var all []int
	for _, e := range s.client {
		for i, arg := range e.args {
			if arg != "-p" || i+1 == len(e.args) {
				continue
			}
			if port, err := strconv.Atoi(e.args[i+1]); err == nil {
				all = append(all, port)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// at returns the exchange's arguments with the README's ports exchanged for
// those of a server on free ports: the lowest for the first, and so on.
func (e exchange) at(ports []int, addrs []string) ([]string, error) {
	args := slices.Clone(e.args)
	for i, arg := range args {
		if arg != "-p" || i+1 == len(args) {
			continue
		}
		port, err := strconv.Atoi(args[i+1])
		if err != nil {
			return nil, fmt.Errorf("redis-cli %s: %w", strings.Join(e.args, " "), err)
		}
		addr := addrs[slices.Index(ports, port)]
		args[i+1] = addr[strings.LastIndexByte(addr, ':')+1:]
	}
	return args, nil
}

// check compares a reply as a pipe shows it with the one in the README, which
// shows a terminal's: strings quoted, integers and nil labelled.
func (e exchange) check(reply string) error {
	reply = strings.TrimSpace(reply)
	got := fmt.Sprintf("redis-cli %s answers %q", strings.Join(e.args, " "), reply)
	first, _, _ := strings.Cut(reply, " ")
	if e.reply == "" {
		if strings.HasPrefix(reply, "ERR") || first == "(error)" {
			return errors.New(got)
		}
		return nil
	}
	want := strings.TrimPrefix(e.reply, "(integer) ")
	if unquoted, err := strconv.Unquote(want); err == nil {
		want = unquoted
	}
	if want == "(nil)" {
		want = ""
	}
	if reply != want && reply != e.reply {
		return fmt.Errorf("%s, the README shows %q", got, e.reply)
	}
	return nil
}
