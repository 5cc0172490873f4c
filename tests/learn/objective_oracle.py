"""The clipped objective by autograd, in float64: prints one JSON list, an entry for each case.

Usage: objective_oracle.py CASES.json
A case: {"level", "eps_low", "eps_high", "kl_coef", "off_policy", "off_policy_cap", "weight", "advantage", "policy", "sampler", "reference", "old"}
An entry: {"loss", "coef"}
"""
import json
import sys

import torch


def loss_of(case, policy):
    tensor = {name: torch.tensor(case[name], dtype=torch.float64) for name in ("sampler", "reference", "old")}
    old = tensor["sampler"]
    correction = torch.ones_like(old)
    cap = case["off_policy_cap"]
    if case["off_policy"] != "none":
        old = tensor["old"] if case["old"] else policy.detach()
    if case["off_policy"] == "tis":
        correction = (old - tensor["sampler"]).exp().clamp(max=cap)
    if case["off_policy"] == "sequence_mask":
        importance = (old - tensor["sampler"]).exp().prod()
        correction = ((importance <= cap) & (importance >= 1 / cap)).double().expand(len(policy))
    log_ratio = policy - old
    if case["level"] == "sequence":
        log_ratio = log_ratio.mean().expand(len(policy))
    ratio = log_ratio.exp()
    clipped = ratio.clamp(1 - case["eps_low"], 1 + case["eps_high"])
    terms = torch.minimum(ratio * case["advantage"], clipped * case["advantage"]) * correction
    if case["kl_coef"] > 0:
        apart = tensor["reference"] - policy
        terms = terms - case["kl_coef"] * (apart.exp() - apart - 1)
    return -(case["weight"] * terms).sum()


answers = []
with open(sys.argv[1]) as file:
    for case in json.load(file):
        policy = torch.tensor(case["policy"], dtype=torch.float64, requires_grad=True)
        loss = loss_of(case, policy)
        loss.backward()
        answers.append({"loss": loss.item(), "coef": policy.grad.tolist()})
print(json.dumps(answers))
