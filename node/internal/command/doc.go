// Package command is the table of commands and the execution of those that
// work on one key.
package command
