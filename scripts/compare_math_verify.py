#!/usr/bin/env python3
"""Grader of reckon and Math-Verify on the same pairs, in turn, on one core: pairs a CPU second, and where they disagree.

Usage: compare_math_verify.py PROGRAM [--pairs FOLDER] [--cases FILE] [--repeats N] [--core N] [--list N]
  PROGRAM   build/<folder>/bin/reckon (its `reckon grade` is run), or build/<folder>/bin/grade_bench
  --pairs   folder of completions.jsonl and answers.jsonl, as `grade_bench --write=FOLDER` makes them
  --cases   public_cases.jsonl of shared/data/grading; its settings go to both graders
To be run with the Python of .deps/oracles (scripts/bootstrap.sh --oracles).

CPU seconds, user and system, since other programs share the machine: of reckon the whole process with its workers, reading and
writing JSON included, less that of a run on no pairs; of Math-Verify the calls of parse and verify alone, after a warm-up.
"""
import argparse
import collections
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse, verify

GRADED_KINDS = ("equiv", "reward", "derived_equiv", "derived_neg", "rg_scoring")
FEWEST_PAIRS = 50_000  # of a timed run of reckon: what a process costs to start is then little


def children_seconds():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def read_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines() if line]


def public_cases(path):
    rows = [row for row in read_lines(path) if row["kind"] in GRADED_KINDS]
    return [row for row in rows if row["expected"] is not None and "quirk" not in row]


class Reckon:
    def __init__(self, program):
        self.program = program
        self.is_bench = pathlib.Path(program).name == "grade_bench"

    def run(self, pairs, options=()):
        """The lines that the program answers with, and its CPU seconds."""
        text = "".join(json.dumps({"gold": p["gold"], "pred": p["pred"]}) + "\n" for p in pairs)
        alone = bool(pairs) and pairs[0].get("alone", False)
        if self.is_bench:
            command = [self.program, "--answers=/dev/stdin" if alone else "--grade=/dev/stdin"]
        else:
            command = [self.program, "grade", "--kind", "answer" if alone else "auto", *options]
        before = children_seconds()
        done = subprocess.run(command, input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()], children_seconds() - before

    def verdicts(self, pairs):
        """Right or not, for each pair; pairs of one setting are graded together."""
        groups = collections.defaultdict(list)
        for index, pair in enumerate(pairs):
            wide = pair.get("flags", {}).get("allow_set_relation_comp") and not self.is_bench
            groups[("--inequality-for-interval",) if wide else ()].append(index)
        result = [False] * len(pairs)
        for options, indices in groups.items():
            lines, _ = self.run([pairs[i] for i in indices], options)
            for index, line in zip(indices, lines, strict=True):
                result[index] = line["grade"] == "equal"
        return result

    def rate(self, pairs):
        copies = -(-FEWEST_PAIRS // len(pairs))
        _, start = self.run([])
        _, seconds = self.run(pairs * copies)
        return copies * len(pairs) / max(seconds - start, 1e-9)


class MathVerify:
    """As its README calls it: the gold in dollars where it is no text by itself, everything else by default."""

    @staticmethod
    def configs(flags):
        types = flags.get("match_types", ["latex", "expr"])
        priority = flags.get("boxed_match_priority", 50)
        known = {"latex": LatexExtractionConfig(boxed_match_priority=priority), "expr": ExprExtractionConfig()}
        return [known[kind] for kind in types if kind in known]

    def grade(self, pair):
        flags = pair.get("flags", {})
        configs = self.configs(flags)
        gold_text = pair["gold"] if flags or "$" in pair["gold"] else f"${pair['gold']}$"
        pred_text = pair["pred"] if flags or not pair.get("alone") or "$" in pair["pred"] else f"${pair['pred']}$"
        gold = parse(gold_text, extraction_config=configs)
        pred = parse(pred_text, extraction_config=configs)
        return verify(gold, pred, float_rounding=flags.get("float_rounding", 6), strict=flags.get("strict", True),
                      allow_set_relation_comp=flags.get("allow_set_relation_comp", False))

    def verdicts(self, pairs):
        return [bool(self.grade(pair)) for pair in pairs]

    def rate(self, pairs):
        start = time.process_time()
        self.verdicts(pairs)
        return len(pairs) / (time.process_time() - start)


def print_speed(name, pairs, reckon, math_verify, repeats):
    ours, theirs = [], []
    for _ in range(repeats):  # in turn, so that a slower hour of the machine meets both
        ours.append(reckon.rate(pairs))
        theirs.append(math_verify.rate(pairs))
    ratios = [a / b for a, b in zip(ours, theirs)]

    def spread(values):
        return f"{statistics.median(values):12,.0f} ({min(values):,.0f} to {max(values):,.0f})"

    print(f"{name}: {len(pairs)} pairs, {repeats} repeats, pairs a CPU second: median (smallest to largest)")
    print(f"  reckon      {spread(ours)}\n  Math-Verify {spread(theirs)}\n  ratio       {spread(ratios)}")


def print_agreement(name, pairs, ours, theirs, num_listed):
    table = collections.Counter(zip(ours, theirs, (pair["expected"] for pair in pairs)))
    print(f"{name}: accepted by       both   reckon only   Math-Verify only   neither")
    for expected in (True, False):
        counts = [table[a, b, expected] for a, b in ((True, True), (True, False), (False, True), (False, False))]
        label = "right" if expected else "wrong"
        print(f"  pairs that are {label}: {counts[0]:10} {counts[1]:13} {counts[2]:18} {counts[3]:9}")
    for who, verdicts in (("reckon", ours), ("Math-Verify", theirs)):
        agree = sum(v == p["expected"] for v, p in zip(verdicts, pairs))
        print(f"  {who} as expected: {agree} of {len(pairs)} ({100 * agree / len(pairs):.2f} %)")
    off = [(a, b, p) for a, b, p in zip(ours, theirs, pairs) if a != p["expected"] or b != p["expected"]]
    for a, b, pair in off[:num_listed]:
        wrong = " and ".join(who for who, v in (("reckon", a), ("Math-Verify", b)) if v != pair["expected"])
        expected = "equal" if pair["expected"] else "different"
        print(f"    {expected}, not for {wrong}: {json.dumps(pair['gold'])[:160]}  {json.dumps(pair['pred'][-160:])}")
    if len(off) > num_listed:
        print(f"    and {len(off) - num_listed} more (--list)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--pairs", type=pathlib.Path)
    parser.add_argument("--cases", type=pathlib.Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--list", type=int, default=25, dest="num_listed")
    arguments = parser.parse_args()
    if not arguments.program.is_file():
        parser.error(f"{arguments.program}: not there (need a built reckon or grade_bench)")
    sets = {}
    if arguments.cases:
        sets["public cases"] = public_cases(arguments.cases)
    if arguments.pairs:
        sets["completions of 2 kB"] = read_lines(arguments.pairs / "completions.jsonl")
        sets["answers of MATH's kinds"] = [p | {"alone": True} for p in read_lines(arguments.pairs / "answers.jsonl")]
    if not sets:
        parser.error("nothing to compare (need --pairs or --cases)")
    os.sched_setaffinity(0, {arguments.core})  # the program and its workers inherit it
    reckon, math_verify = Reckon(str(arguments.program.resolve())), MathVerify()
    for name, pairs in sets.items():
        print_agreement(name, pairs, reckon.verdicts(pairs), math_verify.verdicts(pairs), arguments.num_listed)
        print_speed(name, pairs, reckon, math_verify, arguments.repeats)


if __name__ == "__main__":
    main()
