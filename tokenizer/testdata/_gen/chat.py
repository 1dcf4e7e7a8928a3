# SPDX-License-Identifier: Apache-2.0
"""Records how transformers renders chat templates, and the ids of the result.

    python chat.py DIR      writes ../chat.json.gz; DIR/qwen2_5/package/models as for goldens.py
"""
import gzip
import json
import os
import sys

import jinja2
import tokenizers
import transformers
from transformers import AutoTokenizer

OUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
models = os.path.join(sys.argv[1], "qwen2_5/package/models")
tok = AutoTokenizer.from_pretrained(models)
rust = tokenizers.Tokenizer.from_file(models + "/tokenizer.json")

GEN = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
TURN = "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
QWEN25 = json.load(open(models + "/tokenizer_config.json", encoding="utf-8"))["chat_template"]
TEMPLATES = {
    "qwen2.5": QWEN25,
    "qwen2.5 renamed": QWEN25.replace("You are Qwen, created by Alibaba Cloud. You are a helpful assistant.", "You are Zen."),
    "qwen2": "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}" + GEN,
    "one line": "{% for message in messages %}" + TURN + "{% endfor %}" + GEN,
    "set first": "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{% for message in messages %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "many lines": '{%- for message in messages -%}\n    {{- "<|im_start|>" + message.role + "\\n" -}}\n    {{- message.content + "<|im_end|>\\n" -}}\n{%- endfor -%}\n{%- if add_generation_prompt -%}\n    {{- "<|im_start|>assistant\\n" -}}\n{%- endif -%}\n',
    "blocks": "{# ChatML #}\n{% for m in messages %}\n{{ '<|im_start|>' ~ m['role'] }}\n{{ m.content }}<|im_end|>\n{% endfor %}\n{% if add_generation_prompt %}\n{{ '<|im_start|>assistant\n' }}{% endif %}",
    "system before the loop": "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\nBe brief.<|im_end|>\n' }}{% endif %}{% for message in messages %}" + TURN + "{% endfor %}" + GEN,
}
weather = {"type": "function", "function": {"name": "get_weather", "description": "Wetter für \"Städte\" \u2013 天气\n\t\\ / <b>&'", "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 3, "minimum": -0.5, "maximum": 1e20, "multipleOf": 1e-7}}, "required": ["city"], "additionalProperties": False, "x": None, "y": [], "z": {}, "e": 100000.0, "h": 1.0, "n": 123456789012345678901234567890}}}
empty = {"type": "function", "function": {"name": "now", "parameters": {}}}
U, A, S, T = (lambda c, r=r, **k: dict(role=r, content=c, **k) for r in ("user", "assistant", "system", "tool"))


def call(name, args, text=""):
    return {"type": "function", "function": {"name": name, "arguments": args}}


CONVERSATIONS = {
    "user": ([U("Hello")], []),
    "system and user": ([S("Be brief."), U("Hello")], []),
    "several turns": ([S("S"), U("one"), A("two"), U("three\n\nfour"), A(""), U("  six  ")], []),
    "a later system": ([U("a"), S("b"), U("c")], []),
    "scripts": ([U("你好 мир \U0001f469\u200d\U0001f467 e\u0301 \u0000 \u2028 '\u017f")], []),
    "assistant first": ([A("Hi"), U("Hello")], []),
    "empty": ([S(""), U("")], []),
    "two tools": ([U("Weather?")], [weather, empty]),
    "system and tools": ([S("Use tools."), U("Weather?")], [weather]),
    "a call and its answer": ([U("Weather?"), A("", tool_calls=[call("get_weather", {"city": "Zürich", "days": 2, "f": [1, 2.5, None, True, "\"q\"\\\n\x01"], "o": {}})]), T("{\"t\": 3}"), A("3 degrees.")], [weather]),
    "two calls, two answers": ([U("?"), A("Let me see.", tool_calls=[call("now", {}), call("get_weather", {"city": "东京"})]), T("12:00"), T("rain"), U("thanks")], [weather, empty]),
    "answers apart": ([S("x"), T("a"), U("b"), T("c"), T("d")], []),
    "answer first": ([T("a"), T("b"), U("c")], []),
    "calls without tools": ([U("?"), A("", tool_calls=[call("now", {})]), T("12")], []),
}
cases = []
for tn, template in TEMPLATES.items():
    for cn, (messages, tools) in CONVERSATIONS.items():
        plain = not tn.startswith("qwen2.5")
        if plain and (tools or any(m["role"] == "tool" or "tool_calls" in m for m in messages)):
            continue
        text = tok.apply_chat_template(messages, tools=tools or None, chat_template=template, add_generation_prompt=True, tokenize=False)
        cases.append(dict(template=tn, name=cn, messages=messages, tools=tools, text=text, ids=rust.encode(text, add_special_tokens=False).ids))
doc = dict(transformers=transformers.__version__, jinja2=jinja2.__version__, tokenizers=tokenizers.__version__, templates=TEMPLATES, cases=cases)
with open(f"{OUT}/chat.json.gz", "wb") as f:
    f.write(gzip.compress(json.dumps(doc, ensure_ascii=True, indent=0).encode(), 9, mtime=0))
print(len(cases))
