package coordinator

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dynomite-go/dynomite/quorum"
)

// nothingWritten ends the reply to a write that was refused.
const nothingWritten = "; nothing was written"

// mostNamed bounds the owners that one list of an error's text names: it is read
// by people, and a level over several datacenters may count up to maxOwners.
const mostNamed = 8

// enumerate is the names as a list, which tells how many it leaves out.
func enumerate(names []string) string {
	text := strings.Join(names[:min(len(names), mostNamed)], ", ")
	if more := len(names) - mostNamed; more > 0 {
		text += " and " + strconv.Itoa(more) + " more"
	}
	return text
}

type errText string

func (e errText) Error() string { return string(e) }

// appendShortfall appends the error reply of an operation that its owners
// cannot meet: what it needs, who answered, who did not (for what reason, or
// without a word), and whether
// it may have been applied.
func (c *Coordinator) appendShortfall(dst []byte, cl *Cluster, o *op) []byte {
	code := "NOQUORUM "
	if o.applied {
		code = "TIMEOUT "
		c.count.unknown.Add(1)
	} else {
		c.count.refused.Add(1)
	}
	var s strings.Builder
	s.WriteString(code)
	s.WriteString(o.level.String())
	s.WriteString(" needs " + strconv.Itoa(o.rule.total) + " of " + strconv.Itoa(o.nowners) + " owners")
	asked := o.wrote || o.looked
	var answered, missing []string
	for p, n := range o.owners[:o.nowners] {
		m := cl.Members[n]
		switch answer := o.tally.Answer(p); {
		case answer == quorum.Won:
			answered = append(answered, m.String())
		case !m.Reachable():
			missing = append(missing, fmt.Sprintf("%s does not answer", m))
		case !m.Complete() && (o.looked || !o.wrote):
			missing = append(missing, fmt.Sprintf("%s is catching up", m))
		case answer == quorum.Failed || o.spent.has(p):
			missing = append(missing, fmt.Sprintf("%s failed", m))
		case answer == quorum.Lost:
			missing = append(missing, fmt.Sprintf("%s holds something else", m))
		case asked && o.asked.has(p):
			missing = append(missing, fmt.Sprintf("%s was asked and is silent", m))
		}
	}
	if asked {
		fmt.Fprintf(&s, ", %d answered", len(answered))
		if len(answered) > 0 {
			s.WriteString(": " + enumerate(answered))
		}
	}
	if len(missing) > 0 {
		s.WriteString("; " + enumerate(missing))
	}
	if o.err != nil {
		s.WriteString("; last: " + o.err.Error())
	}
	if o.applied {
		s.WriteString("; the write may have been applied")
	} else if o.spec != nil && o.spec.Write() {
		s.WriteString(nothingWritten)
	}
	return appendErrorReply(dst, s.String())
}

// admitParts looks at the reply of a command on several keys, which begins at
// from: if one key was refused, that does not mean that none was written.
func admitParts(out []byte, from int, parts [][]byte) []byte {
	text, refused := bytes.CutSuffix(out[from:], []byte(nothingWritten+"\r\n"))
	if !refused || !slices.ContainsFunc(parts, func(p []byte) bool { return !bytes.HasPrefix(p, []byte("-NOQUORUM ")) }) {
		return out
	}
	_, text, _ = bytes.Cut(text, []byte(" "))
	return appendErrorReply(out[:from], "TIMEOUT "+string(text)+"; other keys of the command may have been written")
}

// appendUnknown appends the reply for a write whose executor took it and did not
// answer. What the other owners answered the executor alone knew; so it is said
// who they are, and who of them can be reached and would tell.
func appendUnknown(dst []byte, cl *Cluster, o *op, err error) []byte {
	var s strings.Builder
	fmt.Fprintf(&s, "TIMEOUT node %s took the write and did not answer (%v); it may have been applied; of the other owners it is not known", cl.Members[o.executor].ID, err)
	var others []string
	for _, n := range o.owners[:o.nowners] {
		if int(n) == o.executor {
			continue
		}
		m := cl.Members[n]
		name := m.String()
		if !m.Reachable() {
			name += " does not answer"
		}
		others = append(others, name)
	}
	if len(others) > 0 {
		s.WriteString(": " + enumerate(others))
	}
	return appendErrorReply(dst, s.String())
}

func appendErrorReply(dst []byte, text string) []byte {
	dst = append(dst, '-')
	for i := range len(text) {
		if text[i] == '\r' || text[i] == '\n' {
			dst = append(dst, ' ')
			continue
		}
		dst = append(dst, text[i])
	}
	return append(dst, '\r', '\n')
}

// refused says whether it is clear before anything is done that the level of
// o cannot be met.
func (b *batch) refused(o *op) bool {
	if !o.replicated() {
		return false
	}
	for dc, s := range o.rule.spans {
		able := 0
		for _, n := range o.owners[s.from:s.to] {
			if m := b.cl.Members[n]; m.Complete() || o.spec.Write() && m.Reachable() {
				able++
			}
		}
		if able < o.rule.Need(dc) {
			return true
		}
	}
	return false
}

// appendStoreError appends the reply for a store that could not serve.
func appendStoreError(dst []byte, err error) []byte {
	return appendErrorReply(dst, "MISCONF the store cannot serve: "+err.Error())
}
