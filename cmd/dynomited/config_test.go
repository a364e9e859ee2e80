//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// write puts text into a file of the test's own.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfig_WrongFile_IsRefusedNamingTheField(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"tokens: many", `node.yml:1: tokens: "many": not a whole number`},
		{"name: a\n\n# so long\ntimeout: fast", `node.yml:4: timeout: "fast": not a duration`},
		{"timeout: 5", `timeout: "5": not a duration`},
		{"lisen: 127.0.0.1:1", "node.yml:1: there is no setting lisen"},
		{"name: a\nname: b", "node.yml:2: name is given twice"},
		{"name: [a, b]", "node.yml:1: name: takes one value"},
		{"name: {a: b}", "node.yml:1: name: takes one value"},
		{"seeds: {a: b}", "node.yml:1: seeds: takes a list"},
		{"seeds: [127.0.0.1:1, nowhere]", `seeds: "nowhere" is no host:port address`},
		{"hash: sha", `hash: hashkit: no hash function "sha", there are slot, xxhash64,`},
		{"distribution: best", `distribution: there is no distribution "best", there are random-slicing, vnode, ketama, modula, single, jump`},
		{"hash_tag: '[]'", "hash_tag: the hash function slot has the tag {}"},
		{"given_tokens: [many]", `given_tokens: hashkit: token "many"`},
		{"distribution: jump\ngiven_tokens: [7]", "given_tokens: jump takes no tokens"},
		{"weight: 0", `weight: "0": want 1 or more`},
		{"weight: -2", "weight: -2 is not between 1 and 1000000"},
		{"distribution: modula\nweight: 2", "weight: modula takes no weights"},
		{"expect: 300", "expect: 300 is not between 1 and 255"},
		{"appendfsync: sometimes", `appendfsync: "sometimes" is not one of`},
		{"read_consistency: DC_SAFE_QUORUM", "read_consistency: DC_SAFE_QUORUM needs terms"},
		{"read: far", `read: "far" is neither primary nor nearest`},
		{"listen: 127.0.0.1:99999", `listen: "127.0.0.1:99999" has no port between 0 and 65535`},
		{"seeds: [127.0.0.1:1, 10.1.2.3:8101]", "seeds: 10.1.2.3:8101 can be reached from other machines"},
		{"peer_listen: 0.0.0.0:8101", "peer_listen: 0.0.0.0:8101 can be reached from other machines"},
		{"tokens: many\nexpect: few", `expect: "few"`}, // all at once
		{"- name", "node.yml:1: expected settings"},
		{"name: [", "node.yml: yaml:"},
		{"name: a\n---\nname: b", "node.yml: more than one document"},
	} {
		t.Run(c.text, func(t *testing.T) {
			file := write(t, "node.yml", c.text)
			for _, args := range [][]string{{"-c", file}, {"-t", "-c", file}, {"serve", "-c", file}, {"config", "check", "-c", file}} {
				stdout, stderr, code := execute(t, nil, binary, args...)
				if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) {
					t.Errorf("%v: exit code %d, printed %q, said\n%swant %s", args, code, stdout, stderr, c.want)
				}
			}
		})
	}
}

func TestConfig_RightFile_IsTaken(t *testing.T) {
	for _, text := range []string{
		"", "# nothing\n", "---\n", "name:\n", "weight:\n",
		"name: a\nseeds: [127.0.0.1:1, 127.0.0.1:2]\nexpect: 3\ntimeout: 1500ms\n",
		"seeds: 127.0.0.1:1,127.0.0.1:2\nexpect: 3\n",
		"rack: &r east\nname: *r\n",
		`{"name": "a", "tokens": 32}`,
		"hash: murmur\nhash_tag: '{}'\ngiven_tokens: [1383429731, 0x52756fe300000000]\n",
		"distribution: ketama\nweight: 3\n",
	} {
		file := write(t, "node.yml", text)
		for _, args := range [][]string{{"-t", "-c", file}, {"config", "check", "-c", file}} {
			if got := must(t, binary, args...); got != "configuration ok\n" {
				t.Errorf("%v of %q printed %q", args, text, got)
			}
		}
	}
}

func TestConfig_WrongCommandLine_IsRefused(t *testing.T) {
	for _, c := range []struct {
		args []string
		env  string
		want string
	}{
		{args: []string{"-c", "no/such/file"}, want: "no/such/file"},
		{args: []string{"--tokens", "many"}, want: `--tokens: "many": not a whole number`},
		{args: []string{"-t"}, env: "DYNOMITED_TOKENS=many", want: `DYNOMITED_TOKENS: "many": not a whole number`},
		{args: []string{"--weight", "0"}, want: `--weight: "0": want 1 or more`},
		{args: []string{"--log-level", "loud"}, want: `--log-level: "loud"`},
		{args: []string{"-t", "--log-level", "loud"}, want: `--log-level: "loud"`},
		{args: []string{"--nope"}, want: "unknown flag: --nope"},
		{args: []string{"nope"}, want: `unknown command "nope"`},
		{args: []string{"serve", "nope"}, want: `unknown command "nope"`},
		{args: []string{"status", "nope"}, want: `unknown command "nope"`},
		{args: []string{"config", "nope"}, want: `unknown command "nope"`},
		{args: []string{"version", "nope"}, want: `unknown command "nope"`},
		{args: []string{"remove"}, want: "remove takes the name of one node"},
		{args: []string{"ring", "-o", "xml"}, want: `"xml" is none of table, json and svg`},
		{args: []string{"dev", "--base-port", "60000"}, want: "--base-port"},
		{args: []string{"dev", "--base-port", "0", "--data-dir", "d"}, want: "--base-port"},
	} {
		stdout, stderr, code := execute(t, []string{c.env}, binary, c.args...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%v %v: exit code %d, printed %q, said\n%swant %s", c.env, c.args, code, stdout, stderr, c.want)
		}
	}
}

// shownSetting is what config show says of a setting.
func shownSetting(t *testing.T, text, name string) (value, origin string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			value, origin, _ = strings.Cut(rest, "#")
			return strings.TrimSpace(value), strings.TrimSpace(origin)
		}
	}
	t.Fatalf("no %s in\n%s", name, text)
	return "", ""
}

func TestConfigShow_FlagsBeatEnvironmentBeatsFileBeatsDefaults(t *testing.T) {
	file := write(t, "node.yml", "name: from-file\nrack: from-file\ndatacenter: from-file\nseeds: [127.0.0.1:1]\nexpect: 3\n")
	t.Setenv("DYNOMITED_RACK", "from-env")
	t.Setenv("DYNOMITED_DATACENTER", "from-env")
	t.Setenv("DYNOMITED_SEEDS", "127.0.0.1:2, 127.0.0.1:3")
	var b bytes.Buffer
	root := newRoot()
	root.SetOut(&b)
	root.SetArgs([]string{"config", "show", "-c", file, "--datacenter", "from-flag", "--timeout", "3s"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	for name, want := range map[string][2]string{
		"name":       {"from-file", file},
		"rack":       {"from-env", "DYNOMITED_RACK"},
		"datacenter": {"from-flag", "--datacenter"},
		"timeout":    {"3s", "--timeout"},
		"seeds":      {"[127.0.0.1:2 127.0.0.1:3]", "DYNOMITED_SEEDS"},
		"expect":     {"3", file},
		"tokens":     {"16", "default"},
		"listen":     {"127.0.0.1:8102", "default"},
	} {
		if value, origin := shownSetting(t, out, name); value != want[0] || origin != want[1] {
			t.Errorf("%s is %q from %q, want %q", name, value, origin, want)
		}
	}
	for _, f := range fields() {
		shownSetting(t, out, f.name)
		if f.help == "" || f.name == "" {
			t.Errorf("setting %q has no help", f.name)
		}
	}
}
