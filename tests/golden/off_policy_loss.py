"""What TRL's own GRPOTrainer makes of completions of another policy, in float64: prints off_policy_loss.json.

Usage: off_policy_loss.py > off_policy_loss.json
A case: {"mode", "cap", "level", "beta", "lengths", "advantage", "policy", "old", "sampler", "reference", "ratio", "loss", "grad"}
mode is vllm_importance_sampling_mode, cap its clip_max; clip_min is 1 / cap for sequence_mask. policy to reference and grad are of B
completions, each as long as "lengths" says; "ratio" is what TRL multiplies the terms by: of each completion, or of each token. loss_type is
"grpo": the mean over a completion's tokens, then over completions. epsilon 0.2 and 0.28. Needs trl 1.16.0 (scripts/bench/requirements.txt).
"""
import collections
import inspect
import json
import textwrap
from types import SimpleNamespace

import torch
from trl.trainer.grpo_trainer import GRPOTrainer

START = "if self.use_vllm and self.vllm_importance_sampling_correction:"
END = "# Compute the per-token log probabilities for the reference model"
LENGTHS = [1, 3, 9, 6, 4]


def importance_ratio(trainer, old, sampler, mask):
    """The statements of GRPOTrainer that compute it, on these tensors."""
    source = inspect.getsource(GRPOTrainer._generate_and_score_completions)
    begin = source.rindex("\n", 0, source.index(START)) + 1
    names = {"self": trainer, "torch": torch, "math": __import__("math"), "completion_mask": mask, "tool_mask": None,
             "old_per_token_logps": old, "sampling_per_token_logps": sampler}
    exec(textwrap.dedent(source[begin : source.index(END)]), names)
    return names["vllm_importance_sampling_ratio"]


def trainer_of(mode, cap, level, beta, policy):
    same = SimpleNamespace(gather=lambda x: x, gather_for_metrics=lambda x: x, reduce=lambda x, reduction: x, num_processes=1)
    return SimpleNamespace(
        use_vllm=True, vllm_importance_sampling_correction=True, vllm_importance_sampling_mode=mode,
        vllm_importance_sampling_clip_max=cap, vllm_importance_sampling_clip_min=1 / cap if mode == "sequence_mask" else None,
        importance_sampling_level=level, beta=beta, epsilon_low=0.2, epsilon_high=0.28, loss_type="grpo",
        off_policy_mask_threshold=None, top_entropy_quantile=1.0, aux_loss_enabled=False, _entropy_bonus_enabled=False,
        max_completion_length=max(LENGTHS), current_gradient_accumulation_steps=1, accelerator=same,
        model=SimpleNamespace(training=True), _metrics={"train": collections.defaultdict(list)},
        args=SimpleNamespace(delta=None, use_bias_correction_kl=False),
        _get_per_token_logps_and_entropies=lambda *_, **__: (policy, torch.zeros_like(policy), None))


def case(mode, cap, level, beta, spread):
    size = (len(LENGTHS), max(LENGTHS))
    mask = torch.tensor([[float(t < length) for t in range(size[1])] for length in LENGTHS], dtype=torch.float64)
    near = lambda: -2 + 0 * mask + spread * torch.randn(size, dtype=torch.float64)
    policy = near().requires_grad_()
    old, sampler, reference = near(), near(), near()
    advantage = torch.randn(size[0], dtype=torch.float64)
    trainer = trainer_of(mode, cap, level, beta, policy)
    ratio = importance_ratio(trainer, old, sampler, mask)
    ids = torch.zeros(size, dtype=torch.long)
    loss = GRPOTrainer._compute_loss(trainer, None, {
        "prompt_ids": ids[:, :1], "prompt_mask": ids[:, :1], "completion_ids": ids, "completion_mask": mask, "advantages": advantage,
        "old_per_token_logps": old, "ref_per_token_logps": reference, "importance_sampling_ratio": ratio})
    loss.backward()
    cut = lambda rows: [row[:length] for row, length in zip(rows.tolist(), LENGTHS)]
    return {"mode": mode, "cap": cap, "level": level, "beta": beta, "lengths": LENGTHS, "advantage": advantage.tolist(),
            "policy": cut(policy.detach()), "old": cut(old), "sampler": cut(sampler), "reference": cut(reference),
            "ratio": ratio.squeeze(1).tolist() if ratio.shape[1] == 1 else cut(ratio), "loss": loss.item(), "grad": cut(policy.grad)}


torch.manual_seed(5)
cases = [case(mode, cap, level, beta, spread)
         for mode, cap, spread in [("token_truncate", 1.1, 0.2), ("sequence_mask", 1.5, 0.2)]
         for level in ["token", "sequence"] for beta in [0.0, 0.04]]
print(json.dumps({"made_with": {"trl": __import__("trl").__version__, "torch": torch.__version__}, "cases": cases}))
