#!/usr/bin/env python3
"""The table of scripts/bench_gpu.sh: each number of ours, and beneath it those of others with the same name and shape.

Usage: gpu_table.py [--json] ROWS                                 prints; exits with 1 where a part of gpu_bench failed
       gpu_table.py --keep ROWS SYSTEM LABEL END SECONDS OUTPUT    adds what a program printed last to ROWS
"""
import json
import pathlib
import sys

COLUMNS = ("ms", "tb_per_s", "share_of_copy", "tflop_per_s", "share_of_gemm")
FORMATS = {"ms": "{:.3f}", "tb_per_s": "{:.3f}", "share_of_copy": "{:.1%}", "tflop_per_s": "{:.1f}", "share_of_gemm": "{:.1%}"}
SHOWN = COLUMNS + ("part", "name", "shape", "system", "model", "numerics", "fastest_ms", "repeats", "bytes", "flop", "error", "not_run")


def keep(rows, system, label, end, seconds, output):
    path = pathlib.Path(output)
    lines = path.read_text(errors="replace").splitlines() if path.exists() else []
    entry = {"system": system, "label": label, "end": end, "seconds": int(seconds), "result": None}
    for text in reversed(lines):  # the last one may be cut off
        try:
            entry["result"] = json.loads(text)
            break
        except ValueError:
            continue
    if entry["result"] is None and end == "done":
        entry["end"] = "printed no result"
    with open(rows, "a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def rows_of(entries, system):
    return [row for entry in entries if entry["system"] == system and entry["result"] for row in entry["result"]["rows"]]


def paired(entries):
    """Our rows, each with the others' rows of its name and shape; what is left of the others' stands alone."""
    others = rows_of(entries, "others")
    result, seen = [], set()
    for row in rows_of(entries, "reckon"):
        key = (row["name"], row["shape"])
        if row["part"] == "ceilings" and key in seen:
            continue  # measured by each program
        beneath = [other for other in others if (other["name"], other["shape"]) == key and key not in seen]
        seen.add(key)
        result.append((row, beneath))
    return result, [row for row in others if (row["name"], row["shape"]) not in seen]


def line(name, row, ours=None):
    cells = [FORMATS[column].format(row[column]) if column in row else "" for column in COLUMNS]
    if row.get("error"):
        note = "FAILED: " + row["error"]
    elif row.get("not_run"):
        note = "not run: " + row["not_run"]
    else:
        more = {key: value for key, value in row.items() if key not in SHOWN}
        if ours and "ms" in ours and "ms" in row:
            more = {"times_ours": round(row["ms"] / ours["ms"], 2), **more}
        note = " ".join(f"{key}={json.dumps(value)}" for key, value in more.items())
    return f"{name:<50} {row.get('shape', ''):<26} " + " ".join(f"{cell:>9}" for cell in cells) + ("  " + note if note else "")


def left_out(entries):
    lines = []
    for entry in entries:
        if entry["end"] != "done":
            lines.append(f"{entry['label']}: {entry['end']}")
        result = entry["result"] or {}
        lines += [f"{entry['label']}: {error['part']} FAILED: {error['error']}" for error in result.get("errors", [])]
        lines += [f"{entry['label']}: {part} was not run" for part in result.get("not_run", [])]
    return lines


def print_table(entries):
    ours, alone = paired(entries)
    print(f"{'':<50} {'':<26} " + " ".join(f"{title:>9}" for title in ("ms", "TB/s", "of copy", "TFLOP/s", "of gemm")))
    for row, beneath in ours:
        print(line(row["name"], row))
        for other in beneath:
            print(line("  " + other["system"], other, row))
    for row in alone:
        print(line(f"{row['name']}: {row['system']}", row))
    for text in left_out(entries):
        print("left out: " + text)


def main():
    if sys.argv[1] == "--keep":
        keep(*sys.argv[2:])
        return 0
    as_json = sys.argv[1] == "--json"
    entries = [json.loads(text) for text in pathlib.Path(sys.argv[-1]).read_text().splitlines()]
    if as_json:
        print(json.dumps({"programs": [{key: entry[key] for key in ("label", "end", "seconds")} for entry in entries],
                          "reckon": rows_of(entries, "reckon"), "others": rows_of(entries, "others"), "left_out": left_out(entries)}))
    else:
        print_table(entries)
    failed = [entry for entry in entries if entry["system"] == "reckon" and entry["end"].startswith(("exit code", "printed no"))]
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
