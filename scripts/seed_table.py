#!/usr/bin/env python3
"""Prints a Markdown table of runs that differ in their seed. Usage: seed_table.py SUMMARY_JSON...

One row for each stage and task: pass@1 of each run, their mean and sample standard deviation, mean completion length.
"""
import json
import pathlib
import statistics
import sys


def main():
    paths = [pathlib.Path(argument) for argument in sys.argv[1:]]
    rows = {}  # (stage, task) -> one result a run
    for path in paths:
        for name, stage in json.loads(path.read_text())["stages"].items():
            if stage["kind"] == "eval":
                continue  # stands under the stage that it evaluates
            for task, result in stage.get("eval", {}).items():
                rows.setdefault((name, task), []).append(result)
    print(f"| stage | task | pass@1 of {', '.join(path.parent.name for path in paths)} | mean ± sd | mean tokens |")
    print("|---|---|---|---|---|")
    for (stage, task), results in rows.items():
        rates = [result["pass_at_1"] for result in results]
        spread = statistics.stdev(rates) if len(rates) > 1 else 0.0
        tokens = statistics.mean(result["mean_tokens"] for result in results)
        each = ", ".join(f"{rate:.3f}" for rate in rates)
        print(f"| {stage} | {task} | {each} | {statistics.mean(rates):.3f} ± {spread:.3f} | {tokens:.1f} |")


if __name__ == "__main__":
    main()
