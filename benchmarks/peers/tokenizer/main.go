// SPDX-License-Identifier: Apache-2.0

// Command tokenizer is the Go side of compare.py, which holds package tokenizer against Hugging
// Face's Rust library. It prints one line for each line it reads, so that the two take turns:
//
//	fresh ENGINE TEXT   parse the tokenizer anew, then encode each document once
//	again ENGINE TEXT   encode each document once more
//
// An answer is the seconds of the encoding alone, the tokens, and a hash of their ids.
package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"log"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/zenlm/zen/tokenizer"
)

// encoder appends the ids of one document to dst.
type encoder func(dst []int32, text string) ([]int32, error)

// engines are what can be timed, by name; file hf.go adds one.
var engines = map[string]func(tokenizerJSON []byte) (encoder, error){
	"zen":         zen,
	"zen-offsets": zenOffsets,
}

func zen(data []byte) (encoder, error) {
	t, err := tokenizer.Parse(data)
	if err != nil {
		return nil, err
	}
	return t.Encode, nil
}

// zenOffsets does what the Rust library's encode does: ids and their places.
func zenOffsets(data []byte) (encoder, error) {
	t, err := tokenizer.Parse(data)
	if err != nil {
		return nil, err
	}
	return func(dst []int32, text string) ([]int32, error) {
		tokens, err := t.EncodeOffsets(text)
		for _, tok := range tokens {
			dst = append(dst, tok.ID)
		}
		return dst, err
	}, nil
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: tokenizer TOKENIZER.JSON DIR, where DIR holds NAME.json, arrays of documents")
	}
	data, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	made := map[string]encoder{}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var how, engine, text string
		if _, err := fmt.Sscan(in.Text(), &how, &engine, &text); err != nil {
			log.Fatal(err)
		}
		if engines[engine] == nil {
			fmt.Println("none")
			continue
		}
		if how == "fresh" {
			if made[engine], err = engines[engine](data); err != nil {
				log.Fatal(err)
			}
		}
		answer(made[engine], documents(text))
	}
}

func documents(name string) []string {
	data, err := os.ReadFile(filepath.Join(os.Args[2], filepath.Base(name)+".json"))
	if err != nil {
		log.Fatal(err)
	}
	var docs []string
	if err := json.Unmarshal(data, &docs); err != nil {
		log.Fatal(err)
	}
	for i := range docs {
		docs[i] = strings.Clone(docs[i])
	}
	return docs
}

// answer times one pass and prints it.
func answer(encode encoder, docs []string) {
	all := make([][]int32, len(docs))
	runtime.GC()
	start := time.Now()
	for i, doc := range docs {
		ids, err := encode(nil, doc)
		if err != nil {
			log.Fatal(err)
		}
		all[i] = ids
	}
	seconds := time.Since(start).Seconds()
	tokens, hash := 0, fnv.New64a()
	for _, ids := range all {
		tokens += len(ids)
		for _, id := range ids {
			hash.Write(binary.LittleEndian.AppendUint32(nil, uint32(id)))
		}
	}
	fmt.Printf("%.9f %d %016x\n", seconds, tokens, hash.Sum64())
}
