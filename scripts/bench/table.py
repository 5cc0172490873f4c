#!/usr/bin/env python3
"""Prints the rows of a benchmark as a table; with --json also the small shape as one object, keyed by system, on the last line.

Usage: table.py [--json] RESULTS_JSONL
"""
import json
import sys

COLUMNS = (  # heading, key, format
    ("shape", "shape", "{}"),
    ("system", "system", "{}"),
    ("dtype", "dtype", "{}"),
    ("step s", "step_s", "{:.2f}"),
    ("median", "step_s_median", "{:.2f}"),
    ("tokens/s", "generate_tokens_per_s", "{:,.0f}"),
    ("median", "generate_tokens_per_s_median", "{:,.0f}"),
    ("peak MiB", "peak_rss_mib", "{:,.0f}"),
    ("generate", "generate_share", "{:.0%}"),
    ("update", "update_share", "{:.0%}"),
    ("step", "step_share", "{:.0%}"),
    ("version", "version", "{}"),
)
TEXTS = ("shape", "system", "dtype", "version")


def main():
    with open(sys.argv[-1], encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    cells = [[heading for heading, _, _ in COLUMNS]]
    cells += [[text.format(row[key]) if key in row else "-" for _, key, text in COLUMNS] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS))]
    for line in cells:
        print("  ".join(cell.ljust(width) if key in TEXTS else cell.rjust(width)
                        for cell, width, (_, key, _) in zip(line, widths, COLUMNS)).rstrip())
    for row in rows:
        if "brgemm_gflops" in row:
            print(f"{row['shape']}, {row['dtype']}: generate, update and step are shares of {row['brgemm_gflops']:.0f} GFLOP/s, "
                  f"brgemm on {row['ranks']} rank(s) at once")
    if "--json" in sys.argv[1:-1]:
        print(json.dumps({row["system"]: {key: value for key, value in row.items() if key not in ("system", "shape")}
                          for row in rows if row["shape"] == "small"}))


if __name__ == "__main__":
    main()
