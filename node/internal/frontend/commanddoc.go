package frontend

import "github.com/dynomite-go/dynomite/node/internal/command"

// commandHelp are Redis's sentences.
var commandHelp = []string{
	"(no subcommand)",
	"    Return details about all Redis commands.",
	"COUNT",
	"    Return the total number of commands in this Redis server.",
	"LIST",
	"    Return a list of all commands in this Redis server.",
	"INFO [<command-name> ...]",
	"    Return details about multiple Redis commands.",
	"    If no command names are given, documentation details for all",
	"    commands are returned.",
	"DOCS [<command-name> ...]",
	"    Return documentation details about multiple Redis commands.",
	"    If no command names are given, documentation details for all",
	"    commands are returned.",
	"GETKEYS <full-command>",
	"    Return the keys from a full Redis command.",
	"GETKEYSANDFLAGS <full-command>",
	"    Return the keys and the access flags from a full Redis command.",
}

func commandAll(s *Session, _ [][]byte, out []byte) []byte {
	return command.AppendCommands(out, s.Proto())
}

func commandCount(_ *Session, _ [][]byte, out []byte) []byte { return command.AppendCount(out) }

func commandList(_ *Session, args [][]byte, out []byte) []byte {
	return command.AppendList(out, args[2:])
}

func commandInfo(s *Session, args [][]byte, out []byte) []byte {
	return command.AppendInfos(out, s.Proto(), args[2:])
}

func commandDocs(s *Session, args [][]byte, out []byte) []byte {
	return command.AppendDocs(out, s.Proto(), args[2:])
}

func commandKeys(_ *Session, args [][]byte, out []byte) []byte {
	return command.AppendKeys(out, args[2:])
}

func commandKeysAndFlags(s *Session, args [][]byte, out []byte) []byte {
	return command.AppendKeysAndFlags(out, s.Proto(), args[2:])
}
