# SPDX-License-Identifier: Apache-2.0
"""Writes ../single and ../sharded with Hugging Face's safetensors library.

Versions: safetensors and torch as recorded in each file's __metadata__.
"""
import json, os
from importlib.metadata import version
import torch
from safetensors.torch import save_file

here = os.path.dirname(os.path.abspath(__file__))
tensors = {
    "f32": torch.arange(6, dtype=torch.float32).reshape(2, 3) / 2,
    "f16": torch.tensor([1.0, -2.0, 65504.0], dtype=torch.float16),
    "bf16": torch.tensor([[1.0, -2.0], [3.140625, 0.0]], dtype=torch.bfloat16),
    "i8": torch.tensor([-128, -1, 0, 1, 127], dtype=torch.int8),
    "u8": torch.tensor([0, 255, 7], dtype=torch.uint8),
    "i32": torch.tensor([-1, 1 << 30], dtype=torch.int32),
    "i64": torch.tensor([-1], dtype=torch.int64),
    "scalar": torch.tensor(42.0),
    "f8_e4m3": torch.tensor([1.0, 1.5, -1.75]).to(torch.float8_e4m3fn),
    "f8_e5m2": torch.tensor([1.0, -2.0, 0.0]).to(torch.float8_e5m2),
}
meta = {"format": "pt", "torch": version("torch"), "safetensors": version("safetensors")}


def folder(name, files):
    d = os.path.join(here, "..", name)
    os.makedirs(d, exist_ok=True)
    with open(os.path.join(d, "config.json"), "w") as f:
        f.write("{}\n")
    for file, names in files.items():
        save_file({n: tensors[n] for n in names}, os.path.join(d, file), metadata=meta)
        os.chmod(os.path.join(d, file), 0o644)
    if len(files) > 1:
        index = {"metadata": {"total_size": sum(t.nbytes for t in tensors.values())},
                 "weight_map": {n: file for file, names in files.items() for n in names}}
        with open(os.path.join(d, "model.safetensors.index.json"), "w") as f:
            json.dump(index, f, indent=2, sort_keys=True)
            f.write("\n")


names = sorted(tensors)
folder("single", {"model.safetensors": names})
folder("sharded", {"model-00001-of-00002.safetensors": names[:5], "model-00002-of-00002.safetensors": names[5:]})
