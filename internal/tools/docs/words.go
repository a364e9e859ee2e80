package main

import (
	"strings"
	"unicode"
)

// filler are words that add nothing to a name.
var filler = map[string]bool{
	"a": true, "an": true, "and": true, "are": true, "be": true, "by": true, "for": true,
	"in": true, "is": true, "it": true, "its": true, "of": true, "on": true, "or": true,
	"represents": true, "return": true, "returns": true, "the": true, "this": true, "to": true,
	"type": true, "value": true, "with": true, "get": true, "gets": true, "set": true, "sets": true,
}

// adds reports whether the comment says anything that the name does not: a
// word that is neither filler nor part of the name.
func adds(name, comment string) bool {
	own := map[string]bool{}
	for _, w := range split(name) {
		own[stem(w)] = true
	}
	own[stem(strings.ToLower(name))] = true
	for _, w := range split(comment) {
		if !filler[w] && !own[stem(w)] {
			return true
		}
	}
	return false
}

// split returns the lower-cased words of a text or of a name in camel case.
func split(text string) []string {
	var words []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			words = append(words, strings.ToLower(string(word)))
			word = word[:0]
		}
	}
	runes := []rune(text)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case unicode.IsUpper(r) && i > 0 && unicode.IsLower(runes[i-1]):
			flush()
		case unicode.IsUpper(r) && i > 0 && i+1 < len(runes) && unicode.IsUpper(runes[i-1]) && unicode.IsLower(runes[i+1]):
			flush() // the last capital of an abbreviation begins a word: "TTLSeconds"
		}
		word = append(word, r)
	}
	flush()
	return words
}

// stem cuts a plural's or a verb's ending, so that "tokens" adds nothing to
// "Token".
func stem(w string) string {
	for _, end := range []string{"ing", "es", "ed", "s"} {
		if cut, ok := strings.CutSuffix(w, end); ok && len(cut) > 2 {
			return cut
		}
	}
	return w
}
