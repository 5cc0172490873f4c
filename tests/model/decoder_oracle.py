"""What transformers makes of a model folder of ours: prints one JSON object.

Usage: decoder_oracle.py FOLDER TOKEN_ID...
Output: {"logits": [[V] for each token], "parameters": N}
"""
import json
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

model, info = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32, output_loading_info=True)
assert not info["missing_keys"] and not info["unexpected_keys"], info
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
assert tokenizer.eos_token_id == model.config.eos_token_id
ids = torch.tensor([[int(word) for word in sys.argv[2:]]])
with torch.no_grad():
    logits = model(ids).logits[0]
print(json.dumps({"logits": logits.tolist(), "parameters": model.num_parameters()}))
