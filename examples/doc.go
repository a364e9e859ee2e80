// Package examples is a module of programs that use the others. Each folder
// holds one; the README of the repository shows them as they are here.
//
//	embed   a Redis-compatible node inside another program
package examples
