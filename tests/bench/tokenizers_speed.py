#!/usr/bin/env python3
"""Speed of the Python package `tokenizers`, one thread, CPU time, on the texts that `tokenizer_bench --write=FOLDER` writes.

Usage: tokenizers_speed.py TOKENIZER_JSON FOLDER
"""
import os
import pathlib
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
from tokenizers import Tokenizer  # noqa: E402  (reads the variable)

start = time.process_time()
tokenizer = Tokenizer.from_file(sys.argv[1])
print(f"load {1e3 * (time.process_time() - start):.0f} ms")
for path in sorted(pathlib.Path(sys.argv[2]).glob("*.txt")):
    text = path.read_bytes().decode("utf-8", "replace")
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        tokenizer.encode_batch_fast([text], add_special_tokens=False)
        best = min(best, time.process_time() - start)
        if best > 2:
            break
    print(f"{path.stem:16} {1e3 * best:9.1f} ms {path.stat().st_size / best / 1e6:7.2f} MB/s")
