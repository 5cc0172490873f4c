#!/usr/bin/env python3
"""Writes a Qwen2 with random weights and no vocabulary as a GGUF file.

Usage: write_gguf.py SHAPE float32|bfloat16 FILE
"""
import os
import sys

import gguf
import numpy as np

from shapes import SHAPES

KINDS = {"float32": gguf.GGMLQuantizationType.F32, "bfloat16": gguf.GGMLQuantizationType.BF16}


def main():
    shape, kind, path = SHAPES[sys.argv[1]], KINDS[sys.argv[2]], sys.argv[3]
    random = np.random.default_rng(7)
    hidden, inner = shape.hidden_size, shape.intermediate_size
    head_dim = hidden // shape.num_attention_heads
    kv_width = shape.num_key_value_heads * head_dim

    writer = gguf.GGUFWriter(path + ".tmp", "qwen2")
    writer.add_context_length(shape.max_position_embeddings)
    writer.add_embedding_length(hidden)
    writer.add_feed_forward_length(inner)
    writer.add_block_count(shape.num_hidden_layers)
    writer.add_head_count(shape.num_attention_heads)
    writer.add_head_count_kv(shape.num_key_value_heads)
    writer.add_layer_norm_rms_eps(shape.rms_norm_eps)
    writer.add_rope_freq_base(shape.rope_theta)
    writer.add_vocab_size(shape.vocab_size)
    writer.add_tokenizer_model("no_vocab")

    def matrix(name, rows, columns):
        weights = random.standard_normal((rows, columns), dtype=np.float32) * np.float32(0.02)
        writer.add_tensor(name, gguf.quantize(weights, kind), raw_dtype=kind)

    def vector(name, size, value):
        writer.add_tensor(name, np.full(size, value, dtype=np.float32))

    matrix("token_embd.weight", shape.vocab_size, hidden)  # no output.weight: the embedding is the head
    for i in range(shape.num_hidden_layers):
        block = f"blk.{i}."
        vector(block + "attn_norm.weight", hidden, 1)
        matrix(block + "attn_q.weight", hidden, hidden)
        vector(block + "attn_q.bias", hidden, 0)
        for name in ("attn_k", "attn_v"):
            matrix(block + name + ".weight", kv_width, hidden)
            vector(block + name + ".bias", kv_width, 0)
        matrix(block + "attn_output.weight", hidden, hidden)
        vector(block + "ffn_norm.weight", hidden, 1)
        matrix(block + "ffn_gate.weight", inner, hidden)
        matrix(block + "ffn_up.weight", inner, hidden)
        matrix(block + "ffn_down.weight", hidden, inner)
    vector("output_norm.weight", hidden, 1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(path + ".tmp", path)


if __name__ == "__main__":
    main()
