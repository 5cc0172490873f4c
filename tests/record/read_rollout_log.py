#!/usr/bin/env python3
"""Reads a rollout log with h5py alone, by what docs/rollout-log.md says, and prints it as one JSON object.

Usage: read_rollout_log.py FILE [--live]
"""
import json
import sys

import h5py


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def ragged(group, row, convert):
    low, high = group["offsets"][row : row + 2]
    return convert(group["values"][low:high])


def as_text(values):
    return values.tobytes().decode()


def as_list(values):
    return values.tolist()


def read_prompt(prompts, row):
    prompt = {"id": int(prompts["id"][row]), "level": int(prompts["level"][row])}
    for name in ("task", "source", "gold", "spec", "text"):
        prompt[name] = ragged(prompts[name], row, as_text)
    prompt["token_ids"] = ragged(prompts["token_ids"], row, as_list)
    return prompt


def read_completion(file, row):
    table = file["completions"]
    completion = {
        name: table[name][row].item()
        for name in ("step", "visit", "group_id", "sample_index", "policy_version", "reward", "advantage", "temperature",
                     "admission")
    }
    for name in ("finish_reason", "grade", "verdict"):
        names = {int(code): key for key, code in table[name].attrs.items()}
        completion[name] = names[int(table[name][row])]
    low, high = table["token_offset"][row : row + 2]
    completion["token_ids"] = file["tokens/id"][low:high].tolist()
    completion["sampler_logprob"] = file["tokens/sampler_logprob"][low:high].tolist()
    versions = file["tokens"].get("policy_version")
    completion["token_versions"] = (
        versions[low:high].tolist() if versions else [completion["policy_version"]] * int(high - low)
    )
    completion["text"] = ragged(table["text"], row, as_text)
    terms = [name for name in text(file["rewards"].attrs["terms"]).split(",") if name]
    completion["reward_terms"] = {name: file["rewards"][name][row].item() for name in terms}
    completion["prompt"] = read_prompt(file["prompts"], int(table["prompt_row"][row]))
    return completion


def read_log(file):
    steps = []
    table = file["steps"]
    for row in range(len(table["step"])):
        first, count = int(table["first_completion"][row]), int(table["num_completions"][row])
        step = {"step": int(table["step"][row])}
        for name in ("batch_sha256", "weights_before_sha256", "weights_after_sha256"):
            step[name] = text(table[name][row])
        step["completions"] = [read_completion(file, i) for i in range(first, first + count)]
        steps.append(step)
    attributes = {name: text(value) if isinstance(value, bytes) else int(value) for name, value in file.attrs.items()}
    filters = sorted({(d.compression, d.compression_opts, d.shuffle, d.fletcher32) for d in columns(file)})
    return {"attributes": attributes, "recipe": text(file["recipe"][()]), "filters": filters, "steps": steps}


def columns(file):
    found = []
    file.visititems(lambda name, item: found.append(item) if isinstance(item, h5py.Dataset) and item.shape else None)
    return found


with h5py.File(sys.argv[1], "r", swmr="--live" in sys.argv) as log:
    print(json.dumps(read_log(log)))
