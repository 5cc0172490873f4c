#!/usr/bin/env python3
"""Prints what ptxas says of each kernel: registers, stack, spills, static shared memory; exits with 1 where one spills or has no report.

Usage: kernel_report.py FOLDER ARCHITECTURE...     FOLDER/ARCHITECTURE/OP.report is what nvcc -Xptxas=-v wrote for kernels/OP.cu
"""
import pathlib
import re
import subprocess
import sys

ENTRY = re.compile(r"Compiling entry function '(\S+)' for '(\S+)'")
STACK = re.compile(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers(?:, used \d+ barriers)?(?:.*?(\d+) bytes smem)?")


def plain_names(names):
    """C++ names without namespaces and parameters."""
    try:
        text = subprocess.run(["c++filt", "-p"], input="\n".join(names), capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return names
    text = text.replace("(anonymous namespace)::", "").replace("reckon::cuda::", "")
    return [re.sub(r"^void ", "", line) for line in text.splitlines()]


def kernels_of(text):
    """(name, registers, stack, spilled bytes, shared bytes) of each kernel of a report."""
    found, name, stack, spilled = [], None, 0, 0
    for line in text.splitlines():
        if match := ENTRY.search(line):
            name, stack, spilled = match[1], 0, 0
        elif match := STACK.search(line):
            stack, spilled = int(match[1]), int(match[2]) + int(match[3])
        elif (match := USED.search(line)) and name:
            found.append((name, int(match[1]), stack, spilled, int(match[2] or 0)))
            name = None
    return found


def main():
    folder, architectures = pathlib.Path(sys.argv[1]), sys.argv[2:]
    bad = False
    print(f"{'sm':<5} {'file':<18} {'registers':>9} {'stack':>6} {'spills':>6} {'shared':>6}  kernel")
    for architecture in architectures:
        for report in sorted((folder / architecture).glob("*.report")):
            text = report.read_text(errors="replace")
            kernels = kernels_of(text)
            if not kernels or not report.with_suffix(".o").exists():
                print(f"{architecture}: kernels/{report.stem}.cu does not compile:\n{text.strip()[:1500]}")
                bad = True
                continue
            names = plain_names([kernel[0] for kernel in kernels])
            for name, (_, registers, stack, spilled, shared) in sorted(zip(names, kernels)):
                mark = "  SPILLS" if spilled else ""
                print(f"{architecture:<5} {report.stem:<18} {registers:>9} {stack:>6} {spilled:>6} {shared:>6}  {name}{mark}")
                bad |= spilled > 0
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
