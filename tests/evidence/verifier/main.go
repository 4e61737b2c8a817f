// A second verifier of closure certificates, which shares no code and no library with the first one.
// It checks form, digests, signatures, places, inclusion, and that as many systems stand there as had to
// answer. The closing rule, and the plan from a registry, stay the first one's. `verifier CERTIFICATE KEYS`
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type object = map[string]any

var (
	rights  = strings.Fields("- access deletion correction opt_out restriction objection portability")
	answers = strings.Fields("- received in_progress erased delivered not_found exempt partially_exempt failed unresolvable stopped too_late corrected already_right informed absent present heeded refused restricted")
	escapes = strings.NewReplacer(`\\`, `\\`, `\u2028`, "\u2028", `\u2029`, "\u2029", `\u003c`, "<", `\u003e`, ">", `\u0026`, "&")
)

func main() {
	defer func() {
		if part := recover(); part != nil { // a check that does not hold, or a field of another kind
			fmt.Println("refused:", part)
			os.Exit(1)
		}
	}()
	data, file := read(os.Args[1])
	_, keys := read(os.Args[2])
	need(data == canonical(file)+"\n", "file")
	entry, statement := file["log"].(object), file["statement"].(object)
	leaf, shown, owing := entry["leaf"].(object), file["answers"].([]any), statement["obligations"].([]any)
	need(len(file) == 5 && len(entry) == 4 && canonical([]any{file["v"], leaf["v"]}) == "[1,1]", "file")
	need(leaf["kind"] == "closure" && leaf["digest"] == sum(canonical(statement)), "statement")
	need(leaf["at"] == statement["closed_at"], "statement.closed_at")
	need(number(statement["expected"]) == int64(len(owing)), "statement.obligations")
	tree, hash := opened(entry["checkpoint"].(string), keys), tlog.RecordHash([]byte(canonical(leaf)))
	need(tlog.CheckRecord(hashes(entry["proof"]), tree.N, tree.Hash, number(entry["index"]), hash) == nil, "log")
	for _, each := range owing {
		owed := each.(object)
		need(len(of(owing, "system_id", owed["system_id"])) == 1, "statement.obligations")
		for _, named := range owed["answers"].([]any) {
			need(len(shown) > 0, "answers")
			checkAnswer(statement, owed["system_id"].(string), named.(object), shown[0].(object), keys)
			shown = shown[1:]
		}
	}
	need(len(shown) == 0, "answers")
	need(slices.EqualFunc(file["amendments"].([]any), statement["amendments"].([]any),
		func(one, named any) bool { return sum(b64(one)) == named }), "amendments")
	fmt.Println("good")
}

func checkAnswer(statement object, system string, named, shown, keys object) {
	leaf, says := tlog.RecordHash([]byte(b64(shown["answer"]))), fields(b64(shown["answer"]))
	need(hex.EncodeToString(leaf[:]) == named["leaf_hash"] && len(shown) == 7, "answers")
	need(canonical(said(says)) == canonical(shown["says"]) && says.last(2, "") == system, "answers")
	need(says.last(1, "") == statement["request_id"] && rights[number(says.count(3))] == statement["right"], "answers")
	published := of(keys["systems"], "system_id", system)[0]
	signing := published["signing"].([]any)
	place := slices.IndexFunc(signing, func(one any) bool { return sum(b64(one))[:16] == shown["key_id"] })
	need(place >= 0, "answers")
	for _, one := range of(published["revoked"], "key_id", shown["key_id"]) { // times have one form
		need(named["received_at"].(string) < one["revoked_at"].(string), "answers")
	}
	index, size, root, path := number(shown["index"]), number(shown["size"]), leaf, hashes(shown["path"])
	need(index < size, "answers")
	for at, width := index, size; width > 1; at, width = at/2, (width+1)/2 {
		if at%2 == 1 {
			root, path = tlog.NodeHash(path[0], root), path[1:]
		} else if at+1 < width {
			root, path = tlog.NodeHash(root, path[0]), path[1:]
		}
	}
	signed := append([]byte("dsr.v1.SignedAcknowledgements\x00"+system+"\x00"), binary.BigEndian.AppendUint64(nil, uint64(size))...)
	need(len(path) == 0 && ed25519.Verify([]byte(b64(signing[place])), append(signed, root[:]...), []byte(b64(shown["signature"]))), "answers")
}

// opened returns the tree that the log's own key signed, and that nobody unknown has signed too.
func opened(signed string, keys object) tlog.Tree {
	lines, known := strings.SplitN(signed, "\n", 4), []note.Verifier{}
	for _, key := range keys["log"].([]any) {
		known = append(known, got(note.NewVerifier(key.(string))))
	}
	need(got(note.Open([]byte(signed), note.VerifierList(known...))).Sigs[0].Name == lines[0], "log.checkpoint")
	for _, key := range keys["witnesses"].([]any) {
		known = append(known, witness(strings.SplitN(key.(string), "+", 3)))
	}
	found := got(note.Open([]byte(signed), note.VerifierList(known...)))
	need(len(found.Sigs) == strings.Count(lines[3], "\n")-1 && lines[3][0] == '\n', "log.checkpoint")
	return tlog.Tree{N: number(json.Number(lines[1])), Hash: tlog.Hash([]byte(b64(lines[2])))}
}

type witness []string // a C2SP tlog-cosignature key: name, hash, key

func (one witness) Name() string    { return one[0] }
func (one witness) KeyHash() uint32 { return binary.BigEndian.Uint32(got(hex.DecodeString(one[1]))) }
func (one witness) Verify(text, sig []byte) bool {
	at := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify([]byte(b64(one[2]))[1:], append([]byte(at), text...), sig[8:])
}

type message map[uint64][]string // a protobuf message's fields, by number; numbers in decimal digits

func fields(data string) message {
	found, rest := message{}, []byte(data)
	for len(rest) > 0 {
		tag, n := binary.Uvarint(rest)
		value, m := binary.Uvarint(rest[n:])
		need(n > 0 && m > 0 && (tag%8 == 0 || tag%8 == 2), "answers")
		field := fmt.Sprint(value)
		if rest = rest[n+m:]; tag%8 == 2 {
			field, rest = string(rest[:value]), rest[value:]
		}
		found[tag/8] = append(found[tag/8], field)
	}
	return found
}

func (one message) last(field uint64, otherwise string) string {
	return append([]string{otherwise}, one[field]...)[len(one[field])]
}
func (one message) count(field uint64) json.Number { return json.Number(one.last(field, "0")) }
func (one message) time(field uint64) string {
	at := fields(one.last(field, ""))
	return time.Unix(number(at.count(1)), number(at.count(2))).UTC().Format("2006-01-02T15:04:05.000000Z")
}

func said(one message) object {
	kept := []any{}
	for _, each := range one[8] {
		exemption := fields(each)
		kept = append(kept, object{"ground": exemption.last(1, ""), "records": exemption.count(3),
			"categories": append([]string{}, slices.Sorted(slices.Values(exemption[2]))...), "review_at": exemption.time(4)})
	}
	return object{"system_id": one.last(2, ""), "disposition": answers[number(one.count(4))], "sequence": one.count(5),
		"answered_at": one.time(6), "records": one.count(7), "exemptions": kept}
}

func need(holds bool, part string) {
	if !holds {
		panic(part)
	}
}

func got[T any](value T, err error) T { need(err == nil, fmt.Sprint(err)); return value }

func read(path string) (string, object) {
	data, content := string(got(os.ReadFile(path))), object{}
	reader := json.NewDecoder(strings.NewReader(data))
	reader.UseNumber()
	need(reader.Decode(&content) == nil, "file")
	return data, content
}

func of(from any, name string, value any) (found []object) {
	for _, one := range from.([]any) {
		if one.(object)[name] == value {
			found = append(found, one.(object))
		}
	}
	return found
}

func canonical(value any) string { return escapes.Replace(string(got(json.Marshal(value)))) }
func sum(data string) string     { hash := sha256.Sum256([]byte(data)); return hex.EncodeToString(hash[:]) }

func number(value any) int64 {
	found := got(value.(json.Number).Int64())
	need(found >= 0 && fmt.Sprint(found) == string(value.(json.Number)), "file")
	return found
}

func b64(value any) string { // in its one form: no bit is left to choose
	raw := got(base64.StdEncoding.DecodeString(value.(string)))
	need(base64.StdEncoding.EncodeToString(raw) == value, "file")
	return string(raw)
}

func hashes(value any) (found []tlog.Hash) {
	for _, one := range value.([]any) {
		raw := got(hex.DecodeString(one.(string)))
		need(hex.EncodeToString(raw) == one, "file")
		found = append(found, tlog.Hash(raw))
	}
	return found
}
