// A reader of transparency logs that are served as C2SP tlog-tiles, on Go's public packages alone. It
// checks that the log as it is now grew from a checkpoint that somebody kept: `reader ADDRESS KEY CHECKPOINT`
package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	log := tiles(os.Args[1])
	before, err := opened(os.ReadFile(os.Args[3]))
	refuse(err)
	now, err := opened(log.get("/checkpoint"))
	refuse(err)
	if now.N < before.N {
		refuse(fmt.Errorf("it had %d leaves, and has %d", before.N, now.N))
	}
	root, err := tlog.TreeHash(before.N, tlog.TileHashReader(now, log)) // every tile is held to the root
	refuse(err)
	if root != before.Hash {
		refuse(fmt.Errorf("its first %d leaves are others", before.N))
	}
	fmt.Println("good")
}

func refuse(err error) {
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
}

// opened returns the tree of a checkpoint that the key has signed.
func opened(signed []byte, err error) (tree tlog.Tree, _ error) {
	if err != nil {
		return tree, err
	}
	key, err := note.NewVerifier(os.Args[2])
	if err != nil {
		return tree, err
	}
	found, err := note.Open(signed, note.VerifierList(key))
	if err != nil {
		return tree, err
	}
	lines := strings.Split(found.Text, "\n")
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil {
		return tree, err
	}
	copy(tree.Hash[:], root)
	tree.N, err = strconv.ParseInt(lines[1], 10, 64)
	return tree, err
}

type tiles string // the address of the log

func (one tiles) Height() int                     { return 8 }
func (one tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (one tiles) ReadTiles(wanted []tlog.Tile) (found [][]byte, err error) {
	for _, tile := range wanted {
		data, err := one.get("/" + strings.Replace(tile.Path(), "tile/8/", "tile/", 1))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (one tiles) get(path string) ([]byte, error) {
	answer, err := http.Get(string(one) + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, answer.Status)
	}
	return io.ReadAll(answer.Body)
}
