// A second verifier of closure certificates, which shares no code and no library with the first one.
// It checks form, digests, signatures, places and inclusion, and a log's tiles where its address is
// given. The closing rule stays the first one's to run. `verifier CERTIFICATE KEYS [LOG-ADDRESS]`
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type object = map[string]any

var (
	keys    object
	rights  = []any{"", "access", "deletion", "correction", "opt_out", "restriction", "objection", "portability"}
	answers = strings.Fields("- received in_progress erased delivered not_found exempt partially_exempt failed unresolvable stopped too_late corrected already_right informed absent present heeded refused restricted")
	escapes = strings.NewReplacer(`\\`, `\\`, `\u2028`, "\u2028", `\u2029`, "\u2029", `\u003c`, "<", `\u003e`, ">", `\u0026`, "&")
)

func need(holds bool, part string) {
	if !holds {
		panic(part)
	}
}

func main() {
	defer func() {
		if part := recover(); part != nil { // a check that does not hold, or a field of another kind
			fmt.Println("refused:", part)
			os.Exit(1)
		}
	}()
	data, known := got(os.ReadFile(os.Args[1])), got(os.ReadFile(os.Args[2]))
	reader := json.NewDecoder(bytes.NewReader(data))
	reader.UseNumber()
	var file object
	need(json.Unmarshal(known, &keys) == nil && reader.Decode(&file) == nil, "file")
	need(string(data) == canonical(file)+"\n", "file")
	entry, statement := file["log"].(object), file["statement"].(object)
	leaf := entry["leaf"].(object)
	need(len(file) == 5 && len(entry) == 4 && canonical([]any{file["v"], leaf["v"]}) == "[1,1]", "file")
	need(leaf["kind"] == "closure" && leaf["digest"] == sum([]byte(canonical(statement))), "statement")
	tree := opened(entry["checkpoint"].(string), true)
	index, hash := number(entry["index"]), tlog.RecordHash([]byte(canonical(leaf)))
	need(tlog.CheckRecord(hashes(entry["proof"]), tree.N, tree.Hash, index, hash) == nil, "log")
	shown := file["answers"].([]any)
	for _, owed := range statement["obligations"].([]any) {
		for _, named := range owed.(object)["answers"].([]any) {
			need(len(shown) > 0, "answers")
			checkAnswer(statement, owed.(object)["system_id"].(string), named.(object), shown[0].(object))
			shown = shown[1:]
		}
	}
	need(len(shown) == 0, "answers")
	need(slices.EqualFunc(file["amendments"].([]any), statement["amendments"].([]any),
		func(one, named any) bool { return sum(b64(one)) == named }), "amendments")
	if len(os.Args) > 3 { // the log as it is now has the leaf, and grew from the certificate's tree
		now := opened(string(tiles(os.Args[3]).get("/checkpoint")), false)
		reader := tlog.TileHashReader(now, tiles(os.Args[3]))
		grown := now.N >= tree.N && got(tlog.TreeHash(tree.N, reader)) == tree.Hash
		need(grown && got(reader.ReadHashes([]int64{tlog.StoredHashIndex(0, index)}))[0] == hash, "log")
	}
	fmt.Println("good")
}

func checkAnswer(statement object, system string, named, shown object) {
	leaf, says := tlog.RecordHash(b64(shown["answer"])), fields(b64(shown["answer"]))
	need(hex.EncodeToString(leaf[:]) == named["leaf_hash"] && len(shown) == 7, "answers")
	need(canonical(said(says)) == canonical(shown["says"]) && says.text(2) == system, "answers")
	need(says.text(1) == statement["request_id"] && rights[says.value(3)] == statement["right"], "answers")
	var key []byte
	for _, one := range of(keys, "systems", "system_id", system) {
		for _, each := range one["signing"].([]any) {
			if sum(b64(each))[:16] == shown["key_id"] {
				key = b64(each)
			}
		}
		for _, each := range of(one, "revoked", "key_id", shown["key_id"]) { // times have one form
			need(named["received_at"].(string) < each["revoked_at"].(string), "answers")
		}
	}
	index, size, root, path := number(shown["index"]), number(shown["size"]), leaf, hashes(shown["path"])
	need(key != nil && index < size, "answers")
	for at, width := index, size; width > 1; at, width = at/2, (width+1)/2 {
		if at%2 == 1 {
			root, path = tlog.NodeHash(path[0], root), path[1:]
		} else if at+1 < width {
			root, path = tlog.NodeHash(root, path[0]), path[1:]
		}
	}
	signed := append([]byte("dsr.v1.SignedAcknowledgements\x00"+system+"\x00"), binary.BigEndian.AppendUint64(nil, uint64(size))...)
	need(len(path) == 0 && ed25519.Verify(key, append(signed, root[:]...), b64(shown["signature"])), "answers")
}

// opened returns the tree that a log's own key signed; where strict, nobody unknown has signed it too.
func opened(signed string, strict bool) tlog.Tree {
	verifiers := []note.Verifier{}
	for _, key := range keys["log"].([]any) {
		verifiers = append(verifiers, got(note.NewVerifier(key.(string))))
	}
	for _, key := range keys["witnesses"].([]any) {
		verifiers = append(verifiers, witness(strings.SplitN(key.(string), "+", 3)))
	}
	found := got(note.Open([]byte(signed), note.VerifierList(verifiers...)))
	need(!strict || len(found.Sigs) == strings.Count(signed[len(found.Text):], "\n")-1, "log.checkpoint")
	lines := strings.Split(found.Text, "\n")
	own := slices.ContainsFunc(found.Sigs, func(one note.Signature) bool { // of a log's key, not a witness's
		key := fmt.Sprintf("%s+%08x+", lines[0], one.Hash)
		return one.Name == lines[0] && strings.Contains(canonical(keys["log"]), `"`+key)
	})
	need(own && len(lines) == 4, "log.checkpoint")
	return tlog.Tree{N: number(json.Number(lines[1])), Hash: tlog.Hash(b64(lines[2]))}
}

type witness []string // a C2SP tlog-cosignature key: name, hash, key

func (one witness) Name() string    { return one[0] }
func (one witness) KeyHash() uint32 { return uint32(got(strconv.ParseUint(one[1], 16, 32))) }
func (one witness) Verify(text, sig []byte) bool {
	at := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(sig))
	return ed25519.Verify(b64(one[2])[1:], append([]byte(at), text...), sig[8:])
}

type tiles string // the address of a log that is served as C2SP tlog-tiles

func (one tiles) Height() int                     { return 8 }
func (one tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (one tiles) ReadTiles(wanted []tlog.Tile) (found [][]byte, err error) {
	for _, tile := range wanted {
		found = append(found, one.get("/"+strings.Replace(tile.Path(), "tile/8/", "tile/", 1)))
	}
	return found, nil
}
func (one tiles) get(path string) []byte {
	answer := got(http.Get(string(one) + path))
	need(answer.StatusCode == http.StatusOK, "log"+path)
	return got(io.ReadAll(answer.Body))
}

type message map[uint64][]any // a protobuf message's fields, by number

func fields(data []byte) message {
	found := message{}
	for len(data) > 0 {
		tag, n := binary.Uvarint(data)
		value, m := binary.Uvarint(data[n:])
		need(n > 0 && m > 0 && (tag%8 == 0 || tag%8 == 2), "answers")
		data = data[n+m:]
		if tag%8 == 0 {
			found[tag/8] = append(found[tag/8], value)
		} else {
			found[tag/8], data = append(found[tag/8], data[:value]), data[value:]
		}
	}
	return found
}
func (one message) last(field uint64, otherwise any) any {
	return append([]any{otherwise}, one[field]...)[len(one[field])]
}
func (one message) text(field uint64) string  { return string(one.last(field, []byte{}).([]byte)) }
func (one message) value(field uint64) uint64 { return one.last(field, uint64(0)).(uint64) }
func (one message) time(field uint64) string {
	at := fields(one.last(field, []byte{}).([]byte))
	return time.Unix(int64(at.value(1)), int64(at.value(2))).UTC().Format("2006-01-02T15:04:05.000000Z")
}

func said(one message) object {
	kept := []any{}
	for _, each := range one[8] {
		exemption, categories := fields(each.([]byte)), []string{}
		for _, category := range exemption[2] {
			categories = append(categories, string(category.([]byte)))
		}
		slices.Sort(categories)
		kept = append(kept, object{"ground": exemption.text(1), "categories": categories,
			"records": exemption.value(3), "review_at": exemption.time(4)})
	}
	return object{"system_id": one.text(2), "disposition": answers[one.value(4)], "sequence": one.value(5),
		"answered_at": one.time(6), "records": one.value(7), "exemptions": kept}
}

func of(from object, list, name string, value any) (found []object) {
	for _, one := range from[list].([]any) {
		if one.(object)[name] == value {
			found = append(found, one.(object))
		}
	}
	return found
}

func canonical(value any) string { return escapes.Replace(string(got(json.Marshal(value)))) }

func got[T any](value T, err error) T {
	need(err == nil, fmt.Sprint(err))
	return value
}

func sum(data []byte) string { hash := sha256.Sum256(data); return hex.EncodeToString(hash[:]) }

func number(value any) int64 {
	found := got(value.(json.Number).Int64())
	need(found >= 0 && fmt.Sprint(found) == string(value.(json.Number)), "file")
	return found
}

func b64(value any) []byte { // in its one form: no bit is left to choose
	raw := got(base64.StdEncoding.DecodeString(value.(string)))
	need(base64.StdEncoding.EncodeToString(raw) == value, "file")
	return raw
}

func hashes(value any) (found []tlog.Hash) {
	for _, one := range value.([]any) {
		raw := got(hex.DecodeString(one.(string)))
		need(hex.EncodeToString(raw) == one, "file")
		found = append(found, tlog.Hash(raw))
	}
	return found
}
