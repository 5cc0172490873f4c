#!/usr/bin/env python3
"""The work of gpu_bench done by torch (eager, and by torch.compile) and by Liger-Kernel, on the same machine: a JSON object
on each line, the last of which has everything.

Usage: gpu_rivals.py [--part loss,fused,adamw,elementwise] [--system eager,compile,liger] [--seconds N] [--device cuda|cpu] [--tiny]
A system that is missing or fails has a row that says so. Rows have the names and shapes of gpu_bench's.
"""
import argparse
import functools
import json
import statistics
import sys
import time

import torch
import torch.nn.functional as F

SYSTEMS = ("eager", "compile", "liger")
CLIP = 0.2
GROUP = 16  # sequences that the rows belong to


class NotRun(Exception):
    pass


class Bench:
    """Runs and times functions, and keeps a row for each."""

    def __init__(self, arguments):
        self.device, self.tiny, self.systems = arguments.device, arguments.tiny, arguments.system
        self.end = time.monotonic() + arguments.seconds if arguments.seconds else None
        self.rows = []

    def size(self, full, tiny):
        return tiny if self.tiny else full

    def random(self, *shape, dtype=torch.bfloat16, scale=1.0):
        return (scale * torch.randn(shape, device=self.device, dtype=torch.float32 if self.device == "cpu" else dtype)).to(dtype)

    def synchronize(self):
        if self.device == "cuda":
            torch.cuda.synchronize()

    def once(self, work):
        """Milliseconds of one call."""
        if self.device == "cpu":
            start = time.perf_counter()
            work()
            return 1e3 * (time.perf_counter() - start)
        begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        begin.record()
        work()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end)

    def measure(self, work, prepare):
        """Median and least milliseconds behind rounds that warm up, with the memory that was taken on top."""
        warm_up, most = self.size(3, 1), self.size(15, 2)
        for _ in range(warm_up):
            prepare()
            result = work()
        result = float(result) if isinstance(result, torch.Tensor) and result.numel() == 1 else None
        self.synchronize()
        memory = None
        if self.device == "cuda":
            torch.cuda.reset_peak_memory_stats()
            memory = torch.cuda.memory_allocated()
        times, start = [], time.monotonic()
        while len(times) < most and (len(times) < 3 or time.monotonic() - start < 1.0):
            prepare()
            times.append(self.once(work))
        row = {"ms": statistics.median(times), "fastest_ms": min(times), "repeats": len(times)}
        if result is not None:
            row["loss"] = result
        if memory is not None:
            row["peak_extra_gb"] = (torch.cuda.max_memory_allocated() - memory) / 1e9
        return row

    def report(self):
        """The result so far: whoever stops this program has what was measured."""
        device = torch.cuda.get_device_name() if self.device == "cuda" else "cpu"
        print(json.dumps({"device": device, "versions": versions(), "rows": self.rows}), flush=True)

    def add(self, part, name, shape, system, label, make, prepare=lambda: None):
        """A row of a system; `make` gives the function to time, and imports what that needs."""
        if system not in self.systems:
            return
        row = {"part": part, "name": name, "shape": shape, "system": label}
        try:
            if self.end is not None and time.monotonic() > self.end:
                raise NotRun("no time was left")
            row.update(self.measure(make(), prepare))
        except NotRun as reason:
            row["not_run"] = str(reason)
        except Exception as error:  # whatever it is, the others go on and the table says so
            row["error"] = f"{type(error).__name__}: {str(error).strip()[:300]}"
        if self.device == "cuda":
            torch.cuda.empty_cache()
        self.rows.append(row)
        self.report()


def compiled(function):
    torch._dynamo.reset()
    return torch.compile(function, dynamic=False)


def policy_loss(logp, old, advantages):
    """GRPO's clipped objective, summed over tokens and divided by their number."""
    ratio = torch.exp(logp - old)
    return -torch.minimum(ratio * advantages, ratio.clamp(1 - CLIP, 1 + CLIP) * advantages).mean()


def eager_logprob(logits, ids):
    """As TRL does it: log_softmax sequence by sequence in the dtype of the logits, then the token's."""
    return torch.stack([F.log_softmax(row, dim=-1).gather(-1, chosen[:, None]).squeeze(-1) for row, chosen in zip(logits, ids)])


def eager_entropy(logits):
    with torch.no_grad():
        parts = []
        for chunk in logits.flatten(0, 1).split(128):  # TRL's chunk
            logp = F.log_softmax(chunk, dim=-1)
            parts.append(-(logp.exp() * logp).sum(-1))
        return torch.cat(parts)


def fused_logprob(logits, ids):
    """One expression for the compiler: log-probs in float32 and the entropy."""
    wide = logits.float()
    lse = torch.logsumexp(wide, -1)
    logp = wide.gather(-1, ids[..., None]).squeeze(-1) - lse
    with torch.no_grad():
        entropy = lse - (torch.exp(wide - lse[..., None]) * wide).sum(-1)
    return logp, entropy


def loss_part(bench):
    rows, vocab = bench.size(16384, 32), bench.size(151936, 520)
    batch, length = GROUP, rows // GROUP
    shape = f"T{rows} V{vocab}"
    pristine = bench.random(batch, length, vocab, scale=2.0)
    logits = torch.empty_like(pristine).requires_grad_()
    ids = torch.randint(vocab, (batch, length), device=bench.device)
    with torch.no_grad():
        old = torch.stack([fused_logprob(pristine[i], ids[i])[0] for i in range(batch)])
    advantages = bench.random(batch, 1, dtype=torch.float32)

    def restore():
        with torch.no_grad():
            logits.copy_(pristine)

    # Liger's wants a row more for each sequence, which it does not look at.
    longer = torch.cat([pristine, pristine[:, :1]], dim=1) if "liger" in bench.systems else None
    more = torch.empty_like(longer).requires_grad_() if longer is not None else None

    def restore_longer():
        with torch.no_grad():
            more.copy_(longer)

    def eager():
        logp = eager_logprob(logits, ids)
        eager_entropy(logits)
        loss = policy_loss(logp, old, advantages)
        torch.autograd.grad(loss, logits)
        return loss

    def fused(x, chosen):
        logp, entropy = fused_logprob(x, chosen)
        return policy_loss(logp, old, advantages), entropy

    def with_gradient(function):
        def run():
            loss, _ = function(logits, ids)
            torch.autograd.grad(loss, logits)
            return loss
        return run

    def liger():
        from liger_kernel.transformers.grpo_loss import triton_grpo_loss

        def run():
            loss, _ = triton_grpo_loss(more, old, None, ids, advantages.flatten(), temperature=1.0, beta=0.0, eps_low=CLIP,
                                       eps_high=CLIP, inplace=True, loss_type="dapo", reduce=True)
            torch.autograd.grad(loss, more)
            return loss
        return run

    name = "grpo_loss, forward and backward"
    bench.add("loss", name, shape, "eager", "torch eager, TRL's formulas", lambda: eager, restore)
    bench.add("loss", name, shape, "compile", "torch.compile", lambda: with_gradient(compiled(fused)), restore)
    bench.add("loss", name, shape, "liger", "Liger triton_grpo_loss", liger, restore_longer)

    def liger_logprob():
        from liger_kernel.ops.grpo_loss import fused_selective_log_softmax
        return lambda: fused_selective_log_softmax(longer, ids, 1.0, None)

    def without_gradient(function):
        def run():
            with torch.no_grad():
                function(pristine, ids)
        return run

    name = "token_logprob, forward alone"
    bench.add("loss", name, shape, "eager", "torch eager, TRL's formulas",
              lambda: without_gradient(lambda x, chosen: (eager_logprob(x, chosen), eager_entropy(x))))
    bench.add("loss", name, shape, "compile", "torch.compile", lambda: without_gradient(compiled(fused_logprob)))
    bench.add("loss", name, shape, "liger", "Liger fused_selective_log_softmax, no entropy", liger_logprob)

    def cross_entropy(x, chosen):
        return F.cross_entropy(x.flatten(0, 1).float(), chosen.flatten()), None

    def liger_cross_entropy():
        from liger_kernel.transformers import LigerCrossEntropyLoss
        loss_of = LigerCrossEntropyLoss()
        return with_gradient(lambda x, chosen: (loss_of(x.flatten(0, 1), chosen.flatten()), None))

    name = "cross_entropy_loss, forward and backward"
    bench.add("loss", name, shape, "eager", "torch eager", lambda: with_gradient(cross_entropy), restore)
    bench.add("loss", name, shape, "compile", "torch.compile", lambda: with_gradient(compiled(cross_entropy)), restore)
    bench.add("loss", name, shape, "liger", "Liger cross-entropy", liger_cross_entropy, restore)


def fused_case(bench, rows, width, vocab):
    shape = f"T{rows} H{width} V{vocab}"
    batch, length = min(GROUP, rows), rows // min(GROUP, rows)
    hidden = bench.random(batch, length, width).requires_grad_()
    weight = bench.random(vocab, width, scale=0.02).requires_grad_()
    ids = torch.randint(vocab, (batch, length), device=bench.device)
    advantages = bench.random(batch, 1, dtype=torch.float32)
    mask = torch.ones_like(ids, dtype=torch.float32)
    with torch.no_grad():
        old = torch.stack([fused_logprob(hidden[i] @ weight.T, ids[i])[0] for i in range(batch)])

    def eager():
        loss = policy_loss(eager_logprob(hidden @ weight.T, ids), old, advantages)
        torch.autograd.grad(loss, (hidden, weight))
        return loss

    def one(x, w, chosen):
        return policy_loss(fused_logprob(x @ w.T, chosen)[0], old, advantages)

    def with_gradient(function):
        def run():
            loss = function(hidden, weight, ids)
            torch.autograd.grad(loss, (hidden, weight))
            return loss
        return run

    def liger():
        from liger_kernel.chunked_loss import LigerFusedLinearGRPOLoss
        loss_of = LigerFusedLinearGRPOLoss(beta=0.0, use_ref_model=False, epsilon_low=CLIP, epsilon_high=CLIP, loss_type="dapo",
                                           temperature=1.0)
        return with_gradient(lambda x, w, chosen: loss_of(x, w, chosen, mask, advantages.flatten(), old_per_token_logps=old)[0])

    def liger_cross_entropy():
        from liger_kernel.transformers import LigerFusedLinearCrossEntropyLoss
        loss_of = LigerFusedLinearCrossEntropyLoss()
        return with_gradient(lambda x, w, chosen: loss_of(w, x.flatten(0, 1), chosen.flatten()))

    name = "head, grpo_loss, forward and backward"
    bench.add("fused", name, shape, "eager", "torch eager", lambda: eager)
    bench.add("fused", name, shape, "compile", "torch.compile", lambda: with_gradient(compiled(one)))
    bench.add("fused", name, shape, "liger", "LigerFusedLinearGRPOLoss", liger)
    bench.add("fused", name, shape, "liger", "Liger fused linear cross-entropy", liger_cross_entropy)


def fused_part(bench):
    if bench.tiny:
        return fused_case(bench, 32, 32, 264)
    for case in ((4096, 4096, 128256), (16384, 1536, 151936), (16384, 3584, 152064)):
        fused_case(bench, *case)


def adamw_part(bench):
    count = bench.size(1_500_000_000, 70_000)

    def fused():
        weight = torch.nn.Parameter(bench.random(count, dtype=torch.float32, scale=0.02))
        weight.grad = bench.random(count, dtype=torch.float32, scale=0.01)
        optimizer = torch.optim.AdamW([weight], lr=1e-6, fused=True)
        return optimizer.step

    def with_norm_and_copy():
        weight = torch.nn.Parameter(bench.random(count, dtype=torch.float32, scale=0.02))
        weight.grad = bench.random(count, dtype=torch.float32, scale=0.01)
        rounded = torch.empty(count, dtype=torch.bfloat16, device=bench.device)
        optimizer = torch.optim.AdamW([weight], lr=1e-6, fused=True)

        def run():
            torch.nn.utils.clip_grad_norm_([weight], 1.0)
            optimizer.step()
            with torch.no_grad():
                rounded.copy_(weight)
        return run

    bench.add("adamw", "adamw", f"N{count}", "eager", "torch fused AdamW, without clipping and bf16 copy", fused)
    bench.add("adamw", "adamw", f"N{count}", "eager", "torch clip_grad_norm_, fused AdamW, bf16 copy", with_norm_and_copy)


def elementwise_part(bench):
    rows, width, inner = bench.size(16384, 24), bench.size(1536, 64), bench.size(8960, 96)
    x = bench.random(rows, width, dtype=torch.float32).requires_grad_()
    scale = bench.random(width)
    gate, up = bench.random(rows, inner).requires_grad_(), bench.random(rows, inner).requires_grad_()

    def norm(values):
        return (F.rms_norm(values, (width,), eps=1e-6) * scale.float()).bfloat16()

    def swiglu(g, u):
        return F.silu(g) * u

    def backward_of(function, *inputs):
        with torch.enable_grad():
            out = function(*inputs)
            gradient = torch.randn_like(out)
        return lambda: torch.autograd.grad(out, inputs, gradient, retain_graph=True) and None

    def forward_of(function, *inputs):
        def run():
            with torch.no_grad():
                function(*inputs)
        return run

    def liger_swiglu():
        from liger_kernel.ops.swiglu import LigerSiLUMulFunction
        return LigerSiLUMulFunction.apply

    for name, function, inputs, liger in (("rms_norm", norm, (x,), None), ("swiglu", swiglu, (gate, up), liger_swiglu)):
        shape = f"T{rows} x {inputs[0].shape[1]}"
        for system, label, make in (("eager", "torch eager", lambda f=function: f),
                                    ("compile", "torch.compile", lambda f=function: compiled(f)), ("liger", "Liger", liger)):
            if make is None:
                continue
            bench.add("elementwise", name, shape, system, label, lambda m=make, i=inputs: forward_of(m(), *i))
            bench.add("elementwise", name + "_backward", shape, system, label, lambda m=make, i=inputs: backward_of(m(), *i))


PARTS = {"loss": loss_part, "fused": fused_part, "adamw": adamw_part, "elementwise": elementwise_part}


def versions():
    found = {"torch": torch.__version__}
    for package in ("triton", "liger_kernel"):
        try:
            from importlib.metadata import version
            found[package] = version(package.replace("_", "-"))
        except Exception:  # not installed, or without metadata
            found[package] = None
    return found


def main():
    def some_of(known, text):
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"\"{min(unknown)}\" (need some of: {', '.join(known)})")
        return names

    parser = argparse.ArgumentParser()
    parser.add_argument("--part", type=functools.partial(some_of, PARTS), default=list(PARTS))
    parser.add_argument("--system", type=functools.partial(some_of, SYSTEMS), default=list(SYSTEMS))
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true")
    arguments = parser.parse_args()
    torch.manual_seed(7)
    if arguments.device == "cuda" and not torch.cuda.is_available():
        sys.exit("gpu_rivals.py: no GPU that torch sees")
    bench = Bench(arguments)
    for part in arguments.part:
        try:
            PARTS[part](bench)
        except Exception as error:  # its inputs did not fit, say
            bench.rows.append({"part": part, "name": part, "shape": "", "system": "all of the part",
                               "error": f"{type(error).__name__}: {str(error).strip()[:300]}"})
        if bench.device == "cuda":
            torch.cuda.empty_cache()
    bench.report()


if __name__ == "__main__":
    main()
