package respserver_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/dynomite-go/dynomite/respserver"
)

// store is a handler with a map behind it.
type store struct {
	mu   sync.Mutex
	data map[string][]byte
}

func (*store) Open(*respserver.Conn) error { return nil }
func (*store) Close(*respserver.Conn)      {}

func (s *store) Serve(c *respserver.Conn, batch []respserver.Command) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, cmd := range batch {
		name, args := strings.ToUpper(string(cmd.Args[0])), cmd.Args[1:]
		switch {
		case name == "SET" && len(args) == 2:
			// The argument belongs to the connection: keep a copy.
			s.data[string(args[0])] = append([]byte(nil), args[1]...)
			c.Out = respserver.AppendOK(c.Out)
		case name == "GET" && len(args) == 1:
			value, ok := s.data[string(args[0])]
			if ok {
				c.Out = respserver.AppendBulk(c.Out, value)
			} else {
				c.Out = respserver.AppendNull(c.Out, c.Proto())
			}
		case name == "QUIT":
			c.Out = respserver.AppendOK(c.Out)
			c.CloseAfterReply()
			return
		default:
			c.Out = respserver.AppendError(c.Out, "ERR unknown command '"+string(cmd.Args[0])+"'")
		}
	}
}

func Example() {
	server, err := respserver.New(respserver.Config{Handler: &store{data: map[string][]byte{}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error)
	go func() { served <- server.Serve(listener) }()

	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	// An inline request, a pipeline, and the end.
	fmt.Fprint(conn, "SET greeting \"hello, \\\"world\\\"\"\r\n")
	fmt.Fprint(conn, "*2\r\n$3\r\nGET\r\n$8\r\ngreeting\r\n*2\r\n$3\r\nGET\r\n$4\r\nnone\r\n")
	fmt.Fprint(conn, "FLY\r\nQUIT\r\n")
	for lines := bufio.NewScanner(conn); lines.Scan(); {
		fmt.Println(lines.Text())
	}
	conn.Close()
	fmt.Println(server.Stop(context.Background()), <-served)
	// Output:
	// +OK
	// $14
	// hello, "world"
	// $-1
	// -ERR unknown command 'FLY'
	// +OK
	// <nil> <nil>
}
