package coordinator

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dynomite-go/dynomite/node/datastore"
)

// modelKinds are the kinds that commands insist on.
var modelKinds = map[string]datastore.Kind{
	"get": datastore.String, "getdel": datastore.String, "getset": datastore.String, "strlen": datastore.String,
	"append": datastore.String, "incrby": datastore.String,
	"hset": datastore.Hash, "hsetnx": datastore.Hash, "hdel": datastore.Hash, "hincrby": datastore.Hash,
	"hget": datastore.Hash, "hlen": datastore.Hash, "hexists": datastore.Hash, "hmset": datastore.Hash,
	"getrange": datastore.String, "setrange": datastore.String, "getex": datastore.String,
}

func respInt(n int64) string { return fmt.Sprintf(":%d\r\n", n) }

func respBulk(s string, ok bool) string {
	if !ok {
		return "$-1\r\n"
	}
	return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s)
}

func respBool(b bool) string {
	if b {
		return respInt(1)
	}
	return respInt(0)
}

// modelExecute runs a command at time t on raw; a command that writes runs at v.
// d is nil if it writes nothing; force makes DEL write also if nothing is seen.
// Of an error only the first word is replied.
func modelExecute(raw *modelRecord, v datastore.Version, t int64, force bool, args []string) (reply string, d *modelRecord) {
	r, me := raw.at(t), v.Node
	kind, hidden := r.kind()
	d = newModelRecord()
	name := strings.ToLower(args[0])
	if need, ok := modelKinds[name]; ok && kind != datastore.None && kind != need {
		return "-WRONGTYPE", nil
	}
	str := modelField{kind: datastore.String}
	text, exists := r.shown(datastore.String, "")
	put := func(f modelField, s string) { d.reg[f] = modelReg{v: v, val: s} }
	overwrite := func(s string) {
		put(str, s)
		d.reset = v.Pred()
	}
	// What writes to a missing key says that it has no expiry.
	creating := func() {
		if kind == datastore.None {
			d.exp = v
		}
	}
	expire := func(at int64, gone bool) {
		if gone {
			d.reset = v
			clear(d.reg)
			return
		}
		d.exp, d.expAt = v, at
	}
	add := func(f modelField, by int64) string {
		cur, ok := r.shown(f.kind, f.field)
		n, isInt := integer(cur)
		if ok && !isInt {
			return "-ERR"
		}
		s := modelSlot{v: v, born: v, sum: by}
		if own, ok := r.slot[modelSlotKey{f, me}]; ok {
			s.born, s.sum = own.born, own.sum+by
		}
		d.slot[modelSlotKey{f, me}] = s
		creating()
		return respInt(n + by)
	}
	num := func(i int) int64 {
		n, _ := strconv.ParseInt(args[i], 10, 64)
		return n
	}
	switch name {
	case "get":
		return respBulk(text, exists), nil
	case "strlen":
		if !exists {
			text = ""
		}
		return respInt(int64(len(text))), nil
	case "exists":
		return respBool(kind != datastore.None), nil
	case "type":
		return "+" + strings.ToLower(kind.String()) + "\r\n", nil
	case "pexpiretime":
		switch {
		case kind == datastore.None:
			return respInt(-2), nil
		case r.expAt == 0:
			return respInt(-1), nil
		}
		return respInt(r.expAt), nil
	case "hget":
		return respBulk(r.shown(datastore.Hash, args[2])), nil
	case "hlen":
		return respInt(int64(r.size(datastore.Hash))), nil
	case "hexists":
		_, ok := r.shown(datastore.Hash, args[2])
		return respBool(ok), nil
	case "pttl":
		switch {
		case kind == datastore.None:
			return respInt(-2), nil
		case r.expAt == 0:
			return respInt(-1), nil
		}
		return respInt(r.expAt - t), nil
	case "getrange": // of 0 to a great number
		if !exists {
			text = ""
		}
		return respBulk(text, true), nil
	case "mset":
		reply = "+OK\r\n"
		overwrite(args[2])
	case "psetex":
		reply = "+OK\r\n"
		overwrite(args[3])
		expire(t+num(2), false)
	case "set":
		options := map[string]int64{}
		for i := 3; i < len(args); i++ {
			name := strings.ToLower(args[i])
			if options[name] = 0; strings.HasPrefix(name, "px") {
				i++
				options[name] = num(i)
			}
		}
		has := func(name string) bool { _, ok := options[name]; return ok }
		if reply = "+OK\r\n"; has("get") {
			if kind != datastore.None && kind != datastore.String {
				return "-WRONGTYPE", nil
			}
			reply = respBulk(text, exists)
		}
		if has("nx") && kind != datastore.None || has("xx") && kind == datastore.None {
			if !has("get") {
				reply = respBulk("", false)
			}
			return reply, nil
		}
		overwrite(args[2])
		switch {
		case has("px"):
			expire(t+options["px"], false)
		case has("pxat"):
			expire(options["pxat"], options["pxat"] < t)
		case has("keepttl") && kind != datastore.None && r.expAt != 0:
			expire(r.expAt, false)
		}
	case "setnx":
		if kind != datastore.None {
			return respInt(0), nil
		}
		overwrite(args[2])
		reply = respInt(1)
	case "getset":
		overwrite(args[2])
		reply = respBulk(text, exists)
	case "getdel":
		if !exists {
			return respBulk("", false), nil
		}
		d.reset = v
		reply = respBulk(text, true)
	case "getex":
		if reply = respBulk(text, exists); !exists {
			return reply, nil
		}
		switch strings.ToLower(args[2]) {
		case "px":
			expire(t+num(3), false)
		case "pxat":
			expire(num(3), num(3) <= t)
		case "persist":
			if r.expAt == 0 {
				return reply, nil
			}
			d.exp = v
		}
	case "append":
		if !exists {
			text = ""
		}
		reply = respInt(int64(len(text) + len(args[2])))
		if exists && args[2] == "" {
			return reply, nil
		}
		put(str, text+args[2])
		creating()
	case "setrange":
		if !exists {
			text = ""
		}
		at, b := int(num(2)), []byte(text)
		for len(b) < at+len(args[3]) {
			b = append(b, 0)
		}
		copy(b[at:], args[3])
		put(str, string(b))
		creating()
		reply = respInt(int64(len(b)))
	case "incrby":
		if reply = add(str, num(2)); reply[0] == '-' {
			return reply, nil
		}
	case "del", "unlink":
		if reply = respBool(kind != datastore.None); kind == datastore.None && !force {
			return reply, nil
		}
		d.reset = v
	case "pexpire", "pexpireat":
		at := num(2)
		if name == "pexpire" {
			at += t
		}
		if kind == datastore.None {
			return respInt(0), nil
		}
		expire(at, at <= t)
		reply = respInt(1)
	case "persist":
		if kind == datastore.None || r.expAt == 0 {
			return respInt(0), nil
		}
		d.exp = v
		reply = respInt(1)
	case "hset", "hmset":
		n := int64(0)
		for i := 2; i+1 < len(args); i += 2 {
			f := modelField{datastore.Hash, args[i]}
			_, ok := r.shown(datastore.Hash, args[i])
			if _, again := d.reg[f]; !ok && !again {
				n++
			}
			put(f, args[i+1])
		}
		creating()
		if reply = respInt(n); name == "hmset" {
			reply = "+OK\r\n"
		}
	case "hsetnx":
		if _, ok := r.shown(datastore.Hash, args[2]); ok {
			return respInt(0), nil
		}
		put(modelField{datastore.Hash, args[2]}, args[3])
		creating()
		reply = respInt(1)
	case "hincrby":
		if reply = add(modelField{datastore.Hash, args[2]}, num(3)); reply[0] == '-' {
			return reply, nil
		}
	case "hdel":
		n := int64(0)
		for _, f := range args[2:] {
			if _, ok := r.shown(datastore.Hash, f); ok {
				d.reg[modelField{datastore.Hash, f}] = modelReg{v: v, tomb: true}
				n++
			}
		}
		if reply = respInt(n); n == 0 {
			return reply, nil
		}
	default:
		panic(name)
	}
	// A write makes permanent what it saw as gone or hidden.
	if raw.expAt != 0 && t > raw.expAt {
		d.reset = greatest(d.reset, datastore.End(raw.expAt))
	}
	for k, born := range hidden {
		d.kreset[k], d.ks[k] = born, v
	}
	if !d.reset.IsZero() {
		d.rs = v
	}
	return reply, d.drop()
}
