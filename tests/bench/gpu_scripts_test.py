#!/usr/bin/env python3
"""The scripts around gpu_bench: usage, results, tables, and the others' formulas. Usage: gpu_scripts_test.py SOURCE_DIR BUILD_DIR"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(sys.argv.pop())
SOURCE = pathlib.Path(sys.argv.pop())
ORACLES = SOURCE / ".deps/oracles/bin/python"


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, cwd=SOURCE)
    return done.returncode, done.stdout, done.stderr


class Usage(unittest.TestCase):
    def test_wrong_arguments_are_refused_with_what_is_needed(self):
        for script, arguments, text in (("gpu_check.sh", ("--fast",), "unknown argument --fast (usage: "),
                                        ("gpu_check.sh", ("--only", "build,lunch"), '--only "lunch" (need build, tests, bench or sanitizer)'),
                                        ("gpu_check.sh", ("--seconds", "soon"), '--seconds "soon" (need a whole number of seconds)'),
                                        ("gpu_check.sh", ("--torch",), "--torch needs a value"),
                                        ("gpu_check.sh", ("/nowhere/at/all.json",), "its folder is not there"),
                                        ("bench_gpu.sh", ("--fast",), "unknown argument --fast (usage: "),
                                        ("bench_gpu.sh", ("--seconds", "0"), '--seconds "0" (need a whole number of seconds)'),
                                        ("compile_kernels.sh", ("hopper",), 'architecture "hopper" (need digits as in 90a')):
            status, _, err = run("bash", f"scripts/{script}", *arguments)
            self.assertEqual(status, 2, (script, arguments, err))
            self.assertIn(text, err)

    def test_what_is_not_built_is_named(self):
        status, _, err = run("bash", "scripts/bench_gpu.sh", "--build", "/nowhere")
        self.assertEqual(status, 78)
        self.assertIn("/nowhere/bin/gpu_bench is not built", err)

    def test_help_ends_before_the_code(self):
        for script, last in (("gpu_check.sh", "78 there is no GPU, nvcc or torch."), ("bench_gpu.sh", "78 gpu_bench is not built."),
                             ("compile_kernels.sh", "77 there is no nvcc.")):
            status, out, _ = run("bash", f"scripts/{script}", "--help")
            self.assertEqual(status, 0)
            self.assertTrue(out.rstrip().endswith(last), out)


class CheckReport(unittest.TestCase):
    """gpu_check_report.py on what the parts leave."""
    DONE = "build\tdone\t70\ntests\tdone\t30\nbench\tdone\t100\nsanitizer\tdone\t40\n"

    def result(self, parts=DONE, tests="12 passed, 0 failed, 0 skipped\n", sanitizer="memcheck\tgpu_bench\t0\tERROR SUMMARY: 0 errors\n",
               bench='{"label": "gpu_bench loss"}\n'):
        with tempfile.TemporaryDirectory() as folder:
            logs = pathlib.Path(folder)
            (logs / "parts.tsv").write_text(parts)
            (logs / "tests.txt").write_text(tests)
            (logs / "sanitizer.tsv").write_text(sanitizer)
            (logs / "bench.jsonl").write_text(bench)
            status, _, err = run(sys.executable, "scripts/gpu_check_report.py", logs, logs / "result.json")
            self.assertIn(status, (0, 1), err)
            return status, json.loads((logs / "result.json").read_text())

    def test_all_passed_is_good(self):
        status, result = self.result()
        self.assertEqual((status, result["good"]), (0, True))
        self.assertEqual(result["tests"], {"passed": 12, "failed": 0, "skipped": 0, "names": []})
        self.assertEqual(result["parts"]["bench"], {"end": "done", "seconds": 100})
        self.assertEqual(result["bench"], [{"label": "gpu_bench loss"}])
        self.assertEqual(result["sanitizer"][0], {"tool": "memcheck", "program": "gpu_bench", "end": "clean", "found": "ERROR SUMMARY: 0 errors"})
        self.assertEqual(result["not_run"], [])

    def test_a_test_that_failed_was_skipped_or_is_missing_is_not(self):
        for tests in ("failed: cuda.x: A.B\n11 passed, 1 failed, 0 skipped\n", "11 passed, 0 failed, 1 skipped\n",
                      "0 passed, 0 failed, 0 skipped\n", ""):
            status, result = self.result(tests=tests)
            self.assertEqual((status, result["good"]), (1, False), tests)

    def test_a_part_that_did_not_run_is_named_and_its_old_results_are_not_given(self):
        status, result = self.result(parts=self.DONE.replace("bench\tdone", "bench\tnot run: no time was left"))
        self.assertEqual(status, 1)
        self.assertEqual(result["not_run"], ["bench"])
        self.assertIsNone(result["bench"])

    def test_what_was_not_asked_for_does_not_count(self):
        parts = "build\tdone\t70\n" + "".join(f"{name}\tnot asked for\t0\n" for name in ("tests", "bench", "sanitizer"))
        status, result = self.result(parts=parts)
        self.assertEqual((status, result["tests"], result["not_run"]), (0, None, ["tests", "bench", "sanitizer"]))

    def test_a_run_of_the_sanitizer_that_was_stopped_is_not_clean(self):
        _, result = self.result(sanitizer="memcheck\ta_test\t124\t\nracecheck\tb_test\t99\tRACECHECK SUMMARY: 1 hazard\n")
        self.assertEqual([run["end"] for run in result["sanitizer"]], ["stopped", "failed"])


class Table(unittest.TestCase):
    OURS = {"part": "loss", "name": "grpo_loss", "shape": "T8", "ms": 2.0, "tb_per_s": 3.0, "share_of_copy": 0.75}
    OTHERS = [{"part": "loss", "name": "grpo_loss", "shape": "T8", "system": "torch eager", "ms": 5.0},
              {"part": "loss", "name": "grpo_loss", "shape": "T8", "system": "Liger", "error": "RuntimeError: no"},
              {"part": "loss", "name": "grpo_loss", "shape": "T9", "system": "other", "not_run": "no time was left"}]

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.rows = pathlib.Path(self.folder.name) / "rows.jsonl"

    def keep(self, system, end, text):
        output = pathlib.Path(self.folder.name) / "out"
        output.write_text(text)
        self.assertEqual(run(sys.executable, "scripts/bench/gpu_table.py", "--keep", self.rows, system, system + " loss", end, "3", output)[0], 0)

    def table(self, *flags):
        status, out, err = run(sys.executable, "scripts/bench/gpu_table.py", *flags, self.rows)
        self.assertEqual(err, "")
        return status, out

    def test_others_stand_beneath_ours_with_what_failed(self):
        self.keep("reckon", "done", json.dumps({"rows": [self.OURS]}) + "\n")
        self.keep("others", "done", json.dumps({"rows": self.OTHERS}) + "\n")
        status, out = self.table()
        lines = [line.split() for line in out.splitlines()[1:]]
        self.assertEqual(status, 0)
        self.assertEqual(lines[0], ["grpo_loss", "T8", "2.000", "3.000", "75.0%"])
        self.assertEqual(lines[1], ["torch", "eager", "T8", "5.000", "times_ours=2.5"])
        self.assertEqual(lines[2], ["Liger", "T8", "FAILED:", "RuntimeError:", "no"])
        self.assertEqual(lines[3], ["grpo_loss:", "other", "T9", "not", "run:", "no", "time", "was", "left"])

    def test_who_was_stopped_has_what_was_measured_and_a_line(self):
        whole = json.dumps({"rows": [self.OURS]})
        self.keep("reckon", "stopped after 60 s", whole + "\n" + whole[:20])
        status, out = self.table()
        self.assertEqual(status, 0)
        self.assertIn("2.000", out)
        self.assertIn("left out: reckon loss: stopped after 60 s", out)

    def test_a_part_of_ours_that_fails_fails_the_table_and_one_of_the_others_does_not(self):
        self.keep("others", "exit code 1: no GPU", "")
        self.assertEqual(self.table()[0], 0)
        self.keep("reckon", "exit code 70: CUDA: out of memory", json.dumps({"rows": [], "errors": [{"part": "loss", "error": "memory"}]}))
        status, out = self.table()
        self.assertEqual(status, 1)
        self.assertIn("left out: reckon loss: exit code 70: CUDA: out of memory", out)
        self.assertIn("left out: reckon loss: loss FAILED: memory", out)
        self.assertIn("left out: others loss: exit code 1: no GPU", out)


class Others(unittest.TestCase):
    def test_their_formulas_are_grpo(self):
        program = """
import sys; sys.path.insert(0, "scripts/bench")
import torch, gpu_rivals as g
torch.manual_seed(1)
logits, ids = 2 * torch.randn(2, 3, 11), torch.randint(11, (2, 3))
exact = torch.log_softmax(logits.double(), -1)
logp = exact.gather(-1, ids[..., None]).squeeze(-1)
assert (g.eager_logprob(logits, ids) - logp).abs().max() < 1e-6
found, entropy = g.fused_logprob(logits, ids)
assert (found - logp).abs().max() < 1e-5
assert (entropy + (exact.exp() * exact).sum(-1)).abs().max() < 1e-5
assert (g.eager_entropy(logits) + (exact.exp() * exact).sum(-1).flatten()).abs().max() < 1e-5
# Ratios 2, 1 and 1/2 with advantages 1, 1 and -1: terms min(2, 1.2), 1, min(-0.5, -0.8).
old = torch.zeros(3); new = torch.tensor([2.0, 1.0, 0.5]).log()
assert abs(g.policy_loss(new, old, torch.tensor([1.0, 1.0, -1.0])).item() + (1.2 + 1 - 0.8) / 3) < 1e-6
"""
        status, _, err = run(ORACLES, "-c", program)
        self.assertEqual(status, 0, err)

    def test_every_system_has_a_row_and_one_that_is_missing_says_so(self):
        status, out, err = run(ORACLES, "scripts/bench/gpu_rivals.py", "--device", "cpu", "--tiny", "--system", "eager,liger",
                               "--part", "elementwise,adamw")
        self.assertEqual(status, 0, err)
        rows = json.loads(out.splitlines()[-1])["rows"]
        self.assertTrue(all(row["ms"] > 0 for row in rows if row["system"] != "Liger"))
        liger = [row for row in rows if row["system"] == "Liger"]
        self.assertEqual(len(liger), 2)
        for row in liger:
            self.assertIn("liger_kernel", row["error"])

    def test_what_had_no_time_left_says_so(self):
        status, out, _ = run(ORACLES, "scripts/bench/gpu_rivals.py", "--device", "cpu", "--tiny", "--system", "eager", "--part", "adamw",
                             "--seconds", "1e-9")
        self.assertEqual(status, 0)
        self.assertEqual([row["not_run"] for row in json.loads(out.splitlines()[-1])["rows"]], ["no time was left"] * 2)


class Whole(unittest.TestCase):
    def test_all_programs_run_at_tiny_sizes(self):
        status, out, err = run("bash", "scripts/bench_gpu.sh", "--tiny", "--json", "--build", BUILD)
        self.assertEqual(status, 0, err)
        result = json.loads(out.splitlines()[-1])
        self.assertEqual({program["end"] for program in result["programs"]}, {"done"})
        self.assertEqual({row["part"] for row in result["reckon"]},
                         {"ceilings", "loss", "agreement", "fused", "adamw", "elementwise", "learner", "exact", "decode"})
        self.assertEqual({row["part"] for row in result["others"]}, {"loss", "fused", "adamw", "elementwise"})
        ours = {(row["name"], row["shape"]) for row in result["reckon"]}
        for row in result["others"]:
            self.assertIn((row["name"], row["shape"]), ours)


if __name__ == "__main__":
    unittest.main()
