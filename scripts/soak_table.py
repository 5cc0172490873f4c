#!/usr/bin/env python3
"""The resident memory of a run, stage by stage, from its metrics.jsonl.

Usage: soak_table.py METRICS. Prints a table, and exits with 1 where a stage's memory at its end is more than 2 %
above that after 200 of its steps; or by that and 2 MiB after half of them, where it has fewer than 400.
"""
import json
import sys

COLUMNS = {"rss_mb_max": "program", "rss_helpers_mb": "helpers"}
SETTLED_STEP = 200
MOST_GROWTH = 0.02
SHORT_STAGE = 400  # steps: caches still fill
SLACK_MB = 2.0  # of a short stage


def main():
    stages = {}
    with open(sys.argv[1], encoding="utf-8") as file:
        for row in map(json.loads, file):
            if "rss_mb_max" in row:
                stages.setdefault(row["stage"], []).append(row)
    if not stages:
        sys.exit("soak_table: no row has rss_mb_max (need the metrics of a training run)")
    grows = False
    print(f"{'stage':8} {'memory':8} {'first':>8} {'settled':>8} {'middle':>8} {'end':>8} {'largest':>8}  growth")
    for stage, rows in stages.items():
        settled = min(SETTLED_STEP, len(rows) // 2)
        for column, name in COLUMNS.items():
            values = [row[column] for row in rows]
            before, after = values[settled], values[-1]
            slack = SLACK_MB if len(rows) < SHORT_STAGE else 0.0
            too_much = after - before > MOST_GROWTH * before + slack
            grows = grows or too_much
            picked = (values[0], before, values[len(values) // 2], after, max(values))
            share = (after - before) / before if before > 0 else 0.0
            print(f"{stage:8} {name:8} " + " ".join(f"{value:8.1f}" for value in picked)
                  + f"  {100 * share:+.1f} %" + (" TOO MUCH" if too_much else ""))
    print("MiB, the rank that holds the most; settled: after", SETTLED_STEP, "steps, or half of a shorter stage")
    sys.exit(1 if grows else 0)


main()
