#!/usr/bin/env python3
"""Writes src/text/unicode_tables.cpp: what tokenizers need of the Unicode Character Database.

The tables follow what the Python package `tokenizers` 0.23 does, which is not one version of Unicode:
- general categories, for regular expressions: Unicode 16 (its Oniguruma);
- normalisation form C: the same, but only for characters that Unicode 9 has (its unicode-normalization-alignments);
- the pre-tokenizer Digits: category N of Unicode 17 (its Rust), of which 16 lacks the code points in kDigitsOfUnicode17.
tests/text/unicode_oracle_test.cpp compares all three with it, over all code points.

Usage: make_unicode_tables.py > src/text/unicode_tables.cpp
Needs: unicodedata2==16.0.0 of PyPI; Perl 5, which knows the age of a character; clang-format is not applied.
"""
import subprocess
import sys

import unicodedata2

NUM_CODE_POINTS = 0x110000
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Cs Co Cn".split()
NORMALISATION_AGE = "9.0"
DIGITS_OF_UNICODE_17 = [(0x11DE0, 0x11DE9), (0x16FF4, 0x16FF6)]


def present_in(version):
    """The code points that a version of Unicode has, as Perl knows it."""
    program = f'for my $c (0..0x10FFFF) {{ no warnings; print "$c\\n" if chr($c) =~ /\\p{{Present_In={version}}}/ }}'
    output = subprocess.run(["perl", "-e", program], check=True, capture_output=True, text=True).stdout
    return set(map(int, output.split()))


def category_runs():
    """The general categories as runs: length * 32 + number of the category."""
    runs = []
    start, category = 0, None
    for code in range(NUM_CODE_POINTS + 1):
        here = CATEGORIES.index(unicodedata2.category(chr(code))) if code < NUM_CODE_POINTS else None
        if here != category:
            if category is not None:
                runs.append((code - start) * 32 + category)
            start, category = code, here
    return runs


def combining_runs(known):
    """Runs of equal canonical combining class that is not 0: gap since the last run, length, class."""
    numbers = []
    end = code = 0
    while code < NUM_CODE_POINTS:
        value = unicodedata2.combining(chr(code)) if code in known else 0
        first = code
        while code < NUM_CODE_POINTS and value == (unicodedata2.combining(chr(code)) if code in known else 0):
            code += 1
        if value != 0:
            numbers += [first - end, code - first, value]
            end = code
    return numbers


def decompositions(known):
    """Canonical decompositions but Hangul's: gap, first, second (0: none), each the whole one step. A code point whose
    pair is not composed again is marked by a first of 0x200000 more."""
    numbers = []
    last = 0
    for code in sorted(known):
        mapping = unicodedata2.decomposition(chr(code))
        if not mapping or mapping.startswith("<"):
            continue
        parts = [int(part, 16) for part in mapping.split()]
        composed = unicodedata2.normalize("NFC", chr(code)) == chr(code)
        first, second = (parts + [0])[:2]
        numbers += [code - last, first if composed else first + 0x200000, second]
        last = code
    return numbers


def array(kind, name, numbers):
    lines, line = [], ""
    for number in numbers:
        item = f"{number},"
        if len(line) + len(item) > 158:
            lines.append(line)
            line = ""
        line += item
    lines.append(line)
    body = "\n".join(lines)
    return f"const {kind} {name}[] = {{\n{body}\n}};\nconst std::size_t {name}Size = std::size({name});\n"


def main():
    if unicodedata2.unidata_version != "16.0.0":
        sys.exit(f"make_unicode_tables.py: unicodedata2 has Unicode {unicodedata2.unidata_version} (need 16.0.0)")
    known = present_in(NORMALISATION_AGE)
    digits = [number for pair in DIGITS_OF_UNICODE_17 for number in pair]
    print("// Made by scripts/make_unicode_tables.py from the Unicode Character Database; not to be edited.")
    print("// clang-format off")
    print('#include "unicode_tables.h"\n\n#include <iterator>\n\nnamespace reckon::unicode_tables {\n')
    print(array("std::uint32_t", "kCategoryRuns", category_runs()))
    print(array("std::uint32_t", "kCombiningRuns", combining_runs(known)))
    print(array("std::uint32_t", "kDecompositions", decompositions(known)))
    print(array("std::uint32_t", "kDigitsOfUnicode17", digits))
    print("}  // namespace reckon::unicode_tables")


main()
