package placement

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/dynomite-go/dynomite/hashkit"
	"github.com/dynomite-go/dynomite/tokenring"
)

// The picture's measures, in pixels: they fit a screen of 1200, and 14 pixels
// hold a letter.
const (
	width      = 1200
	margin     = 24
	outer      = 210 // radius of the outermost rack
	inner      = 70  // radius of the hole
	maxBand    = 46  // how wide a rack's ring is at most
	line       = 20
	letterRoom = 14 // the shortest arc with its node's letter
	listLeft   = 2*(outer+margin) + 100
	head       = 64 // the title
	// maxNotes is up to how many arcs each has a text for the pointer. Beyond, with
	// thousands of them, nobody could point at one.
	maxNotes = 2000
)

// letters stand for the nodes of a rack, in the arcs and in the list.
const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

func letter(i int) string {
	if i < len(letters) {
		return letters[i : i+1]
	}
	return "*"
}

// SVG draws the layout as a picture: for each datacenter the token space as a
// circle, clockwise from 0 at the top, with a ring for each rack whose arcs are
// its nodes' ranges; beside it the nodes with their shares of the keys. It writes
// once, when all is drawn.
func (l *Layout) SVG(w io.Writer) error {
	d := drawing{ring: l.ring, shares: l.ring.Shares()}
	y := head
	for _, dc := range l.ring.Datacenters() {
		y = d.datacenter(dc, y)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" font-family="DejaVu Sans, Helvetica, Arial, sans-serif" font-size="13" fill="#222">`+"\n", width, y, width, y)
	fmt.Fprintf(&b, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", width, y)
	fmt.Fprintf(&b, `<text x="%d" y="36" font-size="20">%s</text>`+"\n", margin, escape("cluster "+l.layout.Cluster))
	fmt.Fprintf(&b, `<text x="%d" y="56" fill="#666">%s</text>`+"\n", margin,
		escape(fmt.Sprintf("epoch %d, hash %s, distribution %s", l.layout.Epoch, l.layout.Hash, l.layout.Distribution)))
	b.Write(d.b.Bytes())
	b.WriteString("</svg>\n")
	_, err := w.Write(b.Bytes())
	return err
}

type drawing struct {
	ring   *tokenring.Ring
	shares []tokenring.Share
	b      bytes.Buffer
}

// datacenter draws one below y, and gives where the next begins.
func (d *drawing) datacenter(dc string, y int) (next int) {
	racks := d.ring.Racks(dc)
	cx, cy := float64(margin+outer+40), float64(y+margin+outer+16)
	band := math.Min(maxBand, float64(outer-inner)/float64(len(racks)))
	arcs := 0
	for _, rack := range racks {
		arcs += len(d.ring.Ranges(tokenring.Place{Datacenter: dc, Rack: rack}))
	}
	fmt.Fprintf(&d.b, "<g text-anchor=\"middle\">\n")
	d.text(cx, cy-6, `font-size="15"`, short(dc, 14))
	d.text(cx, cy+14, `fill="#666"`, plural(len(racks), "rack"))
	d.text(cx, cy+31, `fill="#666"`, plural(d.ring.Replicas(dc), "copy"))
	for _, mark := range []struct {
		x, y float64
		text string
	}{{0, -1, "0"}, {1, 0, "1/4"}, {0, 1, "1/2"}, {-1, 0, "3/4"}} {
		fmt.Fprintf(&d.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#999"/>`+"\n",
			cx+mark.x*(outer+2), cy+mark.y*(outer+2), cx+mark.x*(outer+9), cy+mark.y*(outer+9))
		d.text(cx+mark.x*(outer+24), cy+mark.y*(outer+20)+5, `fill="#666"`, mark.text)
	}
	rows := y + margin
	for k, rack := range racks {
		ranges := d.ring.Ranges(tokenring.Place{Datacenter: dc, Rack: rack})
		first, end := d.rack(dc, rack)
		for _, r := range ranges {
			d.arc(cx, cy, outer-float64(k+1)*band+2, outer-float64(k)*band, r, r.Node-first, end-first, arcs <= maxNotes)
		}
		rows = d.list(rack, k, len(racks), first, end, ranges, rows)
	}
	d.b.WriteString("</g>\n")
	return max(int(cy)+outer+margin+16, rows) + margin
}

// rack gives the indexes of a rack's nodes: from first up to, but not including, end.
func (d *drawing) rack(dc, rack string) (first, end int) {
	first = -1
	for i, n := range d.ring.Nodes() {
		if n.Datacenter == dc && n.Rack == rack {
			if first < 0 {
				first = i
			}
			end = i + 1
		}
	}
	return first, end
}

// arc draws the range of the k-th of n nodes between two radii. An arc of half a
// circle and more is drawn as two: from its ends alone a whole one would be none.
func (d *drawing) arc(cx, cy, in, out float64, r tokenring.Range, k, n int, note bool) {
	from, to := angle(r.From), angle(r.To)
	if r.To == hashkit.MaxToken {
		to = 2 * math.Pi
	}
	at := func(radius, angle float64) string {
		return fmt.Sprintf("%.2f %.2f", cx+radius*math.Sin(angle), cy-radius*math.Cos(angle))
	}
	pieces := 1 + int((to-from)/3)
	fmt.Fprintf(&d.b, `<path d="`)
	for i := range pieces {
		a := from + (to-from)*float64(i)/float64(pieces)
		b := from + (to-from)*float64(i+1)/float64(pieces)
		fmt.Fprintf(&d.b, "M%s A%.2f %.2f 0 0 1 %s L%s A%.2f %.2f 0 0 0 %s Z", at(out, a), out, out, at(out, b), at(in, b), in, in, at(in, a))
	}
	fmt.Fprintf(&d.b, `" fill="%s"`, colour(k, n))
	if pieces == 1 && in*(to-from) > 4 { // or there would be little but stroke
		d.b.WriteString(` stroke="#fff" stroke-width="0.6"`)
	}
	if !note {
		d.b.WriteString("/>\n")
	} else {
		fmt.Fprintf(&d.b, "><title>%s</title></path>\n", escape(fmt.Sprintf("%s: %v to %v, %s of the rack",
			d.ring.Nodes()[r.Node].ID, r.From, r.To, percent((to-from)/(2*math.Pi)))))
	}
	if middle := (in + out) / 2; middle*(to-from) >= letterRoom && out-in >= letterRoom {
		a := (from + to) / 2
		d.text(cx+middle*math.Sin(a), cy-middle*math.Cos(a)+4, `font-size="11"`, letter(k))
	}
}

func angle(t hashkit.Token) float64 { return float64(t) / (1 << 64) * 2 * math.Pi }

// list writes the nodes of a rack below y, and gives where the next rack begins.
func (d *drawing) list(rack string, k, racks, first, end int, ranges []tokenring.Range, y int) (next int) {
	parts := make(map[int]int)
	for _, r := range ranges {
		parts[r.Node]++
	}
	where := fmt.Sprintf("ring %d", k+1)
	switch {
	case racks == 1:
		where = "the ring"
	case k == 0:
		where = "outermost ring"
	case k == racks-1:
		where = "innermost ring"
	}
	d.b.WriteString(`<g text-anchor="start">` + "\n")
	fmt.Fprintf(&d.b, `<text x="%d" y="%d"><tspan font-weight="bold">%s</tspan><tspan fill="#666">, %s</tspan></text>`+"\n",
		listLeft, y+line-6, escape(short(rack, 26)), where)
	d.b.WriteString("</g>\n" + `<g text-anchor="end" fill="#666">` + "\n")
	d.text(width-margin-130, float64(y+line-6), "", "holds")
	d.text(width-margin-60, float64(y+line-6), "", "leads")
	d.text(width-margin, float64(y+line-6), "", "ranges")
	d.b.WriteString("</g>\n")
	y += line
	for i := first; i < end; i++ {
		base := float64(y + line - 6)
		fmt.Fprintf(&d.b, `<rect x="%d" y="%d" width="15" height="15" rx="2" fill="%s"/>`+"\n", listLeft, y+2, colour(i-first, end-first))
		d.text(listLeft+7.5, base, `font-size="11"`, letter(i-first))
		name := d.ring.Nodes()[i].ID
		if weight := d.ring.Nodes()[i].Weight; weight > 1 {
			name = fmt.Sprintf("%s, weight %d", short(name, 34), weight)
		}
		d.text(listLeft+24, base, `text-anchor="start"`, short(name, 48))
		d.text(width-margin-130, base, `text-anchor="end"`, percent(d.shares[i].Owned))
		d.text(width-margin-60, base, `text-anchor="end"`, percent(d.shares[i].Primary))
		d.text(width-margin, base, `text-anchor="end"`, fmt.Sprint(parts[i]))
		y += line
	}
	return y + line/2
}

func (d *drawing) text(x, y float64, attributes, text string) {
	if attributes != "" {
		attributes = " " + attributes
	}
	fmt.Fprintf(&d.b, `<text x="%.1f" y="%.1f"%s>%s</text>`+"\n", x, y, attributes, escape(text))
}

func percent(part float64) string { return fmt.Sprintf("%.2f %%", 100*part) }

func plural(n int, what string) string {
	switch {
	case n == 1:
		return "1 " + what
	case strings.HasSuffix(what, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(what, "y"))
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// short cuts a name to so many characters, out of its middle: what tells names
// apart is mostly at one of the ends.
func short(name string, most int) string {
	if runes := []rune(name); len(runes) > most {
		return string(runes[:most/2]) + "…" + string(runes[len(runes)-(most-1)/2:])
	}
	return name
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}

// colour is that of the k-th of n nodes of a rack: hues around the circle, pale
// enough for black letters, and neighbours differ in brightness too.
func colour(k, n int) string {
	hue, light := float64(k)/float64(n), 0.72-0.10*float64(k%2)
	channel := func(shift float64) int {
		h := math.Mod(hue+shift, 1) * 6
		c := 0.0
		switch {
		case h < 1:
			c = h
		case h < 3:
			c = 1
		case h < 4:
			c = 4 - h
		}
		spread := 0.6 * (1 - math.Abs(2*light-1)) // saturation 0.6
		return int(255*(light+spread*(c-0.5)) + 0.5)
	}
	return fmt.Sprintf("#%02x%02x%02x", channel(1.0/3), channel(0), channel(2.0/3))
}
