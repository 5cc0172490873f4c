#!/usr/bin/env python3
"""Draws of tests/rollout/sampler_test.cpp (GumbelArgmax, IsTheSameNumberForEver), written down from the definition.

Prints the tokens for logits v / 4, v = 0 .. 9, temperature 1, key (seed 7, stage 1, prompt 5, visit 0, sample 3),
positions 0 .. 11.
"""
import math

M32, M64 = 2**32 - 1, 2**64 - 1


def philox4x32(counter, key):
    counter, key = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(b >> 32) ^ counter[1] ^ key[0], b & M32, (a >> 32) ^ counter[3] ^ key[1], a & M32]
        key = [(key[0] + 0x9E3779B9) & M32, (key[1] + 0xBB67AE85) & M32]
    return counter


def mix64(*words):
    state = 0
    for word in list(words) + [0] * (4 - len(words)):
        state = (state + word + 0x9E3779B97F4A7C15) & M64
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & M64
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & M64
        state ^= state >> 31
    return state


def draw(logits, seed, stage, prompt, visit, sample, position):
    name = mix64(seed, stage, prompt)
    scores = []
    for v, logit in enumerate(logits):
        word = philox4x32([v // 4, position, visit, sample], [name & M32, name >> 32])[v % 4]
        scores.append(logit - math.log(-math.log((word + 0.5) / 2**32)))
    return scores.index(max(scores))


print(", ".join(str(draw([v / 4 for v in range(10)], 7, 1, 5, 0, 3, p)) for p in range(12)))
