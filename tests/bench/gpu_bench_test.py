#!/usr/bin/env python3
"""gpu_bench: all parts at tiny sizes, its numbers, and what it refuses. Usage: gpu_bench_test.py PROGRAM"""
import json
import math
import subprocess
import sys
import unittest

PROGRAM = sys.argv.pop()
PARTS = {"ceilings", "loss", "agreement", "fused", "adamw", "elementwise", "learner", "exact", "decode"}


def run(*arguments):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def numbers_of(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [number for part in value for number in numbers_of(part)]
    return [value] if isinstance(value, (int, float)) else [math.nan] if value is None else []


class AllParts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        status, out, err = run("--tiny", "--json")
        if status == 78 and "no GPU" in err:
            print("no CUDA device")
            sys.exit(77)
        assert status == 0, (status, out, err)
        cls.result = json.loads(out)

    def row(self, name):
        rows = [row for row in self.result["rows"] if row["name"] == name]
        self.assertGreaterEqual(len(rows), 1, name)
        return rows[0]

    def test_every_part_has_rows_and_none_failed(self):
        self.assertEqual({row["part"] for row in self.result["rows"]}, PARTS)
        self.assertEqual(set(self.result["seconds"]), PARTS)
        self.assertEqual((self.result["errors"], self.result["not_run"]), ([], []))

    def test_every_number_is_one(self):
        for number in numbers_of(self.result):
            self.assertTrue(math.isfinite(number))
        for row in self.result["rows"]:
            if "ms" in row:
                self.assertGreater(row["ms"], 0)
                self.assertLessEqual(row["fastest_ms"], row["ms"])

    def test_bytes_are_those_that_must_move(self):
        logits = 32 * 520
        self.assertEqual(self.row("token_logprob, forward alone")["bytes"], 2 * logits)
        self.assertEqual(self.row("grpo_loss, forward and backward")["bytes"], 4 * logits)
        self.assertEqual(self.row("adamw")["bytes"], 30 * 70000)
        self.assertEqual(self.row("rms_norm")["bytes"], 6 * 24 * 64)
        weights = 2 * (2 * 30720 + 264 * 64)
        # Positions before a step in the middle: 32 of a prompt and 2 more; a token has 4 * 2 layers * 2 heads * 16 bytes.
        self.assertEqual(self.row("decode, shared prompts")["bytes"], weights + (2 * 32 + 4 * 2) * 256 + 4 * 4 * 264)
        self.assertEqual(self.row("decode, prompts unshared")["bytes"], weights + (4 * 32 + 4 * 2) * 256 + 4 * 4 * 264)

    def test_flop_are_those_of_the_formula(self):
        self.assertEqual(self.row("head, token_logprob")["flop"], 2 * 32 * 32 * 264)
        self.assertEqual(self.row("head, grpo_loss, forward and backward")["flop"], 6 * 32 * 32 * 264)
        layer = (4 + 2 * 2) * 16 * 64 + 64 * 64 + 2 * 96 * 64 + 64 * 96
        rows = 4 * 9
        attention = 4 * (2 * 4 * 16) * 5  # nine positions: five seen on average
        self.assertEqual(self.row("update")["flop"], 6 * 2 * layer * rows + 6 * 264 * 64 * 4 * 6 + 3 * rows * attention)

    def test_shares_are_of_the_ceilings_of_the_same_run(self):
        copy, gemm = self.row("copy on the device"), self.row("bf16 product")
        self.assertAlmostEqual(copy["share_of_copy"], 1)
        self.assertAlmostEqual(gemm["share_of_gemm"], 1)
        self.assertAlmostEqual(copy["tb_per_s"], self.result["copy_tb_per_s"])
        adamw = self.row("adamw")
        self.assertAlmostEqual(adamw["tb_per_s"], adamw["bytes"] / adamw["ms"] / 1e9)
        self.assertAlmostEqual(adamw["share_of_copy"], adamw["tb_per_s"] / self.result["copy_tb_per_s"])

    def test_losses_are_right(self):
        for name in ("grpo_loss, forward and backward", "head, grpo_loss, forward and backward"):
            row = self.row(name)
            self.assertLess(row["max_logprob_error"], 0.02)  # logits are rounded to bfloat16
            self.assertGreater(row["min_gradient_cosine"], 0.9999)

    def test_exact_numerics_agree_to_the_bit(self):
        exact = [row for row in self.result["rows"] if row["name"] == "sampler and learner" and row["numerics"] == "exact"]
        self.assertEqual(len(exact), 1)
        self.assertGreater(exact[0]["tokens"], 0)
        self.assertEqual((exact[0]["tokens_with_other_bits"], exact[0]["max_logprob_difference"]), (0, 0))
        sweeps = [row for row in self.result["rows"] if row["part"] == "exact"]
        self.assertEqual({row["name"] for row in sweeps},
                         {f"rows of {name}" for name in ("qkv", "out", "gate_up", "down", "head")})
        for row in sweeps:
            self.assertEqual(row["exact"]["differing_rows"], 0)
            self.assertEqual(row["exact"]["compared_rows"], 1 + 2 + 17 + 17)


class Usage(unittest.TestCase):
    def test_one_part_runs_alone(self):
        status, out, _ = run("--tiny", "--json", "--part", "adamw")
        self.assertEqual(status, 0)
        self.assertEqual({row["part"] for row in json.loads(out)["rows"]}, {"ceilings", "adamw"})

    def test_what_was_not_run_for_want_of_time_is_named(self):
        status, out, _ = run("--tiny", "--json", "--seconds", "1e-9")
        self.assertEqual(status, 0)
        self.assertEqual(set(json.loads(out)["not_run"]), PARTS - {"ceilings"})

    def test_the_table_has_a_line_for_each_row(self):
        status, out, _ = run("--tiny", "--part", "adamw,loss")
        self.assertEqual(status, 0)
        for name in ("copy on the device", "grpo_loss, forward and backward", "adamw"):
            self.assertIn("\n" + name + " ", out)

    def test_unknown_words_are_refused(self):
        for arguments, text in ((("--tiny", "--part", "lost"), 'part "lost" (need one of: loss, agreement'),
                                (("--tiny", "--model", "70b"), 'model "70b" (need 0.5b, 1.5b, 7b or tiny)')):
            status, _, err = run(*arguments)
            self.assertEqual(status, 2)
            self.assertIn(text, err)


if __name__ == "__main__":
    unittest.main()
