// Package datastoretest is the conformance suite of [datastore.Store]: what a
// store must do so that a node can stand on it.
//
//	func TestMyStore(t *testing.T) {
//		datastoretest.Run(t, func(t *testing.T, s datastoretest.Setup) datastore.Store {
//			return mystore.Open(s.Clock, s.Token, s.DigestKey)
//		})
//	}
//
// The suite brings its own wall clock, so that it can let time pass, and its
// own tokens, so that some keys have equal ones. It looks at stores only through the interface. What it does not
// test: what survives a crash, and how fast anything is.
package datastoretest
