"""The models of the benchmark, as in tests/bench/step_work.cpp, and the work given to them.

Usage: shapes.py SHAPE prints the work as flags of step_bench. Needs the standard library only.
"""
import dataclasses
import json
import resource
import sys


@dataclasses.dataclass(frozen=True)
class Shape:
    """A Qwen2 with tied embeddings, and the work given to it. Names are those of config.json."""
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    vocab_size: int
    prompts: int
    group: int  # samples of a prompt
    new_tokens: int
    steps: int  # measured, behind one to warm up
    prompt_tokens: int = 32
    max_position_embeddings: int = 1024
    rope_theta: float = 1e6
    rms_norm_eps: float = 1e-6

    @property
    def batch(self):
        return self.prompts * self.group


SHAPES = {
    "small": Shape(hidden_size=256, intermediate_size=768, num_hidden_layers=4, num_attention_heads=4,
                   num_key_value_heads=2, vocab_size=512, prompts=16, group=16, new_tokens=128, steps=3),
    "qwen2.5-0.5b": Shape(hidden_size=896, intermediate_size=4864, num_hidden_layers=24, num_attention_heads=14,
                          num_key_value_heads=2, vocab_size=151936, prompts=2, group=4, new_tokens=16, steps=1),
}


# The faster attention of transformers for these shapes on a CPU; both were tried.
ATTENTION = {"float32": "sdpa", "bfloat16": "eager"}


def random_model(shape, dtype, attention, **extra):
    """A transformers model of the shape, made in its dtype; the imports take seconds, so they stand here."""
    import torch
    from transformers import AutoModelForCausalLM, Qwen2Config
    config = Qwen2Config(
        vocab_size=shape.vocab_size, hidden_size=shape.hidden_size, intermediate_size=shape.intermediate_size,
        num_hidden_layers=shape.num_hidden_layers, num_attention_heads=shape.num_attention_heads,
        num_key_value_heads=shape.num_key_value_heads, max_position_embeddings=shape.max_position_embeddings,
        rms_norm_eps=shape.rms_norm_eps, rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        tie_word_embeddings=True, bos_token_id=None, **extra)
    return AutoModelForCausalLM.from_config(config, dtype=getattr(torch, dtype), attn_implementation=attention)


def peak_rss_mib(who=resource.RUSAGE_SELF):
    return resource.getrusage(who).ru_maxrss / 1024


def report(system, shape, dtype, **numbers):
    """The line that scripts/bench_cpu.sh reads: the last one on standard output."""
    print(json.dumps({"system": system, "shape": shape, "dtype": dtype, **numbers}), flush=True)


if __name__ == "__main__":
    work = SHAPES[sys.argv[1]]
    print(f"--shape {sys.argv[1]} --prompts {work.prompts} --group {work.group} --prompt-tokens {work.prompt_tokens} "
          f"--new-tokens {work.new_tokens} --steps {work.steps} --max-batch {work.batch}")
