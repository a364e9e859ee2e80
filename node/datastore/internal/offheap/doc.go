// Package offheap hands out large pieces of memory that the garbage collector
// neither scans nor counts, so that a store of many gigabytes costs it nothing.
//
// On unix the memory is anonymous, private and zero, and a page of it becomes
// resident only when it is first touched: mapping more than is needed is free.
// Elsewhere, and in builds with the race detector (which sees no memory but
// Go's own), it is a plain []byte: slower to collect, otherwise the same.
//
// The memory holds no Go pointers: the collector would not see them.
package offheap
