// SPDX-License-Identifier: Apache-2.0

package tokenizer_test

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/zenlm/zen/tokenizer"
)

// open reads the tokenizer of zen-nano.
func open() *tokenizer.BPE {
	data, err := os.ReadFile("../nano/model/tokenizer.json")
	if err != nil {
		panic(err)
	}
	tok, err := tokenizer.Parse(data)
	if err != nil {
		panic(err)
	}
	return tok
}

func ExampleParse() {
	tok := open()
	ids, err := tok.Encode(nil, "The fox said hello.")
	if err != nil {
		panic(err)
	}
	for _, id := range ids {
		fmt.Printf("%q\n", tok.TokenBytes(id))
	}
	fmt.Println(tok.Decode(ids))
	// Output:
	// "The"
	// " fox"
	// " said"
	// " hello"
	// "."
	// The fox said hello.
}

// Tokens need not end where characters do. A stream gives out whole characters.
func ExampleDecoder() {
	tok := open()
	ids, err := tok.Encode(nil, "naïve 🦊!")
	if err != nil {
		panic(err)
	}
	decoder := tok.NewDecoder()
	for _, id := range ids {
		fmt.Printf("%q ", decoder.Next(id))
	}
	fmt.Printf("%q\n", decoder.Flush())
	// Output:
	// "na" "" "ï" "ve" " " "" "" "" "🦊" "!" ""
}

func ExampleBPE_EncodeOffsets() {
	tok := open()
	const text = "Paris, France"
	tokens, err := tok.EncodeOffsets(text)
	if err != nil {
		panic(err)
	}
	for _, t := range tokens {
		fmt.Printf("%d:%d %q\n", t.Start, t.End, text[t.Start:t.End])
	}
	// Output:
	// 0:3 "Par"
	// 3:5 "is"
	// 5:6 ","
	// 6:13 " France"
}

func ExampleParseChat() {
	data, err := os.ReadFile("../nano/model/tokenizer_config.json")
	if err != nil {
		panic(err)
	}
	var config struct {
		ChatTemplate string `json:"chat_template"`
	}
	if err := json.Unmarshal(data, &config); err != nil {
		panic(err)
	}
	chat, err := tokenizer.ParseChat(config.ChatTemplate)
	if err != nil {
		panic(err)
	}
	text, err := chat.Render([]tokenizer.Message{
		{Role: "system", Content: "Be brief."},
		{Role: "user", Content: "Who are you?"},
	}, nil)
	if err != nil {
		panic(err)
	}
	fmt.Println(text)
	// Output:
	// <|im_start|>system
	// Be brief.<|im_end|>
	// <|im_start|>user
	// Who are you?<|im_end|>
	// <|im_start|>assistant
}
