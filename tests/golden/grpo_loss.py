#!/usr/bin/env python3
"""Loss and gradient of tests/cuda/grpo_loss_test.cpp (GrpoLossMatchesAutograd), by torch's autograd in float64.

Logits x[r][v] = ((7 r + 3 v) mod 11 - 5) / 2 for 4 rows of 6 words, token r, advantages and log-probs below; temperature 0.8,
clip 0.2 and 0.28, kl_coef 0.04, entropy_coef 0.01, truncated importance weights of at most 1.5. Needs torch.
"""
import torch

T, LOW, HIGH, KL, ENTROPY, CAP = 0.8, 0.2, 0.28, 0.04, 0.01, 1.5
x = torch.tensor([[((7 * r + 3 * v) % 11 - 5) / 2 for v in range(6)] for r in range(4)], dtype=torch.float64, requires_grad=True)
advantage = torch.tensor([1.5, -0.75, 2.0, -1.0], dtype=torch.float64)
weight = torch.tensor([0.25, 0.25, 0.125, 0.5], dtype=torch.float64)
sampler = torch.tensor([-3.5, -0.5, -2.75, -3.0], dtype=torch.float64)
old = torch.tensor([-3.75, -0.25, -1.0, -3.25], dtype=torch.float64)
reference = torch.tensor([-3.0, -0.75, -3.0, -2.0], dtype=torch.float64)

log_p = torch.log_softmax(x / T, -1)
policy = log_p[torch.arange(4), torch.arange(4)]
entropy = -(log_p.exp() * log_p).sum(-1)
ratio = (policy - old).exp()
importance = (old - sampler).exp().clamp(max=CAP)
gain = importance * torch.min(ratio * advantage, ratio.clamp(1 - LOW, 1 + HIGH) * advantage)
k3 = (reference - policy).exp() - (reference - policy) - 1
loss = -weight * (gain - KL * k3 + ENTROPY * entropy)
loss.sum().backward()

for name, values in ("loss", loss), ("ratio", ratio), ("importance", importance), ("k3", k3), ("dlogits", x.grad):
    print(name, values.detach().flatten().tolist())
