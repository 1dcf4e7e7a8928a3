// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/zenlm/zen/server"
	"github.com/zenlm/zen/zentest"
)

func ExampleHandler() {
	m := zentest.Script(zentest.Text("Good morning.")) // or nano.Load, or zen.Load
	// snippet: handler
	h, err := server.Handler(m,
		server.WithModel("zen-1", "gpt-4o"), // its name, and one that a client may have built in
		server.WithKeys("key-of-the-web-shop", "key-of-the-back-office"),
		server.WithRate(5, 20), // of each key: 5 requests a second, 20 at once
		server.WithMaxTokens(1024),
		server.WithRequestFilter(noSecrets),
		server.WithTextFilter(func() server.TextFilter { return &mask{word: "confidential"} }),
	)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux() // beside the program's own pages
	mux.Handle("/v1/", h)
	mux.Handle("/healthz", h)
	// end: handler

	srv := httptest.NewServer(mux)
	defer srv.Close()
	req, err := http.NewRequest("POST", srv.URL+"/v1/generate",
		strings.NewReader(`{"messages": [{"role": "user", "content": "Hello"}], "temperature": 0.7, "max_tokens": 64}`))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer key-of-the-web-shop")
	resp, err := srv.Client().Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	fmt.Print(string(body), err)
	// Output:
	// {"response":"Good morning.","usage":{"prompt_tokens":0,"completion_tokens":1,"total_tokens":1},"finish_reason":"stop"}
	// <nil>
}
