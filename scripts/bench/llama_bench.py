#!/usr/bin/env python3
"""Speed of llama.cpp's llama-batched-bench, which decodes random tokens and samples none: the better of two kinds of key-value cache.

Usage: llama_bench.py SHAPE float32|bfloat16 THREADS PROGRAM MODEL_GGUF VERSION
"""
import json
import os
import statistics
import subprocess
import sys
import tempfile

from shapes import SHAPES, report

CACHES = {"float32": ("f16", "f32"), "bfloat16": ("f16", "bf16")}
SEQUENCE_CELLS = 256  # llama.cpp rounds the context of a sequence up to this


def run(command):
    """The speeds of a run, in tokens a second, and its largest memory in MiB."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        output.seek(0)
        text = output.read()
    rows = [json.loads(line) for line in text.splitlines() if line.startswith('{"n_kv_max"')]
    if status != 0 or len(rows) < 2:
        sys.exit(f"{command[0]}: status {status}, {len(rows)} results\n{text[-2000:]}")
    return [row["speed_tg"] for row in rows[1:]], usage.ru_maxrss / 1024  # the first row warms up


def main():
    name, dtype, threads, program, model, version = sys.argv[1:]
    shape = SHAPES[name]
    runs = {}
    for cache in CACHES[dtype]:
        runs[cache] = run([
            program, "-m", model, "-t", threads, "-c", str(shape.batch * SEQUENCE_CELLS), "-b", "2048", "-ub", "2048",
            "-npp", str(shape.prompt_tokens), "-ntg", ",".join([str(shape.new_tokens)] * (1 + shape.steps)),
            "-npl", str(shape.batch), "-ctk", cache, "-ctv", cache, "--output-format", "jsonl"])
    for cache, (speeds, _) in runs.items():
        print(f"llama.cpp: key-value cache {cache}: {max(speeds):.0f} tokens/s", file=sys.stderr)
    best = max(runs, key=lambda cache: max(runs[cache][0]))
    speeds, memory = runs[best]
    report("llama.cpp", name, dtype, version=f"{version}, key-value cache {best}", generate_tokens_per_s=max(speeds),
           generate_tokens_per_s_median=statistics.median(speeds), peak_rss_mib=memory)


if __name__ == "__main__":
    main()
