#!/usr/bin/env python3
"""Speed of transformers.generate on random weights: sampling, and exactly the new tokens of the shape.

Usage: generate.py SHAPE float32|bfloat16 THREADS [--attention eager|sdpa] [--cache static]
"""
import argparse
import statistics
import time

import torch
import transformers

from shapes import ATTENTION, SHAPES, peak_rss_mib, random_model, report


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("dtype", choices=ATTENTION)
    parser.add_argument("threads", type=int)
    parser.add_argument("--attention")
    parser.add_argument("--cache")
    arguments = parser.parse_args()
    shape = SHAPES[arguments.shape]
    attention = arguments.attention or ATTENTION[arguments.dtype]
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(7)

    model = random_model(shape, arguments.dtype, attention, eos_token_id=None).eval()
    prompts = torch.randint(shape.vocab_size, (shape.prompts, shape.prompt_tokens)).repeat_interleave(shape.group, 0)
    options = dict(attention_mask=torch.ones_like(prompts), do_sample=True, temperature=1.0, top_k=0, top_p=1.0,
                   max_new_tokens=shape.new_tokens, eos_token_id=None, pad_token_id=0)
    if arguments.cache:
        options.update(cache_implementation=arguments.cache, disable_compile=True)

    seconds = []
    for _ in range(1 + shape.steps):
        start = time.perf_counter()
        with torch.inference_mode():
            tokens = model.generate(prompts, **options)
        seconds.append(time.perf_counter() - start)
        assert tokens.shape == (shape.batch, shape.prompt_tokens + shape.new_tokens), tokens.shape
    seconds = seconds[1:]  # the first warms up
    generated = shape.batch * shape.new_tokens
    report("transformers", arguments.shape, arguments.dtype,
           version=f"transformers {transformers.__version__}, torch {torch.__version__}, {attention}",
           generate_tokens_per_s=generated / min(seconds),
           generate_tokens_per_s_median=generated / statistics.median(seconds), peak_rss_mib=peak_rss_mib())


if __name__ == "__main__":
    main()
