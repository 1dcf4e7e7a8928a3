// SPDX-License-Identifier: Apache-2.0

package zen

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/zenlm/zen/checkpoint"
	"github.com/zenlm/zen/model"
	"github.com/zenlm/zen/tensor"
)

// companions are the files of a checkpoint that Save copies as they are.
var companions = []string{
	"generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja",
}

// Save writes the model, with its weights as WithWeights has made them, to a folder
// that Load loads: at once, since quantised weights are mapped as they are. The
// folder is made if it is missing and must not hold another checkpoint. The backend
// must keep weights in the host's memory, as "cpu" does.
func (m *Model) Save(dir string) error {
	m.saving.Lock()
	defer m.saving.Unlock()
	if m.closed {
		return ErrClosed
	}
	if err := m.save(dir); err != nil {
		return fmt.Errorf("zen: save %s: %w", dir, err)
	}
	return nil
}

func (m *Model) save(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "config.json")); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(fs.ErrExist, err)
	}
	tensors, err := m.weights.Tensors()
	if err != nil {
		return err
	}
	if err := checkpoint.Save(dir, tensors); err != nil {
		return err
	}
	for _, name := range companions {
		data, err := m.checkpoint.ReadFile(name, maxTokenizerBytes)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), data, 0o666)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	config, err := m.savedConfig()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "config.json"), config, 0o666)
}

// savedConfig returns the checkpoint's config.json with the quantisation of the
// weights.
func (m *Model) savedConfig() ([]byte, error) {
	data, err := m.checkpoint.ReadFile("config.json", model.MaxConfigBytes)
	if err != nil || m.options.weights == tensor.Invalid {
		return data, err
	}
	var config map[string]json.RawMessage
	if err := json.Unmarshal(data, &config); err != nil {
		return nil, err
	}
	if config["quantization_config"], err = json.Marshal(model.QuantizationOf(m.options.weights)); err != nil {
		return nil, err
	}
	return json.MarshalIndent(config, "", "  ")
}
