#!/usr/bin/env python3
"""scripts/kernel_report.py: what it prints of a report, and that it fails where it should. Usage: kernel_report_test.py SOURCE_DIR"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(sys.argv.pop())
FITS = """ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function '_Z4copyPf' for 'sm_90a'
ptxas info    : Function properties for _Z4copyPf
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 24 registers, used 1 barriers, 528 bytes smem, 400 bytes cmem[0]
"""
SPILLS = """ptxas info    : Compiling entry function '_Z3sumPf' for 'sm_90a'
ptxas info    : Function properties for _Z3sumPf
    40 bytes stack frame, 36 bytes spill stores, 44 bytes spill loads
ptxas info    : Used 255 registers, used 1 barriers
"""


class KernelReport(unittest.TestCase):
    def report(self, text, with_object=True):
        with tempfile.TemporaryDirectory() as folder:
            place = pathlib.Path(folder) / "90a"
            place.mkdir()
            (place / "op.report").write_text(text)
            if with_object:
                (place / "op.o").touch()
            done = subprocess.run([sys.executable, str(SOURCE / "scripts/kernel_report.py"), folder, "90a"],
                                  capture_output=True, text=True, check=False)
            return done.returncode, done.stdout

    def test_prints_what_a_kernel_needs(self):
        status, text = self.report(FITS)
        self.assertEqual(status, 0)
        self.assertEqual(text.splitlines()[1].split(), ["90a", "op", "24", "0", "0", "528", "copy"])

    def test_a_spill_fails_although_others_fit(self):
        status, text = self.report(FITS + SPILLS)
        self.assertEqual(status, 1)
        self.assertEqual(text.splitlines()[2].split(), ["90a", "op", "255", "40", "80", "0", "sum", "SPILLS"])

    def test_an_error_fails_and_is_shown(self):
        status, text = self.report("op.cu(3): error: identifier \"x\" is undefined\n", with_object=False)
        self.assertEqual(status, 1)
        self.assertIn("op.cu does not compile", text)
        self.assertIn("identifier", text)

    def test_a_file_without_a_kernel_fails(self):
        self.assertEqual(self.report("")[0], 1)


if __name__ == "__main__":
    unittest.main()
