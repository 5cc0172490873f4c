#!/usr/bin/env python3
"""Makes the one result of scripts/gpu_check.sh from the files of its parts; exits with 1 where something failed or was not run.

Usage: gpu_check_report.py LOGS RESULT.json
"""
import json
import pathlib
import re
import subprocess
import sys

SAID_BY_TIMEOUT = {"124", "137"}


def lines_of(path):
    return path.read_text(errors="replace").splitlines() if path.exists() else []


def commit():
    """Of the tree; where git is not there, what --prepare wrote down."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        changed = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], capture_output=True, text=True, check=False)
        return done.stdout.strip() + (" with changes" if changed.stdout.strip() else "")
    return " ".join(lines_of(pathlib.Path(".gpu/commit"))) or "unknown"


def gpu():
    fields = ["name", "driver_version", "memory.total", "compute_cap"]
    try:
        done = subprocess.run(["nvidia-smi", "--query-gpu=" + ",".join(fields), "--format=csv,noheader"], capture_output=True, text=True,
                              check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return dict(zip(fields, [value.strip() for value in done.stdout.splitlines()[0].split(",")]))


def tests(logs):
    lines = lines_of(logs / "tests.txt")
    match = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", lines[-1]) if lines else None
    if not match:
        return None
    passed, failed, skipped = map(int, match.groups())
    return {"passed": passed, "failed": failed, "skipped": skipped, "names": lines[:-1]}


def sanitizer(logs):
    runs = []
    for line in lines_of(logs / "sanitizer.tsv"):
        tool, program, status, found = line.split("\t")
        end = "stopped" if status in SAID_BY_TIMEOUT else "clean" if status == "0" else "failed"
        runs.append({"tool": tool, "program": program, "end": end, "found": found})
    return runs


def bench(logs):
    return [json.loads(line) for line in lines_of(logs / "bench.jsonl") if line.startswith("{")]


def result_of(logs):
    parts = {}
    for line in lines_of(logs / "parts.tsv"):
        name, end, seconds = line.split("\t")
        parts[name] = {"end": end, "seconds": int(seconds)}
    # What an earlier check left there is not of this one.
    ran = [name for name, part in parts.items() if not part["end"].startswith("not ")]
    result = {"commit": commit(), "gpu": gpu(), "parts": parts, "not_run": [name for name in parts if name not in ran]}
    for name, read in (("tests", tests), ("sanitizer", sanitizer), ("bench", bench)):
        result[name] = read(logs) if name in ran else None
    return result


def is_good(result):
    asked = [part for part in result["parts"].values() if part["end"] != "not asked for"]
    counts = result["tests"]
    tests_passed = result["parts"].get("tests", {}).get("end") == "not asked for" or (
        counts is not None and counts["failed"] == 0 and counts["skipped"] == 0 and counts["passed"] > 0)
    return bool(asked) and tests_passed and all(part["end"] == "done" for part in asked)


def main():
    logs, target = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    result = result_of(logs)
    result["good"] = is_good(result)
    target.write_text(json.dumps(result, indent=1) + "\n")
    for name, part in result["parts"].items():
        print(f"{name}: {part['end']}, {part['seconds']} s")
    if result["tests"]:
        print("tests: {passed} passed, {failed} failed, {skipped} skipped".format(**result["tests"]))
    for run in result["sanitizer"] or []:
        print(f"{run['tool']} {run['program']}: {run['end']} {run['found']}")
    return 0 if result["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
