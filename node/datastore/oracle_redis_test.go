package datastore

import (
	"fmt"
	"slices"
	"strconv"
)

// oRedis is one key of a sequential Redis, as small as can be.
type oRedis struct {
	kind   Kind
	text   string
	fields map[string]string
	list   []string
	expAt  int64
}

func (s *oRedis) do(t int64, c oCommand) string {
	s.expire(t)
	if need, ok := oNeeds[c.op]; ok && s.kind != None && s.kind != need {
		return oWrongType
	}
	create := func(k Kind) {
		if s.kind == None {
			*s = oRedis{kind: k, fields: map[string]string{}}
		}
	}
	done := func(reply string) string {
		if s.kind == List && len(s.list) == 0 || (s.kind == Hash || s.kind == Set) && len(s.fields) == 0 {
			*s = oRedis{}
		}
		return reply
	}
	bit := map[bool]string{true: "1", false: "0"}
	switch c.op {
	case "SET":
		*s = oRedis{kind: String, text: c.val}
		return "OK"
	case "SETK":
		*s = oRedis{kind: String, text: c.val, expAt: s.expAt}
		return "OK"
	case "SETEX":
		if *s = (oRedis{kind: String, text: c.val, expAt: c.by}); c.by < t {
			*s = oRedis{}
		}
		return "OK"
	case "EDIT":
		create(String)
		s.text = c.val
		return "OK"
	case "STORE":
		*s = oRedis{kind: Hash, fields: map[string]string{c.key: c.val, "n": strconv.FormatInt(c.by, 10)}}
		return "OK"
	case "HMSET":
		create(Hash)
		for i := range c.by {
			s.fields[c.key+strconv.FormatInt(i, 10)] = c.val
		}
		return "OK"
	case "DEL":
		reply := bit[s.kind != None]
		*s = oRedis{}
		return reply
	case "FLUSH":
		*s = oRedis{}
		return "OK"
	case "EXPIREAT":
		if s.kind == None {
			return "0"
		}
		if s.expAt = c.by; c.by < t {
			*s = oRedis{}
		}
		return "1"
	case "PERSIST":
		if s.expAt == 0 {
			return "0"
		}
		s.expAt = 0
		return "1"
	case "INCRBY":
		create(String)
		if s.text == "" {
			s.text = "0"
		}
		if !oIsInt(s.text) {
			return "ERR"
		}
		s.text = strconv.FormatInt(oInt(s.text)+c.by, 10)
		return s.text
	case "HSET", "SADD":
		create(oNeeds[c.op])
		_, had := s.fields[c.key]
		s.fields[c.key] = c.val
		return bit[!had]
	case "HINCRBY":
		create(Hash)
		cur, ok := s.fields[c.key]
		if !ok {
			cur = "0"
		}
		if !oIsInt(cur) {
			return done("ERR")
		}
		s.fields[c.key] = strconv.FormatInt(oInt(cur)+c.by, 10)
		return s.fields[c.key]
	case "HDEL", "SREM":
		_, had := s.fields[c.key]
		delete(s.fields, c.key)
		return done(bit[had])
	case "RPUSH":
		create(List)
		s.list = append(s.list, c.key)
		return strconv.Itoa(len(s.list))
	case "LPUSH":
		create(List)
		s.list = slices.Insert(s.list, 0, c.key)
		return strconv.Itoa(len(s.list))
	case "LPOP", "RPOP":
		if len(s.list) == 0 {
			return "nil"
		}
		i := 0
		if c.op == "RPOP" {
			i = len(s.list) - 1
		}
		x := s.list[i]
		s.list = slices.Delete(s.list, i, i+1)
		return done(x)
	case "LSET":
		if c.by >= int64(len(s.list)) {
			return "ERR"
		}
		s.list[c.by] = c.val
		return "OK"
	case "LREM":
		n := len(s.list)
		s.list = slices.DeleteFunc(s.list, func(x string) bool { return x == c.key })
		return done(strconv.Itoa(n - len(s.list)))
	case "LTRIM":
		n := int64(len(s.list))
		from, to := c.by, c.last
		if from < 0 {
			from = max(from+n, 0)
		}
		if to < 0 {
			to += n
		} else {
			to = min(to, n-1)
		}
		if from > to {
			s.list = nil
		} else {
			s.list = s.list[from : to+1]
		}
		return done("OK")
	}
	panic(c.op)
}

func (s *oRedis) expire(t int64) {
	if s.expAt != 0 && t > s.expAt {
		*s = oRedis{}
	}
}

// view is in the words of oRec.view.
func (s oRedis) view(t int64) string {
	s.expire(t)
	var parts []string
	switch s.kind {
	case None:
		return "none"
	case String:
		parts = append(parts, fmt.Sprintf("%q=%q", "", s.text))
	case List:
		for _, x := range s.list {
			parts = append(parts, strconv.Quote(x))
		}
	default:
		for f, val := range s.fields {
			parts = append(parts, fmt.Sprintf("%q=%q", f, val))
		}
		slices.Sort(parts)
	}
	return fmt.Sprintf("%v %v %d", s.kind, parts, s.expAt)
}
