# SPDX-License-Identifier: Apache-2.0
"""Runs zenbench and other engines in turns on the same weights and writes a results file and a table.

    python compare.py -out results.txt -rounds 5 -threads 2 -pp 512 -tg 64 \\
        -engine 'zen=./zenbench -json -n 1 -model {model} -threads {threads} -pp {pp} -tg {tg} -depth {depth}' \\
        -engine 'llama.cpp=./bench run {model} {threads} {pp} {tg} {depth} 1 libggml-cpu-sapphirerapids.so' \\
        -engine 'ik=./llama-bench -m {model} -t {threads} -p {pp} -n {tg} -r 1 -o json' \\
        -case '3B INT4' zen=qwen3b-int4 llama.cpp=qwen3b-q4_0.gguf ik=qwen3b-q4_0.gguf \\
        -case '3B INT8' zen=qwen3b-int8 llama.cpp=qwen3b-q8_0.gguf

An engine is a command that prints JSON, zenbench's or llama-bench's (n_prompt, n_gen, samples_ts in
tokens/s); bench.c beside this makes one of the llama.cpp that npm ships prebuilt. Every round runs every engine of
a case once, in an order that moves on by one, each in a process of its own that warms up first. The results file
has each run's output as it was; the table has medians, and zen over the fastest of the others.
"""
import datetime
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys


def arguments(argv):
    o = {"out": "results.txt", "rounds": "5", "threads": "2", "pp": "512", "tg": "64", "depth": "0"}
    engines, cases = {}, []
    while argv:
        flag, value = argv.pop(0).lstrip("-"), argv.pop(0)
        if flag == "engine":
            name, command = value.split("=", 1)
            engines[name] = command
        elif flag == "case":
            models = {}
            while argv and not argv[0].startswith("-"):
                engine, model = argv.pop(0).split("=", 1)
                models[engine] = model
            cases.append((value, models))
        elif flag in o:
            o[flag] = value
        else:
            sys.exit(f"unknown flag -{flag}")
    return o, engines, cases


def rates(output):
    """Returns the prefill and decode rates that a run printed, tokens/s."""
    prefill, decode = [], []
    if output.startswith("["):  # -o json
        runs = json.loads(output)
    else:
        runs = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    for r in runs:
        if "prefill_runs" in r:
            prefill += r["prefill_runs"]
            decode += r["decode_runs"]
        else:
            (decode if r["n_gen"] else prefill).extend(r["samples_ts"])
    return prefill, decode


def run(command, values, raw):
    env = dict(os.environ)
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OMP_NUM_THREADS"):
        env.pop(name, None)
    words = shlex.split(command.format(**values))
    while "=" in words[0]:
        name, value = words.pop(0).split("=", 1)
        env[name] = value
    p = subprocess.run(words, capture_output=True, text=True, env=env)
    raw.write(f"# {shlex.join(words)}\n{p.stdout}")
    raw.flush()
    if p.returncode:
        sys.exit(f"{words}: {p.stderr[-2000:]}")
    return rates(p.stdout)


def processor():
    for line in open("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def cell(samples):
    m = statistics.median(samples)
    return f"{m:.1f} ({min(samples):.1f}-{max(samples):.1f})" if m < 1000 else f"{m:.0f} ({min(samples):.0f}-{max(samples):.0f})"


def table(o, samples):
    """Yields the rows of the table: per case and phase, each engine's median (least-most) and the ratio."""
    yield "| case | phase | engine | tok/s, median (range) | zen / it |\n|---|---|---|---|---|"
    for name, engines in samples.items():
        for phase, what in enumerate((f"prefill {o['pp']}", f"decode {o['tg']} at {o['depth']}")):
            if phase == 0 and o["depth"] != "0":
                continue  # zenbench reads its prompt into an empty context, llama-bench after the others
            zen = statistics.median(engines["zen"][phase])
            for engine, runs in engines.items():
                ratio = "" if engine == "zen" else f"{zen / statistics.median(runs[phase]):.2f}"
                yield f"| {name} | {what} | {engine} | {cell(runs[phase])} | {ratio} |"


def main():
    o, engines, cases = arguments(sys.argv[1:])
    samples = {}
    with open(o["out"], "w") as raw:
        raw.write(f"# {datetime.date.today()} {processor()}, {os.cpu_count()} cores, {o['threads']} threads, "
                  f"{o['rounds']} rounds\n")
        for name, models in cases:
            samples[name] = {engine: ([], []) for engine in models}
            order = list(models)
            for i in range(int(o["rounds"])):
                for engine in order[i % len(order):] + order[:i % len(order)]:
                    values = {k: o[k] for k in ("threads", "pp", "tg", "depth")} | {"model": models[engine]}
                    prefill, decode = run(engines[engine], values, raw)
                    samples[name][engine][0].extend(prefill)
                    samples[name][engine][1].extend(decode)
        rows = "\n".join(table(o, samples))
        raw.write("".join(f"# {row}\n" for row in rows.splitlines()))
    print(rows)


if __name__ == "__main__":
    main()
