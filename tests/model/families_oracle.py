"""Random models of every supported kind, as transformers makes and saves them.

Usage: families_oracle.py FOLDER
Writes FOLDER/<name>/ (a model folder) and FOLDER/<name>.json for each configuration:
  prompt      token ids
  logits      [T][V], float32 arithmetic on the stored weights
  logits_own  [T][V], arithmetic in the stored dtype, where that is not float32
  greedy_prompt, greedy  9 ids and the 64 that transformers.generate appends to them, float32 arithmetic
and prints the names.
"""
import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

VOCAB = 300
SHAPE = dict(vocab_size=VOCAB, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=512, initializer_range=0.15, bos_token_id=1,
             eos_token_id=2)
LLAMA3 = {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
          "high_freq_factor": 4.0, "original_max_position_embeddings": 64}
YARN = {"rope_type": "yarn", "rope_theta": 1000000.0, "factor": 4.0, "original_max_position_embeddings": 32}

# name: (configuration class, fields, dtype of the file, largest shard, config.json in the form of transformers 4)
KINDS = {
    "qwen2-tied": (Qwen2Config, dict(tie_word_embeddings=True), "float32", None, False),
    "qwen2-untied-bf16": (Qwen2Config, dict(tie_word_embeddings=False), "bfloat16", None, False),
    "qwen2-shards-bf16": (Qwen2Config, dict(tie_word_embeddings=False, num_key_value_heads=1), "bfloat16", "60KB",
                          True),
    "qwen2-yarn": (Qwen2Config, dict(rope_parameters=dict(YARN)), "float32", None, False),
    "qwen2-window-off": (Qwen2Config, dict(use_sliding_window=False, sliding_window=8, max_window_layers=1),
                         "float32", None, True),
    "qwen3-tied": (Qwen3Config, dict(tie_word_embeddings=True, head_dim=32), "float32", None, False),
    "qwen3-attention-bias": (Qwen3Config, dict(attention_bias=True, head_dim=16), "float32", "40KB", False),
    "qwen3-f16": (Qwen3Config, dict(head_dim=48, num_key_value_heads=4), "float16", None, True),
    "qwen3-yarn-exact": (Qwen3Config, dict(head_dim=32, rope_parameters=dict(
        YARN, truncate=False, beta_fast=16.0, beta_slow=2.0, attention_factor=1.25)), "float32", None, False),
    "qwen3-yarn-mscale": (Qwen3Config, dict(head_dim=32, rope_parameters=dict(YARN, mscale=0.7,
                                                                              mscale_all_dim=1.1)),
                          "bfloat16", None, False),
    "llama-plain": (LlamaConfig, dict(rms_norm_eps=1e-5), "float32", None, True),
    "llama3-tied-bf16": (LlamaConfig, dict(tie_word_embeddings=True, rope_parameters=dict(LLAMA3)), "bfloat16",
                         None, True),
    "llama3-biases": (LlamaConfig, dict(attention_bias=True, mlp_bias=True, rope_parameters=dict(LLAMA3)),
                      "float32", "50KB", False),
    "llama-linear-mlp-bias": (LlamaConfig, dict(mlp_bias=True, num_key_value_heads=4, rope_parameters={
        "rope_type": "linear", "rope_theta": 10000.0, "factor": 2.5}), "float32", None, True),
    "llama-head-dim": (LlamaConfig, dict(head_dim=32, num_key_value_heads=1, attention_bias=True), "float16", "70KB",
                       False),
    "llama-gqa-12-3": (LlamaConfig, dict(num_attention_heads=12, num_key_value_heads=3, hidden_size=96, head_dim=16),
                       "float32", None, False),
}


def as_transformers_4(path):
    """The same values under the names that transformers 4 wrote."""
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = rope if rope["rope_type"] != "default" else None
    config["torch_dtype"] = config.pop("dtype")
    config.pop("layer_types", None)
    path.write_text(json.dumps(config, indent=2))


def make(folder, seed, kind, fields, dtype, shard, old_form):
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(kind(**{**SHAPE, **fields}))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight"):
                parameter.copy_(1 + 0.3 * torch.randn_like(parameter))
            elif name.endswith(".bias"):  # transformers begins with 0, which would hide a bias that is forgotten
                parameter.copy_(0.3 * torch.randn_like(parameter))
    model.to(getattr(torch, dtype)).save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
    if old_form:
        as_transformers_4(folder / "config.json")


def answers(folder, seed, dtype):
    generator = torch.Generator().manual_seed(seed)
    prompt = torch.randint(3, VOCAB, (1, 200), generator=generator)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    out = {"prompt": prompt[0].tolist()}
    with torch.no_grad():
        out["logits"] = model(prompt).logits[0].tolist()
        for start in range(0, 180, 9):  # the first piece of the prompt whose continuation does not end early
            piece = prompt[:, start:start + 9]
            ids = model.generate(piece, max_new_tokens=64, do_sample=False)[0, 9:].tolist()
            if len(ids) == 64:
                break
        out["greedy_prompt"], out["greedy"] = piece[0].tolist(), ids
        if dtype != "float32":
            own = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype)).eval()
            out["logits_own"] = own(prompt).logits[0].float().tolist()
    return out


def main():
    root = pathlib.Path(sys.argv[1])
    torch.set_num_threads(1)
    for seed, (name, (kind, fields, dtype, shard, old_form)) in enumerate(KINDS.items()):
        make(root / name, seed, kind, fields, dtype, shard, old_form)
        (root / (name + ".json")).write_text(json.dumps(answers(root / name, seed, dtype)))
        print(name)


if __name__ == "__main__":
    main()
