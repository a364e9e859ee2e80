package frontend

import (
	"strconv"
	"strings"

	"github.com/dynomite-go/dynomite/respserver"
)

// section is one part of INFO.
type section struct {
	name  string // as asked for
	title string
	// byDefault: also shown if no section is named.
	byDefault bool
	fields    func(*Frontend, *fields)
}

// sections are in the order that INFO shows them.
func sections() []section {
	return []section{
		{"server", "Server", true, (*Frontend).infoServer},
		{"clients", "Clients", true, (*Frontend).infoClients},
		{"memory", "Memory", true, (*Frontend).infoMemory},
		{"persistence", "Persistence", true, (*Frontend).infoPersistence},
		{"stats", "Stats", true, (*Frontend).infoStats},
		{"replication", "Replication", true, (*Frontend).infoReplication},
		{"cpu", "CPU", true, (*Frontend).infoCPU},
		{"modules", "Modules", true, func(*Frontend, *fields) {}},
		{"commandstats", "Commandstats", false, (*Frontend).infoCommandStats},
		{"errorstats", "Errorstats", true, (*Frontend).infoErrorStats},
		{"cluster", "Cluster", true, (*Frontend).infoCluster},
		{"dynomite", "Dynomite", true, (*Frontend).infoDynomite},
		{"keyspace", "Keyspace", true, (*Frontend).infoKeyspace},
	}
}

// info is INFO [section ...].
func info(s *Session, args [][]byte, out []byte) []byte {
	wanted := make(map[string]bool)
	for _, arg := range args[1:] {
		wanted[strings.ToLower(string(arg))] = true
	}
	return respserver.AppendVerbatim(out, s.Proto(), "txt", s.front.info(wanted))
}

// info writes the wanted sections; with none named, the default ones.
func (f *Frontend) info(wanted map[string]bool) string {
	all := wanted["all"] || wanted["everything"]
	byDefault := len(wanted) == 0 || wanted["default"]
	var b fields
	for _, s := range sections() {
		if !all && !wanted[s.name] && !(byDefault && s.byDefault) {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString("# " + s.title + "\r\n")
		s.fields(f, &b)
	}
	return b.String()
}

// Info is the text of INFO with the sections named, the default ones if none
// is.
func (f *Frontend) Info(sections ...string) string {
	wanted := make(map[string]bool)
	for _, s := range sections {
		wanted[strings.ToLower(s)] = true
	}
	return f.info(wanted)
}

// fields gathers lines.
type fields struct{ strings.Builder }

// text writes one line; line breaks in the value become spaces.
func (b *fields) text(name, value string) {
	b.WriteString(name)
	b.WriteByte(':')
	if strings.ContainsAny(value, "\r\n") {
		value = strings.NewReplacer("\r", " ", "\n", " ").Replace(value)
	}
	b.WriteString(value)
	b.WriteString("\r\n")
}

func (b *fields) int(name string, value int64) { b.text(name, strconv.FormatInt(value, 10)) }

func (b *fields) bool(name string, value bool) {
	if value {
		b.text(name, "1")
		return
	}
	b.text(name, "0")
}

func (b *fields) float(name string, value float64, digits int) {
	b.text(name, strconv.FormatFloat(value, 'f', digits, 64))
}

// bytes writes a size twice, the second time for people.
func (b *fields) bytes(name string, value int64) {
	b.int(name, value)
	b.text(name+"_human", human(value))
}

// human writes a size as Redis does: 979.09K.
func human(n int64) string {
	const units = "BKMGTP"
	f, unit := float64(n), 0
	for f >= 1024 && unit < len(units)-1 {
		f /= 1024
		unit++
	}
	if unit == 0 {
		return strconv.FormatInt(n, 10) + "B"
	}
	return strconv.FormatFloat(f, 'f', 2, 64) + units[unit:unit+1]
}
