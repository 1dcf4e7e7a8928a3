// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"net/http"
	"slices"
)

// modelCard is a model as OpenAI lists it.
type modelCard struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
}

func (s *Server) card(name string) modelCard {
	return modelCard{ID: name, Object: "model", Created: s.created.Unix(), OwnedBy: "zen"}
}

func (s *Server) models(_ context.Context, c *call) error {
	list := struct {
		Object string      `json:"object"`
		Data   []modelCard `json:"data"`
	}{Object: "list"}
	for _, name := range s.options.names {
		list.Data = append(list.Data, s.card(name))
	}
	return c.reply(http.StatusOK, list)
}

func (s *Server) model(c *call, name string) error {
	if !slices.Contains(s.options.names, name) {
		return unknownModel(name)
	}
	return c.reply(http.StatusOK, s.card(name))
}

func unknownModel(name string) *problem {
	p := notFound("the model " + name + " does not exist")
	p.param, p.code = "model", "model_not_found"
	return p
}
