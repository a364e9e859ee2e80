package frontend

import "github.com/dynomite-go/dynomite/respserver"

const (
	errTrackingMode = "ERR CLIENT TRACKING ON is accepted with OPTIN only: this server sends no invalidation messages"
	errCachingYes   = "ERR CLIENT CACHING YES is not supported: this server sends no invalidation messages"
	errCachedNext   = "ERR not executed: CLIENT CACHING YES, sent before it, is not supported"
	errNotTracking  = "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled"
)

// clientTracking accepts OPTIN, in which no key is tracked until the client
// asks for one, and that is refused. So clients that insist on tracking at
// connect can connect, and never wait for a message in vain. Everything else
// would be a promise.
func clientTracking(s *Session, args [][]byte, out []byte) []byte {
	on, ok := onOff(args[2])
	var optIn, optOut, other bool
	for i := 3; i < len(args); i++ {
		switch option := args[i]; {
		case equalFold(option, "optin"):
			optIn = true
		case equalFold(option, "optout"):
			optOut = true
		case equalFold(option, "noloop"):
		case equalFold(option, "bcast"):
			other = true
		case equalFold(option, "redirect") && i+1 < len(args):
			if _, ok := parseInt(args[i+1]); !ok {
				return appendError(out, errNotInteger)
			}
			other = true
			i++
		case equalFold(option, "prefix") && i+1 < len(args):
			other = true
			i++
		default:
			return appendError(out, errSyntax)
		}
	}
	switch {
	case !ok:
		return appendError(out, errSyntax)
	case !on:
	case optIn && optOut:
		return appendError(out, "ERR You can't specify both OPTIN mode and OPTOUT mode")
	case !optIn || other:
		return appendError(out, errTrackingMode)
	}
	s.shown.set(flagTracking, on)
	return respserver.AppendOK(out)
}

// clientCaching refuses YES, and with it the command that follows: a client
// that sends both at once (rueidis does) looks at the second reply only, and
// would cache it for good.
func clientCaching(s *Session, args [][]byte, out []byte) []byte {
	if !s.shown.has(flagTracking) {
		return appendError(out, errNotTracking)
	}
	yes, ok := yesNo(args[2])
	switch {
	case !ok:
		return appendError(out, errSyntax)
	case yes:
		s.refuseNext = true
		return appendError(out, errCachingYes)
	}
	return respserver.AppendOK(out)
}

func clientTrackingInfo(s *Session, _ [][]byte, out []byte) []byte {
	proto := s.Proto()
	out = respserver.AppendMap(out, proto, 3)
	out = respserver.AppendBulkString(out, "flags")
	if s.shown.has(flagTracking) {
		out = respserver.AppendSet(out, proto, 2)
		out = respserver.AppendBulkString(out, "on")
		out = respserver.AppendBulkString(out, "optin")
	} else {
		out = respserver.AppendSet(out, proto, 1)
		out = respserver.AppendBulkString(out, "off")
	}
	out = respserver.AppendBulkString(out, "redirect")
	out = clientGetRedir(s, nil, out)
	out = respserver.AppendBulkString(out, "prefixes")
	return respserver.AppendArray(out, 0)
}

// clientGetRedir is 0 for tracking without redirection and -1 for none.
func clientGetRedir(s *Session, _ [][]byte, out []byte) []byte {
	if s.shown.has(flagTracking) {
		return respserver.AppendInt(out, 0)
	}
	return respserver.AppendInt(out, -1)
}
