// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// model.safetensors.index.json maps every tensor to its shard:
//
//	{"metadata": {...}, "weight_map": {"name": "model-00001-of-00002.safetensors"}}
//
// Only weight_map is read. metadata.total_size is wrong in enough published
// files that nothing can depend on it.
const (
	weightsName   = "model.safetensors"
	indexName     = "model.safetensors.index.json"
	maxIndexBytes = 16 << 20
	maxShards     = 1 << 10
)

func indexLimits() limits {
	return limits{bytes: maxIndexBytes, depth: 4, keys: maxTensors * 4, text: maxName, list: 1 << 10}
}

// parseIndex returns the shards in order of their names, and the shard of every
// tensor.
func parseIndex(data []byte) (shards []string, weightMap map[string]string, err error) {
	if err := scanJSON(data, indexLimits(), nil); err != nil {
		return nil, nil, err
	}
	var raw map[string]json.RawMessage // a struct would also take "Weight_Map"
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, nil, corruptf("%v", err)
	}
	if err := json.Unmarshal(raw["weight_map"], &weightMap); err != nil || len(weightMap) == 0 {
		return nil, nil, corruptf("weight_map is not an object of file names")
	}
	shards = slices.Sorted(maps.Values(weightMap))
	shards = slices.Compact(shards)
	var bad []string
	for _, s := range shards {
		if !plainName(s) || !strings.HasSuffix(s, ".safetensors") {
			bad = append(bad, s)
		}
	}
	if bad != nil {
		return nil, nil, corruptf("weight_map names what is not a .safetensors file of this folder: %s", listed(bad))
	}
	if len(shards) > maxShards {
		return nil, nil, corruptf("weight_map names %d files, limit %d", len(shards), maxShards)
	}
	return shards, weightMap, nil
}

// plainName reports whether name is that of an entry of a folder on every
// operating system: no separator, no drive, no way up.
func plainName(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= 255 &&
		!strings.ContainsAny(name, "/\\:\x00")
}
