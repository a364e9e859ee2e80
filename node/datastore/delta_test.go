package datastore

import (
	"math"
	"strconv"
	"testing"
)

// writes is an Updater made of a function.
type writes func(*View, *Delta)

func (f writes) Update(v *View, d *Delta) { f(v, d) }

// one is a replica of one node whose wall clock stands at now.
func one(t *testing.T, f form, now *int64) *holder {
	return newHolder(t, f, NewClock(1, func() int64 { return *now }))
}

func TestDelta_FieldWrittenTwice_OneAtom(t *testing.T) {
	f := []byte("f")
	for name, x := range map[string]struct {
		write func(*Delta)
		want  string // what f shows on top of 10 (7 of it a slot's)
	}{
		"put, put":      {func(d *Delta) { d.Put(Hash, f, []byte("1")); d.Put(Hash, f, []byte("2")) }, "2"},
		"put, remove":   {func(d *Delta) { d.Put(Hash, f, []byte("1")); d.Remove(Hash, f) }, ""},
		"remove, put":   {func(d *Delta) { d.Remove(Hash, f); d.Put(Hash, f, []byte("1")) }, "1"},
		"add, add":      {func(d *Delta) { d.Add(Hash, f, 1); d.Add(Hash, f, 2) }, "13"},
		"add, put":      {func(d *Delta) { d.Add(Hash, f, 1); d.Put(Hash, f, []byte("5")) }, "5"},
		"put, add":      {func(d *Delta) { d.Put(Hash, f, []byte("5")); d.Add(Hash, f, 4) }, "9"},
		"put text, add": {func(d *Delta) { d.Put(Hash, f, []byte("x")); d.Add(Hash, f, 4) }, "x"},
		"remove, add":   {func(d *Delta) { d.Remove(Hash, f); d.Add(Hash, f, 4) }, "4"},
		"clear, add":    {func(d *Delta) { d.Put(Hash, f, []byte("5")); d.Clear(); d.Add(Hash, f, 4) }, "4"},
		"put, clear":    {func(d *Delta) { d.Put(Hash, f, []byte("5")); d.Clear() }, ""},
		"delete, put":   {func(d *Delta) { d.Delete(); d.Put(Hash, f, []byte("5")) }, ""},
		"past, put":     {func(d *Delta) { d.ExpireAt(d.Now() - 1); d.Put(Hash, f, []byte("5")) }, ""},
	} {
		for _, form := range forms {
			now := int64(100)
			h := one(t, form, &now)
			h.update(writes(func(_ *View, d *Delta) { d.Put(Hash, f, []byte("3")) }))
			h.update(writes(func(_ *View, d *Delta) { d.Add(Hash, f, 7) }))
			up := h.update(writes(func(_ *View, d *Delta) {
				x.write(d)
				d.Put(Hash, []byte("a"), nil) // other fields around it
				d.Put(Hash, []byte("z"), nil)
			}))
			got, _ := h.view(now).Field(Hash, f)
			if string(got) != x.want {
				t.Errorf("%s, %v form: shows %q, want %q", name, form, got, x.want)
			}
			if err := h.e.check(up.Delta); err != nil {
				t.Errorf("%s, %v form: %v", name, form, err)
			}
		}
	}
}

func TestDelta_Expiry_AsRedis(t *testing.T) {
	at := func(v *View) int64 { ms, _ := v.Expiry(); return ms }
	for name, x := range map[string]struct {
		write func(*View, *Delta)
		want  int64 // on top of a string that expires at 200
	}{
		"SET":             {func(_ *View, d *Delta) { d.Overwrite(nil) }, 0},
		"SET EX":          {func(_ *View, d *Delta) { d.Overwrite(nil); d.ExpireAt(300) }, 300},
		"SET KEEPTTL":     {func(v *View, d *Delta) { d.Overwrite(nil); d.ExpireAt(at(v)) }, 200},
		"SET, no expiry":  {func(_ *View, d *Delta) { d.Overwrite(nil); d.Persist() }, 0},
		"APPEND":          {func(_ *View, d *Delta) { d.Put(String, nil, []byte("xy")) }, 200},
		"EXPIRE":          {func(_ *View, d *Delta) { d.ExpireAt(250) }, 250},
		"PERSIST":         {func(_ *View, d *Delta) { d.Persist() }, 0},
		"EXPIRE, PERSIST": {func(_ *View, d *Delta) { d.ExpireAt(250); d.Persist() }, 0},
		"PERSIST, EXPIRE": {func(_ *View, d *Delta) { d.Persist(); d.ExpireAt(250) }, 250},
		"at this moment":  {func(_ *View, d *Delta) { d.ExpireAt(d.Now()) }, 100},
	} {
		for _, form := range forms {
			now := int64(100)
			h := one(t, form, &now)
			h.update(writes(func(_ *View, d *Delta) { d.Overwrite([]byte("x")); d.ExpireAt(200) }))
			h.update(writes(x.write))
			if got := at(h.view(now)); got != x.want || h.view(now).Kind() != String {
				t.Errorf("%s, %v form: expires at %d, want %d", name, form, got, x.want)
			}
			if x.want != 0 && (h.view(x.want).Kind() != String || h.view(x.want+1).Kind() != None) {
				t.Errorf("%s, %v form: does not end after %d", name, form, x.want)
			}
		}
	}
}

func TestDelta_KeepsNothingOfItsArguments(t *testing.T) {
	now := int64(100)
	h := one(t, smallForm, &now)
	field, value := []byte("field"), []byte("value")
	h.update(writes(func(_ *View, d *Delta) {
		if !d.Empty() || d.Now() != 100 || d.Stamp() != At(100, 0, 1) {
			t.Errorf("begins at %v, empty %v", d.Stamp(), d.Empty())
		}
		for i := range 50 { // more than the buffer's first size
			d.Put(Hash, append(field, byte('0'+i)), value)
			if d.Empty() {
				t.Error("empty after a Put")
			}
		}
		copy(field, "XXXXX")
		copy(value, "XXXXX")
	}))
	v := h.view(now)
	if v.Len(Hash) != 50 {
		t.Fatalf("%d fields", v.Len(Hash))
	}
	v.Each(Hash, func(f, val []byte) bool {
		if string(f[:5]) != "field" || string(val) != "value" {
			t.Errorf("%s = %s", f, val)
		}
		return true
	})
}

func TestDelta_Nothing_WritesNothing(t *testing.T) {
	for _, form := range forms {
		now := int64(100)
		h := one(t, form, &now)
		up := h.update(writes(func(*View, *Delta) {}))
		if up.Wrote || len(up.Delta) > 0 || up.Before != 0 || up.Stamp != At(100, 0, 1) || len(h.encoded()) > 0 {
			t.Errorf("%v form: %+v", form, up)
		}
	}
}

func TestDelta_KindWithoutFields_Panics(t *testing.T) {
	for _, k := range []Kind{None, List, 9} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Put of kind %v does not panic", k)
				}
			}()
			new(Delta).Put(k, nil, nil)
		}()
	}
}

func TestDelta_Counters_Saturate(t *testing.T) {
	for _, form := range forms {
		now := int64(100)
		h := one(t, form, &now)
		add := func(by int64) {
			h.update(writes(func(_ *View, d *Delta) { d.Add(String, nil, by) }))
		}
		text := func() string { b, _ := h.view(now).Text(); return string(b) }
		add(math.MaxInt64)
		add(1)
		if text() != strconv.FormatInt(math.MaxInt64, 10) {
			t.Errorf("%v form: a slot shows %s", form, text())
		}
		h.update(writes(func(_ *View, d *Delta) { d.Put(String, nil, []byte("-5")) }))
		add(math.MinInt64)
		if text() != strconv.FormatInt(math.MinInt64, 10) {
			t.Errorf("%v form: register and slot show %s", form, text())
		}
		add(math.MaxInt64)
		if text() != "-6" {
			t.Errorf("%v form: coming back shows %s", form, text())
		}
	}
}
