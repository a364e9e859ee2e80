package frontend

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Parameter is one parameter of CONFIG GET and CONFIG SET. Its functions must
// be safe for concurrent use; CONFIG SET calls them one at a time.
type Parameter struct {
	// Name is in lower case.
	Name string
	// Get returns the value as CONFIG GET shows it.
	Get func() string
	// Set changes the value, at once. Its error's text ends Redis's "CONFIG SET
	// failed ... - ". It must accept what Get returned before, for that is how
	// CONFIG SET of several parameters is undone. Nil refuses every change, as
	// Redis does for what it calls immutable.
	Set func(value string) error
}

// Fixed is a parameter that cannot be changed.
func Fixed(name, value string) Parameter {
	return Parameter{Name: name, Get: func() string { return value }}
}

// Only is a parameter that Redis could change and this server cannot. It
// accepts the value that it has, so that scripts which make sure of a setting
// go on, and refuses any other with the reason.
func Only(name string, get func() string, reason string) Parameter {
	return Parameter{Name: name, Get: get, Set: func(v string) error {
		if strings.EqualFold(v, get()) {
			return nil
		}
		return errors.New(reason)
	}}
}

// only is Only for a value that never changes.
func only(name, value, reason string) Parameter {
	return Only(name, func() string { return value }, reason)
}

// Choice is a parameter with one of several values, in lower case.
func Choice(name string, get func() string, set func(string) error, values ...string) Parameter {
	return Parameter{Name: name, Get: get, Set: func(v string) error {
		v = strings.ToLower(v)
		if !slices.Contains(values, v) {
			return errors.New("argument(s) must be one of the following: " + strings.Join(values, ", "))
		}
		return set(v)
	}}
}

// Integer is a parameter with a whole number from low to high.
func Integer(name string, get func() int64, set func(int64) error, low, high int64) Parameter {
	return Parameter{
		Name: name,
		Get:  func() string { return strconv.FormatInt(get(), 10) },
		Set: func(v string) error {
			n, ok := parseInt([]byte(v))
			if !ok {
				return errors.New("argument couldn't be parsed into an integer")
			}
			if n < low || n > high {
				return fmt.Errorf("argument must be between %d and %d inclusive", low, high)
			}
			return set(n)
		},
	}
}

// builtin is what every node has. The values are those of Redis where one is
// expected, and the truth about this server.
func (f *Frontend) builtin() []Parameter {
	const (
		noSnapshots  = "there are no snapshots, the log keeps the data"
		noEviction   = "there is no eviction"
		fixedAtStart = "this is set when the node starts"
		notHere      = "this is not supported"
	)
	return []Parameter{
		Integer("maxclients", f.maxClients.Load, func(n int64) error {
			f.maxClients.Store(n)
			return nil
		}, 1, 4294967295),
		Integer("timeout", f.timeout.Load, func(n int64) error {
			f.setTimeout(n)
			return nil
		}, 0, 2147483647),

		Fixed("databases", "1"),
		Fixed("port", strconv.Itoa(f.cfg.Port)),
		Fixed("bind", f.cfg.Bind),
		Fixed("dir", f.cfg.Dir),
		Fixed("daemonize", "no"),
		Fixed("cluster-enabled", "no"),
		Fixed("io-threads", "1"),
		Fixed("unixsocket", ""),

		Only("appendonly", f.appendOnly, fixedAtStart),
		f.appendSync(fixedAtStart),
		only("no-appendfsync-on-rewrite", "no", fixedAtStart),
		only("save", "", noSnapshots),
		only("maxmemory", "0", noEviction),
		only("maxmemory-policy", "noeviction", noEviction),
		only("maxmemory-samples", "5", noEviction),
		only("proto-max-bulk-len", "536870912", fixedAtStart),
		only("client-query-buffer-limit", "1073741824", fixedAtStart),
		only("tcp-keepalive", "300", fixedAtStart),
		only("requirepass", "", notHere),
		only("masterauth", "", notHere),
		only("replicaof", "", notHere),
		only("notify-keyspace-events", "", notHere),
		only("latency-monitor-threshold", "0", notHere),
		only("lazyfree-lazy-user-flush", "no", notHere),
		only("activedefrag", "no", notHere),
	}
}

// appendOnly and appendSync show the log, which need not be there.
func (f *Frontend) appendOnly() string {
	if f.facts.Log != nil && f.facts.Log().Enabled {
		return "yes"
	}
	return "no"
}

func (f *Frontend) appendSync(fixed string) Parameter {
	get := func() string {
		if f.facts.Log != nil {
			if sync := f.facts.Log().Sync; sync != "" {
				return sync
			}
		}
		return "no"
	}
	if f.cfg.SetSync == nil {
		return Only("appendfsync", get, fixed)
	}
	return Choice("appendfsync", get, f.cfg.SetSync, "everysec", "always", "no")
}

// setTimeout also tells the connections that are open.
func (f *Frontend) setTimeout(seconds int64) {
	f.timeout.Store(seconds)
	for _, s := range f.clients.all() {
		s.conn.SetIdleTimeout(f.idleTimeout())
	}
}
