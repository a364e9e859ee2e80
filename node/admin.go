package node

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/dynomite-go/dynomite/node/placement"
)

// adminServer is the HTTP endpoint for operators:
//
//	/livez            the process serves
//	/readyz           joined, caught up, able to meet DC_QUORUM; or what it waits for
//	/metrics          Prometheus
//	/ring             the ring, as text; ?o=json as JSON, ?o=svg as a picture
//	/layout           the layout as placement.Decode reads it
//	/dbsize           the number of keys of the cluster
//	/hints            what each node keeps for the others, as JSON
//	/members          the nodes as this one sees them, as JSON
//	/cluster_describe the same in the form that Dynomite's clients read
//	POST /members/ID/remove
//	POST /repair?from=0&to=18446744073709551615  compare these tokens with each other
//	                           owner now; a line of JSON for each step
//	POST /hints/pause?for=10m  hold back this node's hints for so long; 0s ends it
type adminServer struct {
	n    *Node
	l    net.Listener
	http *http.Server
}

func newAdmin(n *Node, addr string) (*adminServer, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(newMetrics(n), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	a := &adminServer{n: n, l: l}
	a.http = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute}
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", a.ready)
	mux.HandleFunc("GET /ring", a.ring)
	mux.HandleFunc("GET /layout", a.layout)
	mux.HandleFunc("GET /dbsize", a.size)
	mux.HandleFunc("GET /hints", func(w http.ResponseWriter, r *http.Request) { writeJSON(w, n.AllHints(r.Context())) })
	mux.HandleFunc("POST /hints/pause", a.pauseHints)
	mux.HandleFunc("POST /repair", a.repair)
	mux.HandleFunc("GET /members", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, n.Members()) })
	mux.HandleFunc("GET /cluster_describe", a.describe)
	mux.HandleFunc("POST /members/{id}/remove", a.remove)
	return a, nil
}

func (a *adminServer) addr() string { return a.l.Addr().String() }

func (a *adminServer) serve() { _ = a.http.Serve(a.l) }

// stop lets requests under way finish. If the server never served, the listener is closed
// all the same.
func (a *adminServer) stop(ctx context.Context) error {
	err := a.http.Shutdown(ctx)
	if cerr := ignoreClosed(a.l.Close()); err == nil {
		err = cerr
	}
	return err
}

func (a *adminServer) ready(w http.ResponseWriter, _ *http.Request) {
	if err := a.n.Ready(); err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintln(w, err)
		return
	}
	fmt.Fprintln(w, "ok")
	if peer, age := a.n.OldestComparison(); peer != "" {
		fmt.Fprintf(w, "everything was compared with %s %s ago, with others later\n", peer, age.Round(time.Second))
	}
	if text := a.n.stalled(); text != "" {
		fmt.Fprintln(w, "deleted keys keep their memory: "+text)
	}
}

func (a *adminServer) ring(w http.ResponseWriter, r *http.Request) {
	cl := a.n.coord.Cluster()
	if cl == nil {
		http.Error(w, "no layout yet: "+a.n.waiting.String(), http.StatusServiceUnavailable)
		return
	}
	switch r.FormValue("o") {
	case "json":
		writeJSON(w, a.n.Ring())
	case "svg":
		w.Header().Set("Content-Type", "image/svg+xml")
		if l := a.n.placement(); l != nil {
			_ = l.SVG(w)
		}
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_ = cl.Ring.Describe(w)
	}
}

func (a *adminServer) layout(w http.ResponseWriter, _ *http.Request) {
	l := a.n.layout.Load()
	if l == nil {
		http.Error(w, "no layout yet: "+a.n.waiting.String(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(l.Encode())
}

func (a *adminServer) size(w http.ResponseWriter, r *http.Request) {
	n, err := a.n.Do(r.Context(), "DBSIZE")
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, n)
}

// described is a node in the form of Dynomite's /cluster_describe.
type described struct {
	Token    string `json:"token"`
	Hostname string `json:"hostname"`
	DC       string `json:"dc"`
	IP       string `json:"ip"`
	Zone     string `json:"zone"`
	Location string `json:"location"`
}

func (a *adminServer) describe(w http.ResponseWriter, _ *http.Request) {
	out := []described{}
	for _, s := range a.n.Ring() {
		host, _, _ := net.SplitHostPort(s.ClientAddr)
		token := ""
		if len(s.Tokens) > 0 {
			token = s.Tokens[0]
		}
		out = append(out, described{Token: token, Hostname: host, IP: host, DC: s.Datacenter, Zone: s.Rack, Location: s.Datacenter})
	}
	writeJSON(w, out)
}

func (a *adminServer) remove(w http.ResponseWriter, r *http.Request) {
	if err := a.n.Remove(r.PathValue("id")); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	fmt.Fprintln(w, "removed")
}

func (a *adminServer) pauseHints(w http.ResponseWriter, r *http.Request) {
	d, err := time.ParseDuration(r.FormValue("for"))
	if err == nil {
		err = a.n.PauseHints(d)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprintln(w, "paused for", d)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(v)
}

// RingEntry is one node's part of the ring.
type RingEntry struct {
	Member
	// Share is the part of all keys that the node holds, Primary the part that it is
	// the first owner of in its datacenter; 0 to 1.
	Share, Primary float64
	// Weight is the node's beside the others of its rack, 1 or more.
	Weight int64
	// Tokens are the ends of the node's ranges, in hexadecimal.
	Tokens []string
}

// RingEntryOf gives a node of a layout as an entry, of whose health nothing is
// known.
func RingEntryOf(p placement.Node) RingEntry {
	e := RingEntry{
		Member: Member{ID: p.ID, Datacenter: p.Datacenter, Rack: p.Rack, PeerAddr: p.PeerAddr, ClientAddr: p.ClientAddr},
		Share:  p.Share, Primary: p.Primary, Weight: p.Weight,
	}
	for _, t := range p.Ends {
		e.Tokens = append(e.Tokens, t.String())
	}
	return e
}

// Ring says who owns what; empty before there is a layout.
func (n *Node) Ring() []RingEntry {
	l := n.placement()
	if l == nil {
		return nil
	}
	members := make(map[string]Member)
	for _, m := range n.Members() {
		members[m.ID] = m
	}
	var out []RingEntry
	for _, p := range l.Nodes() {
		e := RingEntryOf(p)
		e.Member = members[p.ID]
		out = append(out, e)
	}
	return out
}

// placement is the layout in force; nil before there is one.
func (n *Node) placement() *placement.Layout {
	l := n.layout.Load()
	if l == nil || n.coord.Cluster() == nil {
		return nil
	}
	p, err := placement.Decode(l.Encode())
	if err != nil {
		return nil // the node could not run under it
	}
	return p
}
