// SPDX-License-Identifier: Apache-2.0

// Package server offers a model over HTTP in the forms of OpenAI's API, as an
// http.Handler to mount in a program of one's own.
//
//	POST /v1/chat/completions  conversations, tools, streams
//	POST /v1/completions       text to continue
//	POST /v1/embeddings        where the model can embed
//	POST /v1/generate          the model card's own JSON: zen.Request, zen.Response
//	GET  /v1/models[/{id}]     the model's names
//	GET  /healthz              whether to send requests here; needs no key
//
// What a request asks for is done or refused: a field that would change the answer
// and is not implemented is status 400 and named, and so is an unknown one. Fields
// that cannot change it, such as user and metadata, are accepted. Errors have
// OpenAI's shape,
//
//	{"error": {"message": "…", "type": "…", "param": "…", "code": "…"}}
//
// with status 400, 401, 404, 405, 408, 413, 415, 429, 500, 503 or 504. One that comes
// after the first bytes of a stream is an event of that shape, after which the
// stream ends without [DONE]. When the client leaves, its request ends within one
// step of the model.
//
// The handler bounds bodies, answers, their time, rate and number. What only the
// connection's owner can bound, a request's header and the idle time, Server's
// ListenAndServe does; in a program with an http.Server of its own they are settings
// of that.
package server
