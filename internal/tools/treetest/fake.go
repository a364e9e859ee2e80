package treetest

// FakeServer is the source of a program that behaves at its edges like
// dynomited and is nothing inside: it prints where it listens, knows PING, SET
// and GET of one value, shared by three ports after "dev", and ends on
// SIGTERM. With the argument "mute" it prints nothing and answers nobody.
const FakeServer = `package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
)

var (
	mu    sync.Mutex
	value string
)

func main() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	args := strings.Join(os.Args[1:], " ")
	nodes := 1
	if strings.HasPrefix(args, "dev") {
		nodes = 3
	}
	if args == "exit" {
		fmt.Println("no such configuration")
		os.Exit(3)
	}
	for i := 0; i < nodes && args != "mute"; i++ {
		silent, _ := net.Listen("tcp", "127.0.0.1:0")
		go serve(silent, false)
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(os.Stderr, "peers on %v, clients on %v\n", silent.Addr(), l.Addr())
		go serve(l, true)
	}
	<-stop
}

func serve(l net.Listener, redis bool) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go answer(c, redis)
	}
}

func answer(c net.Conn, redis bool) {
	defer c.Close()
	r := bufio.NewReader(c)
	for {
		var n int
		if _, err := fmt.Fscanf(r, "*%d\r\n", &n); err != nil {
			return
		}
		words := make([]string, n)
		for i := range words {
			r.ReadString('\n')
			word, _ := r.ReadString('\n')
			words[i] = strings.TrimSpace(word)
		}
		mu.Lock()
		switch {
		case !redis:
			fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		case strings.EqualFold(words[0], "ping"):
			fmt.Fprint(c, "+PONG\r\n")
		case strings.EqualFold(words[0], "set"):
			value = words[2]
			fmt.Fprint(c, "+OK\r\n")
		case strings.EqualFold(words[0], "get"):
			fmt.Fprintf(c, "$%d\r\n%s\r\n", len(value), value)
		default:
			fmt.Fprint(c, "-ERR unknown command\r\n")
		}
		mu.Unlock()
	}
}
`
