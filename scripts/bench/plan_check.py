#!/usr/bin/env python3
"""Holds `reckon plan` for the processor against short runs: time a step and memory a rank.

Usage: plan_check.py RECKON RECIPE... [--ranks 1,2] [--sft 60] [--rl 6]

Each recipe is trained for a few steps; the plan is then asked with the lengths that the run had (--from-run), so
that what is compared is the model of the machine, not a guess of lengths.
  wall      seconds of a step by metrics.jsonl
  cpu       of one rank: processor time of a step, user and system, read from /proc as rows of metrics.jsonl come; what
            to look at where other work runs on the machine. Of several ranks it says nothing: who waits spins
  memory    a second run, whose policy is not taught, so that its completions are as long as max_new_tokens as the plan
            takes them to be, with random rewards, so that there are gradients: largest `rss_mb_max` less what the
            process held before there were weights ("program" in the run's own line)
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


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

    def settings(self, sft, rl, random_reward=False):
        out = []
        for name, value in [(n, f"steps={sft}") for n in self.sft] + [(n, f"steps={rl}") for n in self.rl]:
            out += ["--set", f"stage.{name}.{value}"]
        for name in self.evals:
            out += ["--set", f"stage.{name}.eval_prompts=16", "--set", f"stage.{name}.eval_samples=1"]
        for name in self.rl if random_reward else []:
            out += ["--set", f"stage.{name}.reward.random=1.0"]
        return out

    def train(self, folder, ranks, settings):
        """Trains; returns what it said, and with one rank its processor time at each row of the metrics."""
        shutil.rmtree(folder, ignore_errors=True)
        command = [self.reckon, "train", self.path, "--out", folder, "--progress", "plain"] + settings
        if ranks > 1:
            command = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(ranks)] + command
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(command, stdout=said, env={**os.environ, "OMP_NUM_THREADS": "1"})
            seconds = cpu_at_rows(process, os.path.join(folder, "metrics.jsonl")) if ranks == 1 else []
            if process.wait() != 0:
                sys.exit(f"plan_check.py: {' '.join(command)} ended with {process.returncode}")
            said.seek(0)
            return said.read(), seconds

    def plan(self, folder, ranks, settings):
        command = [self.reckon, "plan", self.path, "--ranks-per-node", str(ranks), "--from-run", folder, "--json"]
        return json.loads(subprocess.run(command + settings, check=True, capture_output=True, text=True).stdout)


def cpu_at_rows(process, metrics):
    """Processor time of a process as rows come, in their order. Rows that come together have the same."""
    ticks = os.sysconf("SC_CLK_TCK")
    seconds, used, size = [], 0.0, 0
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
                fields = stat.read().rsplit(")", 1)[1].split()
            used = (int(fields[11]) + int(fields[12])) / ticks
            if os.path.getsize(metrics) != size:
                size = os.path.getsize(metrics)
                with open(metrics, encoding="utf-8") as file:
                    rows = file.read().count("\n")
                seconds += [used] * (rows - len(seconds))
        except (FileNotFoundError, ProcessLookupError, IndexError):
            pass
        time.sleep(0.003)
    return seconds


def rows_of(folder):
    rows = {}
    with open(os.path.join(folder, "metrics.jsonl"), encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            rows.setdefault(row["stage"], []).append(row)
    return rows


def wall_of(rows):
    """Seconds of a step: of grpo the median behind the first two, of sft from its clock, which counts from the start."""
    if "sample_seconds" in rows[0]:
        return statistics.median(row["seconds"] for row in rows[2:])
    first, last = rows[0], rows[-1]
    return (last["seconds"] - first["seconds"]) / (last["step"] - first["step"])


def error_text(predicted, measured):
    return f"{100 * (predicted / measured - 1):+.0f} %"


def cpu_of(rows, seconds):
    """Processor time of a step, by the first and the last row."""
    numbered = [(row["step"], at) for row, at in zip(rows, seconds)]
    return (numbered[-1][1] - numbered[0][1]) / (numbered[-1][0] - numbered[0][0])


def check_time(recipe, ranks, sft, rl, folder):
    settings = recipe.settings(sft, rl)
    _, seconds = recipe.train(folder, ranks, settings)
    rows = rows_of(folder)
    plan = recipe.plan(folder, ranks, settings)
    predicted = {stage["name"]: stage["step_s"] for stage in plan["stages"]}
    label = os.path.basename(recipe.path).removesuffix(".toml")
    at = 0
    for name, stage_rows in rows.items():
        stage_seconds = seconds[at : at + len(stage_rows)]
        at += len(stage_rows)
        if name in recipe.evals:
            continue
        wall = wall_of(stage_rows)
        text = f"| {label} | {ranks} | {name} | {predicted[name]:.3f} | {wall:.3f} | {error_text(predicted[name], wall)} |"
        if len(stage_seconds) == len(stage_rows):
            cpu = cpu_of(stage_rows, stage_seconds)
            text += f" {cpu:.3f} | {error_text(predicted[name], cpu)} |"
        print(text, flush=True)


def check_memory(recipe, ranks, folder):
    settings = recipe.settings(1, 3, random_reward=True)
    said, _ = recipe.train(folder, ranks, settings)
    program = float(re.search(r"memory: .*program ([0-9.]+)", said).group(1))
    plan = recipe.plan(folder, ranks, settings)
    most = max(row.get("rss_mb_max", 0) for rows in rows_of(folder).values() for row in rows) - program
    needed = max(stage["memory_mb"] for stage in plan["stages"]) - plan["program_mb"]
    label = os.path.basename(recipe.path).removesuffix(".toml")
    return f"| {label} | {ranks} | {needed:.0f} | {most:.0f} | {error_text(needed, most)} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reckon")
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--ranks", default="1,2")
    parser.add_argument("--sft", type=int, default=60)
    parser.add_argument("--rl", type=int, default=6)
    options = parser.parse_args()
    if options.sft < 20 or options.rl < 3:
        sys.exit("plan_check.py: --sft needs 20 steps at least, --rl 3")
    memory = []
    print("| recipe | ranks | stage | plan s | wall s | | cpu s | |\n|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for path in options.recipes:
            recipe = Recipe(options.reckon, path)
            for ranks in map(int, options.ranks.split(",")):
                folder = os.path.join(scratch, "run")
                check_time(recipe, ranks, options.sft, options.rl, folder)
                memory.append(check_memory(recipe, ranks, folder))
    print("\n| recipe | ranks | plan MiB | measured MiB | |\n|---|---|---|---|---|\n" + "\n".join(memory))


if __name__ == "__main__":
    main()
