#!/usr/bin/env python3
"""Holds `reckon plan` for the processor against short runs: time a step and memory a rank.

Usage: plan_check.py RECKON RECIPE... [--ranks 1,2] [--sft 60] [--rl 6]

Each recipe is trained for a few steps; the plan is then asked with the lengths that the run had (--from-run), so
that what is compared is the model of the machine, not a guess of lengths. Columns:
  wall      median of a stage's `seconds` in metrics.jsonl behind the first two steps
  cpu       of one rank: processor time of a step, from runs that differ in the steps of that stage alone; what to
            look at where other work runs on the machine
  memory    largest `rss_mb_max` of the run less what the process has before there are weights (program_mb)
"""
import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile


def stages_of(reckon, recipe, kind):
    text = subprocess.run([reckon, "recipe", "show", recipe], capture_output=True, text=True, check=True).stdout
    names, name = [], None
    for line in text.splitlines():
        if line.startswith("[[stage]]"):
            name = None
        elif line.startswith("name = ") and name is None:
            name = line.split('"')[1]
        elif line.startswith("kind = ") and line.split('"')[1] == kind and name:
            names.append(name)
    return names


class Recipe:
    def __init__(self, reckon, path):
        self.reckon, self.path = reckon, path
        self.sft = stages_of(reckon, path, "sft")
        self.rl = stages_of(reckon, path, "grpo")
        self.evals = stages_of(reckon, path, "eval")

    def settings(self, sft, rl):
        out = []
        for name, value in [(n, f"steps={sft}") for n in self.sft] + [(n, f"steps={rl}") for n in self.rl]:
            out += ["--set", f"stage.{name}.{value}"]
        for name in self.evals:
            out += ["--set", f"stage.{name}.eval_prompts=16", "--set", f"stage.{name}.eval_samples=1"]
        return out

    def train(self, folder, ranks, sft, rl):
        """Trains; returns the processor time in seconds."""
        shutil.rmtree(folder, ignore_errors=True)
        command = [self.reckon, "train", self.path, "--out", folder, "--progress", "plain"] + self.settings(sft, rl)
        if ranks > 1:
            command = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(ranks)] + command
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def plan(self, folder, ranks, sft, rl):
        command = [self.reckon, "plan", self.path, "--ranks-per-node", str(ranks), "--from-run", folder, "--json"]
        return json.loads(subprocess.run(command + self.settings(sft, rl), check=True, capture_output=True, text=True).stdout)


def rows_of(folder):
    rows = {}
    with open(os.path.join(folder, "metrics.jsonl"), encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            rows.setdefault(row["stage"], []).append(row)
    return rows


def error_text(predicted, measured):
    return f"{100 * (predicted / measured - 1):+.0f} %"


def check(recipe, ranks, sft, rl, scratch):
    folder = os.path.join(scratch, "run")
    cpu_base = recipe.train(folder, ranks, sft, rl)
    rows = rows_of(folder)
    plan = recipe.plan(folder, ranks, sft, rl)
    predicted = {stage["name"]: stage["step_s"] for stage in plan["stages"]}
    cpu = {}
    if ranks == 1:
        other = os.path.join(scratch, "other")
        more = (recipe.train(other, 1, 2 * sft, rl) - cpu_base) / sft
        for name in recipe.sft:
            cpu[name] = more / len(recipe.sft)
        for name in recipe.rl:
            cpu[name] = (recipe.train(other, 1, sft, 2 * rl) - cpu_base) / rl / len(recipe.rl)
    label = os.path.basename(recipe.path).removesuffix(".toml")
    for name in recipe.sft + recipe.rl:
        wall = statistics.median(row["seconds"] for row in rows[name][2:])
        text = f"| {label} | {ranks} | {name} | {predicted[name]:.3f} | {wall:.3f} | {error_text(predicted[name], wall)} |"
        text += f" {cpu[name]:.3f} | {error_text(predicted[name], cpu[name])} |" if name in cpu else " | |"
        print(text, flush=True)
    most = max(row["rss_mb_max"] for stage in rows.values() for row in stage) - plan["program_mb"]
    needed = max(stage["memory_mb"] for stage in plan["stages"]) - plan["program_mb"]
    return f"| {label} | {ranks} | {needed:.0f} | {most:.0f} | {error_text(needed, most)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reckon")
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--sft", type=int, default=60)
    parser.add_argument("--rl", type=int, default=6)
    options = parser.parse_args()
    if options.sft < 3 or options.rl < 3:
        sys.exit("plan_check.py: --sft and --rl need at least 3 steps: the first two are not counted")
    memory = []
    print("| recipe | ranks | stage | plan s | wall s | | cpu s | |\n|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for path in options.recipes:
            recipe = Recipe(options.reckon, path)
            for ranks in map(int, options.ranks.split(",")):
                memory.append(check(recipe, ranks, options.sft, options.rl, scratch))
    print("\n| recipe | ranks | plan MiB | measured MiB | |\n|---|---|---|---|---|\n" + "\n".join(memory))


if __name__ == "__main__":
    main()
