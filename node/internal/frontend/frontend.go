package frontend

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/dynomite-go/dynomite/quorum"
	"github.com/dynomite-go/dynomite/respserver"
)

// RedisVersion is the version that HELLO and INFO announce. Clients choose
// features by it; from 8 on, some take a server for a cluster.
const RedisVersion = "7.2.4"

// DefaultMaxClients is Redis's default.
const DefaultMaxClients = 10000

// errMaxClients is Redis's text for a connection too many; the server puts
// ERR before it.
var errMaxClients = errors.New("max number of clients reached")

// Config says what a [Frontend] answers with. Only Router is required.
type Config struct {
	// Router executes data commands.
	Router Router
	// Facts tells what this package cannot know.
	Facts Facts
	// Parameters are added to what CONFIG GET and SET know. One with the name
	// of a built-in parameter replaces it.
	Parameters []Parameter
	// ReadLevel and WriteLevel are a new connection's levels. The default is
	// DC_QUORUM.
	ReadLevel, WriteLevel quorum.Level
	// MaxClients bounds the connections; CONFIG SET maxclients changes it. The
	// default is [DefaultMaxClients].
	MaxClients int
	// IdleTimeout closes a connection that is idle for so long; zero never.
	// CONFIG SET timeout changes it. It stands above the server's own.
	IdleTimeout time.Duration
	// SetSync changes when the log is synced (always, everysec, no), for CONFIG
	// SET appendfsync; Facts.Log tells what it is. Nil refuses the change.
	SetSync func(policy string) error
	// Version is dynomited's own version, for INFO.
	Version string
	// RunID is the node's run id, 40 hexadecimal digits. The default is a
	// random one.
	RunID string
	// Port, Bind, Dir and ConfigFile are shown by INFO and CONFIG GET.
	Port                  int
	Bind, Dir, ConfigFile string
	// Logger is told of changes of the configuration. Nil discards.
	Logger *slog.Logger
}

// Frontend answers clients. It implements [respserver.Handler] and is safe for
// concurrent use.
type Frontend struct {
	cfg     Config
	facts   Facts
	router  Router
	starter Starter // the router, if it is one
	log     *slog.Logger
	table   *table
	config  *parameters
	stats   *stats
	clients clients
	runID   string
	started time.Time

	maxClients atomic.Int64
	timeout    atomic.Int64 // seconds
	peakMemory atomic.Int64
}

var _ respserver.Handler = (*Frontend)(nil)

// New returns a Frontend. The error names the field of cfg that is wrong.
func New(cfg Config) (*Frontend, error) {
	if cfg.Router == nil {
		return nil, errors.New("frontend: Router is required")
	}
	if cfg.MaxClients < 0 {
		return nil, fmt.Errorf("frontend: MaxClients is %d, below zero", cfg.MaxClients)
	}
	if cfg.IdleTimeout < 0 {
		return nil, fmt.Errorf("frontend: IdleTimeout is %v, below zero", cfg.IdleTimeout)
	}
	if cfg.MaxClients == 0 {
		cfg.MaxClients = DefaultMaxClients
	}
	var none quorum.Level
	if cfg.ReadLevel == none {
		cfg.ReadLevel = quorum.DCQuorum
	}
	if cfg.WriteLevel == none {
		cfg.WriteLevel = quorum.DCQuorum
	}
	for _, level := range []quorum.Level{cfg.ReadLevel, cfg.WriteLevel} {
		if err := servable(level); err != nil {
			return nil, fmt.Errorf("frontend: %w", err)
		}
	}
	if cfg.RunID == "" {
		var id [20]byte
		rand.Read(id[:])
		cfg.RunID = hex.EncodeToString(id[:])
	}
	if len(cfg.RunID) != 40 {
		return nil, fmt.Errorf("frontend: RunID has %d characters, not 40", len(cfg.RunID))
	}
	starter, _ := cfg.Router.(Starter)
	f := &Frontend{
		cfg:     cfg,
		facts:   cfg.Facts,
		router:  cfg.Router,
		starter: starter,
		log:     cfg.Logger,
		runID:   cfg.RunID,
		started: time.Now(),
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.maxClients.Store(int64(cfg.MaxClients))
	f.timeout.Store(int64(cfg.IdleTimeout / time.Second))
	f.table = newTable()
	f.stats = newStats(f.table.all)
	config, err := newParameters(f.builtin(), cfg.Parameters)
	if err != nil {
		return nil, err
	}
	f.config = config
	return f, nil
}

// Open admits a connection, or refuses it with Redis's text when there are
// too many.
func (f *Frontend) Open(c *respserver.Conn) error {
	s := &Session{
		ID:         c.ID(),
		ReadLevel:  f.cfg.ReadLevel,
		WriteLevel: f.cfg.WriteLevel,
		front:      f,
		conn:       c,
		stats:      f.stats.shard(c.ID()),
	}
	s.shown.addr, s.shown.laddr = address(c.RemoteAddr()), address(c.LocalAddr())
	if !f.clients.add(s, f.maxClients.Load()) {
		return errMaxClients
	}
	c.Data = s
	// Only now: CONFIG SET timeout tells those that are listed.
	c.SetIdleTimeout(f.idleTimeout())
	return nil
}

func (f *Frontend) idleTimeout() time.Duration {
	return time.Duration(f.timeout.Load()) * time.Second
}

// Close forgets a connection.
func (f *Frontend) Close(c *respserver.Conn) {
	if s, ok := c.Data.(*Session); ok {
		f.clients.remove(s)
	}
}
