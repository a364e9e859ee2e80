package node

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/dynomite-go/dynomite/hashkit"
)

// repairLine is a line of the answer to POST /repair: a step, or the end.
type repairLine struct {
	RepairProgress
	// Error is why the peer, or in the last line the whole, failed.
	Error string `json:",omitempty"`
	// End is true in the last line.
	End bool `json:",omitempty"`
}

// repair runs Repair and writes its progress as it goes.
func (a *adminServer) repair(w http.ResponseWriter, r *http.Request) {
	from, to := uint64(0), uint64(math.MaxUint64)
	for name, v := range map[string]*uint64{"from": &from, "to": &to} {
		text := r.FormValue(name)
		if text == "" {
			continue
		}
		token, err := hashkit.ParseToken(text)
		if err != nil {
			http.Error(w, fmt.Sprintf("%s: %v", name, err), http.StatusBadRequest)
			return
		}
		*v = uint64(token)
	}
	if from > to {
		http.Error(w, fmt.Sprintf("from %#x is above to %#x", from, to), http.StatusBadRequest)
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetWriteDeadline(time.Time{}) // it takes as long as it takes
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	say := func(line repairLine) {
		if line.Err != nil {
			line.Error, line.Err = line.Err.Error(), nil
		}
		_ = out.Encode(line)
		_ = control.Flush()
	}
	err := a.n.Repair(r.Context(), from, to, func(p RepairProgress) { say(repairLine{RepairProgress: p}) })
	say(repairLine{RepairProgress: RepairProgress{Err: err}, End: true})
}
