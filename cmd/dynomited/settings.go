package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/dynomite-go/dynomite/node"
)

// settings are a node's configuration as flags, environment and file give it.
type settings struct {
	file     string
	test     bool
	logLevel string
	logJSON  bool
	flags    *pflag.FlagSet
	origins  map[string]string // setting -> where its value came from
}

// field is one setting: a field of node.Config.
type field struct {
	name  string // as in the file
	index int
	help  string
}

var help = map[string]string{
	"name":              "the node's id; must stay the same over restarts (default: its peer address)",
	"cluster":           "name of the cluster (default dynomite)",
	"datacenter":        "datacenter of the node (default dc1)",
	"rack":              "rack of the node; each rack holds every key once (default rack1)",
	"listen":            "address for clients (default " + node.DefaultListen + ")",
	"peer_listen":       "address for peers and gossip (default " + node.DefaultPeerListen + ")",
	"admin_listen":      "address of the admin HTTP endpoint, or none (default " + node.DefaultAdminListen + ")",
	"advertise":         "address that peers reach peer-listen at, if another",
	"seeds":             "peer addresses of nodes to join, separated by commas",
	"expect":            "how many nodes form the first layout together",
	"replicas":          "how many racks of a datacenter hold a key (default 3)",
	"hash":              "hash function that places keys (default slot)",
	"hash_tag":          "two characters; what stands between them in a key is hashed alone (slot has {}, others none)",
	"distribution":      "how a rack's nodes divide the keys: random-slicing, vnode, ketama, modula, single or jump (default random-slicing)",
	"tokens":            "ranges of each node at first, or tokens to generate for it with vnode (default 16)",
	"given_tokens":      "tokens of this node with vnode, decimal or 0x-hexadecimal, separated by commas",
	"weight":            "share of this node beside the others of its rack, with random-slicing and ketama (default 1)",
	"data_dir":          "directory for the log; without one the data is in memory only",
	"appendfsync":       "when the log is synced: always, everysec or no (default everysec)",
	"hint_bytes":        "bytes of hints kept for one node that is away; beyond it is compared (default 256 MiB, 64 MiB without data-dir)",
	"hint_window":       "how long a hint is kept (default 3h)",
	"anti_entropy":      "how long it may be since anything was compared with each other owner (default 10m)",
	"floor_period":      "how often the owners of a key agree what of deleted ones may be forgotten (default 1m, longer in a large store)",
	"dead_bytes":        "bytes that deleted and expired keys may take before the node warns (default 256 MiB)",
	"read_consistency":  "level of reads: DC_ONE, DC_QUORUM or DC_EACH_SAFE_QUORUM (default DC_QUORUM)",
	"write_consistency": "level of writes: DC_ONE, DC_QUORUM or DC_EACH_SAFE_QUORUM (default DC_QUORUM)",
	"read":              "who answers reads at DC_ONE: primary or nearest (default primary)",
	"timeout":           "how long a command may take in all (default 2s)",
	"max_clients":       "client connections served at once (default 10000)",
	"idle_timeout":      "end client connections that were silent for so long (default 0: never)",
}

func fields() []field {
	t := reflect.TypeFor[node.Config]()
	var out []field
	for i := range t.NumField() {
		name := t.Field(i).Tag.Get("yaml")
		out = append(out, field{name: name, index: i, help: help[name]})
	}
	return out
}

func (f field) flag() string { return strings.ReplaceAll(f.name, "_", "-") }
func (f field) env() string  { return "DYNOMITED_" + strings.ToUpper(f.name) }

func (s *settings) register(flags *pflag.FlagSet) {
	s.flags = flags
	flags.StringVarP(&s.file, "conf-file", "c", "", "read settings from this YAML file")
	flags.BoolVarP(&s.test, "test-conf", "t", false, "check the settings and exit")
	flags.StringVar(&s.logLevel, "log-level", "info", "debug, info, warn or error")
	flags.BoolVar(&s.logJSON, "log-json", false, "log as JSON")
	for _, f := range fields() {
		flags.String(f.flag(), "", f.help)
	}
}

// load puts the settings together.
func (s *settings) load() (node.Config, error) {
	var cfg node.Config
	s.origins = map[string]string{}
	if s.file != "" {
		if err := s.loadFile(&cfg); err != nil {
			return cfg, usageError{err}
		}
	}
	var errs []error
	for _, f := range fields() {
		text, origin := "", ""
		if v, ok := os.LookupEnv(f.env()); ok {
			text, origin = v, f.env()
		}
		if fl := s.flags.Lookup(f.flag()); fl.Changed {
			text, origin = fl.Value.String(), "--"+f.flag()
		}
		if origin == "" {
			continue
		}
		if err := set(f.name, reflect.ValueOf(&cfg).Elem().Field(f.index), text); err != nil {
			errs = append(errs, fmt.Errorf("%s: %q: %w", origin, text, err))
		}
		s.origins[f.name] = origin
	}
	if err := errors.Join(errs...); err != nil {
		return cfg, usageError{err}
	}
	if err := cfg.Validate(); err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

// loadFile takes the settings of the file, each as if it were a flag, so that
// what is wrong is said in the same words, with the line.
func (s *settings) loadFile(cfg *node.Config) error {
	b, err := os.ReadFile(s.file)
	if err != nil {
		return err
	}
	dec := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil // nothing but comments
	} else if err != nil {
		return fmt.Errorf("%s: %w", s.file, err)
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: more than one document", s.file)
	}
	top := doc.Content[0]
	if top.Tag == "!!null" {
		return nil
	}
	if top.Kind != yaml.MappingNode {
		return fmt.Errorf("%s:%d: expected settings, such as \"rack: east\"", s.file, top.Line)
	}
	var errs []error
	for i := 0; i+1 < len(top.Content); i += 2 {
		if err := s.take(cfg, top.Content[i].Value, top.Content[i+1]); err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", s.file, top.Content[i].Line, err))
		}
	}
	return errors.Join(errs...)
}

// take sets one setting of the file.
func (s *settings) take(cfg *node.Config, name string, value *yaml.Node) error {
	i := slices.IndexFunc(fields(), func(f field) bool { return f.name == name })
	if i < 0 {
		return fmt.Errorf("there is no setting %s", name)
	}
	if s.origins[name] != "" {
		return fmt.Errorf("%s is given twice", name)
	}
	s.origins[name] = s.file
	if value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	to := reflect.ValueOf(cfg).Elem().Field(fields()[i].index)
	list := to.Kind() == reflect.Slice
	text := value.Value
	switch {
	case value.Tag == "!!null":
		return nil // "name:" leaves the default
	case value.Kind == yaml.ScalarNode:
	case value.Kind == yaml.SequenceNode && list:
		var parts []string
		for _, part := range value.Content {
			parts = append(parts, part.Value)
		}
		text = strings.Join(parts, ",")
	case list:
		return fmt.Errorf("%s: takes a list", name)
	default:
		return fmt.Errorf("%s: takes one value", name)
	}
	if err := set(name, to, text); err != nil {
		return fmt.Errorf("%s: %q: %w", name, text, err)
	}
	return nil
}

// set assigns a setting that is given. Zero is the default of every number, which
// for most of them is what a reader expects; who gives a node the weight 0 expects
// it to own nothing, and it would own a full share.
func set(name string, v reflect.Value, text string) error {
	if err := assign(v, text); err != nil {
		return err
	}
	if name == "weight" && v.Int() == 0 {
		return errors.New("want 1 or more: a node of a layout owns something")
	}
	return nil
}

func assign(v reflect.Value, text string) error {
	switch v.Interface().(type) {
	case string:
		v.SetString(text)
	case int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return errors.New("not a whole number")
		}
		v.SetInt(int64(n))
	case int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return errors.New("not a whole number")
		}
		v.SetInt(n)
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return errors.New("not a duration such as 500ms or 2s")
		}
		v.SetInt(int64(d))
	case []string:
		var list []string
		for _, part := range strings.Split(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				list = append(list, part)
			}
		}
		v.Set(reflect.ValueOf(list))
	default:
		return fmt.Errorf("a setting of type %s cannot be given here", v.Type())
	}
	return nil
}

func (s *settings) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(s.logLevel)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level: %q is none of debug, info, warn, error", s.logLevel)}
	}
	opts := &slog.HandlerOptions{Level: level}
	if s.logJSON {
		return slog.New(slog.NewJSONHandler(w, opts)), nil
	}
	return slog.New(slog.NewTextHandler(w, opts)), nil
}
