#!/usr/bin/env python3
"""Seconds of a step of TRL's GRPOTrainer on random weights: sampling, random rewards and one update.

Usage: trl_step.py SHAPE float32|bfloat16 THREADS [--attention eager|sdpa] [--autocast] [--cache static]
"""
import argparse
import random
import statistics
import tempfile
import time

import datasets
import torch
import transformers
import trl
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, TrainerCallback

from shapes import ATTENTION, SHAPES, peak_rss_mib, random_model, report


def word_tokenizer(size):
    """A word is a token: w0, w1, ...; the last two mean padding and the end."""
    vocabulary = {f"w{i}": i for i in range(size - 2)} | {"<pad>": size - 2, "<eos>": size - 1}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<pad>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>",
                                   padding_side="left")


class Clock(TrainerCallback):
    """Times of step ends; a step is what lies between two of them."""

    def __init__(self):
        self.ends = []

    def on_step_end(self, *_, **__):
        self.ends.append(time.perf_counter())


class TimedTrainer(trl.GRPOTrainer):
    """Keeps the seconds of each generation and the lengths of the completions."""

    def _generate_single_turn(self, *arguments, **named):
        start = time.perf_counter()
        result = super()._generate_single_turn(*arguments, **named)
        self.generations.append((time.perf_counter() - start, [len(ids) for ids in result[0]]))
        return result


def random_reward(completions, **_):
    return [random.random() for _ in completions]


def settings(shape, folder, autocast, cache):
    """One optimizer update a step on all its completions at once, nothing logged or saved."""
    return trl.GRPOConfig(
        output_dir=folder, use_cpu=True, bf16=autocast, per_device_train_batch_size=shape.batch,
        gradient_accumulation_steps=1, num_generations=shape.group, max_completion_length=shape.new_tokens,
        generation_kwargs={"min_new_tokens": shape.new_tokens}, cache_implementation=cache, temperature=1.0, beta=0.0,
        num_iterations=1, max_steps=1 + shape.steps, learning_rate=1e-6, gradient_checkpointing=False,
        logging_strategy="no", save_strategy="no", report_to="none", disable_tqdm=True, seed=7)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("dtype", choices=ATTENTION)
    parser.add_argument("threads", type=int)
    parser.add_argument("--attention")
    parser.add_argument("--autocast", action="store_true", help="float32 weights, products in bfloat16")
    parser.add_argument("--cache")
    arguments = parser.parse_args()
    shape = SHAPES[arguments.shape]
    attention = arguments.attention or ATTENTION[arguments.dtype]
    torch.set_num_threads(arguments.threads)
    transformers.set_seed(7)

    tokenizer = word_tokenizer(shape.vocab_size)
    model = random_model(shape, "float32" if arguments.autocast else arguments.dtype, attention,
                         eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id)
    words = [[f"w{random.randrange(shape.vocab_size - 2)}" for _ in range(shape.prompt_tokens)]
             for _ in range(shape.prompts)]
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = TimedTrainer(
            model=model, reward_funcs=random_reward, processing_class=tokenizer, callbacks=[clock],
            args=settings(shape, folder, arguments.autocast, arguments.cache),
            train_dataset=datasets.Dataset.from_dict({"prompt": [" ".join(prompt) for prompt in words]}))
        trainer.generations = []
        trainer.train()

    lengths = {length for _, lengths in trainer.generations for length in lengths}
    assert lengths == {shape.new_tokens}, lengths
    steps = [end - start for start, end in zip(clock.ends, clock.ends[1:])]  # the first step warms up
    generate = [seconds for seconds, _ in trainer.generations[1:]]
    generated = shape.batch * shape.new_tokens
    report("trl", arguments.shape, arguments.dtype,
           version=f"trl {trl.__version__}, transformers {transformers.__version__}, torch {torch.__version__}, "
                   f"{attention}", step_s=min(steps), step_s_median=statistics.median(steps),
           generate_tokens_per_s=generated / min(generate),
           generate_tokens_per_s_median=generated / statistics.median(generate), peak_rss_mib=peak_rss_mib())


if __name__ == "__main__":
    main()
