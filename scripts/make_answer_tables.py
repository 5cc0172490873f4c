#!/usr/bin/env python3
"""Writes src/grade/parse/unicode_tables.cpp: what the parser of answers needs of the Unicode Character Database.

- kCompatible: code points whose NFKC form is ASCII or Greek, with that form and how it stands (plain, raised, lowered,
  fraction): full-width forms, mathematical alphabets, superscripts, vulgar fractions, ligatures, squared units;
- kLetters: runs of categories L and M, the letters of words in any script, but Modifier and compatible ones above;
- kFormat: runs of category Cf, characters that are not seen;
- kLower: lower-case forms of one code point, for folding text.

Usage: make_answer_tables.py > src/grade/parse/unicode_tables.cpp
Needs: Python 3.11 (Unicode 14.0); clang-format is not applied.
"""
import sys
import unicodedata

NUM_CODE_POINTS = 0x110000
FIRST = 0x80
KINDS = {"<super>": 1, "<sub>": 2, "<fraction>": 3}


def is_plain(text):
    return all(0x20 <= ord(c) < 0x7F or 0x391 <= ord(c) <= 0x3C9 or c == "\u2044" for c in text)


def compatible():
    """(code point, kind, form); spacing accents have a blank in their form and are no part of an answer."""
    rows = []
    for code in range(FIRST, NUM_CODE_POINTS):
        char = chr(code)
        form = unicodedata.normalize("NFKC", char).replace("\u2212", "-")
        if form == char or not is_plain(form) or (" " in form and form != " "):
            continue
        decomposition = unicodedata.decomposition(char)
        rows.append((code, KINDS.get(decomposition.split(" ")[0], 0), form.replace("\u2044", "/")))
    return rows


def runs(wanted):
    pairs = []
    for code in range(FIRST, NUM_CODE_POINTS):
        if not wanted(code):
            continue
        if pairs and pairs[-1][1] == code - 1:
            pairs[-1][1] = code
        else:
            pairs.append([code, code])
    return pairs


def lower_pairs():
    pairs = []
    for code in range(FIRST, 0x600):
        low = chr(code).lower()
        if len(low) == 1 and ord(low) != code and 0x80 <= ord(low) < 0x800:  # two bytes of UTF-8, as the letter
            pairs.append((code, ord(low)))
    return pairs


def array(declaration, items):
    lines, line = [], ""
    for item in items:
        if len(line) + len(item) > 118:
            lines.append(line)
            line = ""
        line += item
    lines.append(line)
    body = "\n".join(lines)
    return f"const {declaration}[] = {{\n{body}\n}};"


def main():
    if unicodedata.unidata_version != "14.0.0":
        sys.exit(f"make_answer_tables.py: Python has Unicode {unicodedata.unidata_version} (need 14.0.0)")
    rows = compatible()
    mapped = {code for code, _, _ in rows}
    letters = runs(lambda code: code not in mapped and unicodedata.category(chr(code))[0] in "LM")
    unseen = runs(lambda code: unicodedata.category(chr(code)) == "Cf")
    escape = {"\\": "\\\\", '"': '\\"'}
    forms = ["{%d,%d,\"%s\"}," % (code, kind, "".join(escape.get(c, c) for c in form)) for code, kind, form in rows]
    print("// Made by scripts/make_answer_tables.py from the Unicode Character Database; not to be edited.")
    print("// clang-format off")
    print('#include "unicode_tables.h"\n\n#include <iterator>\n\nnamespace reckon::answer_tables {\nnamespace {\n')
    print(array("Compatible kCompatible", forms))
    print(array("CodeRun kLetters", [f"{{{a},{b}}}," for a, b in letters]))
    print(array("CodeRun kFormat", [f"{{{a},{b}}}," for a, b in unseen]))
    print(array("CodeRun kLower", [f"{{{a},{b}}}," for a, b in lower_pairs()]))
    print("\n}  // namespace\n")
    for kind, name, table in (("Compatible", "compatible", "kCompatible"), ("CodeRun", "letters", "kLetters"),
                              ("CodeRun", "format_characters", "kFormat"), ("CodeRun", "lower_case", "kLower")):
        print(f"std::span<const {kind}> {name}() {{ return {table}; }}")
    print("\n}  // namespace reckon::answer_tables")


main()
