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

type errText string

func (e errText) Error() string { return string(e) }

// appendShortfall appends the error reply of an operation that its owners
// cannot meet: what it needs, who answered, who did not and why, and whether
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
	var missing []string
	for p, n := range o.owners[:o.nowners] {
		m := cl.Members[n]
		switch answer := o.tally.Answer(p); {
		case answer == quorum.Won:
		case !m.Reachable():
			missing = append(missing, fmt.Sprintf("%s does not answer", m))
		case !m.Complete() && (o.looked || !o.wrote):
			missing = append(missing, fmt.Sprintf("%s is catching up", m))
		case answer == quorum.Failed || o.spent.has(p):
			missing = append(missing, fmt.Sprintf("%s failed", m))
		}
	}
	if o.wrote || o.looked {
		fmt.Fprintf(&s, ", %d answered", o.tally.Count(quorum.Won))
	}
	if len(missing) > 0 {
		s.WriteString("; " + strings.Join(missing, ", "))
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
	sep := ": "
	for _, n := range o.owners[:o.nowners] {
		if int(n) == o.executor {
			continue
		}
		m := cl.Members[n]
		s.WriteString(sep + m.String())
		sep = ", "
		if !m.Reachable() {
			s.WriteString(" does not answer")
		}
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
