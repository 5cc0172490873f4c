"""What `tokenizers` (Oniguruma) matches with random patterns, for tests/text/split_regex_oracle_test.cpp.

Usage: split_regex_oracle.py COUNT. Prints one JSON line for each of COUNT patterns:
{"pattern": ..., "texts": [[text, [[begin, end], ...] of the matches, in bytes], ...]}
"""
import json
import random
import sys

from tokenizers import Regex, pre_tokenizers

ALPHABET = list("aaaaaabbbbbcss11  AB1 -'_\n\r\t") + ["s", "S", "\u017f", "k", "\u212a", "é", "中", "\u0301", "²", "\u2003", "😀"]
CLASSES = ["[ab]", "[^a]", "[a-c]", r"[^\s\p{L}]", r"[\p{L}\p{M}]", r"[^\r\n\p{L}\p{N}]", r"[\r\n]", "[-a]", "[a-]", r"[\-'_]",
           "[é中]", r"[\w-]", r"[^\W]", r"[\x41-\x{43}\u00e9]", "[^^]"]
ESCAPES = [r"\s", r"\S", r"\d", r"\D", r"\w", r"\W", r"\p{L}", r"\P{L}", r"\p{Lu}", r"\p{^N}", r"\p{S}", ".", r"\n", r"\t", r"\-",
           r"\x62", r"\x{e9}", r"\u4e2d", r"\'"]
FOLDED = ["(?i:a)", "(?i:'s)", "(?i:'s|'a|k)", "(?i:ab|[sk])", "(?i:k1)"]


def atom(rng, depth):
    kind = rng.randrange(10)
    if kind < 4:
        return rng.choice(["a", "a", "b", "c", "s", "1", " ", "é", "-"])
    if kind < 6:
        return rng.choice(CLASSES)
    if kind < 8 or depth == 0:
        return rng.choice(ESCAPES)
    if kind == 8:
        return rng.choice(FOLDED)
    return rng.choice(["(?:", "("]) + choice(rng, depth - 1, False) + ")"


def sequence(rng, depth, may_look):
    items = []
    for _ in range(rng.choice([1, 1, 2, 2, 3, 4])):
        items.append(atom(rng, depth) + rng.choice(["", "", "", "?", "*", "+", "{2}", "{1,2}", "{1,}"]))
    if may_look and rng.randrange(4) == 0:
        items.append("(?!" + rng.choice([r"\S", "a", "[ab]", r"\p{L}", r"[^\n]"]) + ")")
    return "".join(items)


def choice(rng, depth, may_look):
    return "|".join(sequence(rng, depth, may_look) for _ in range(rng.choice([1, 1, 2, 3])))


def matches_of(split, text):
    starts = [len(text[:place].encode()) for place in range(len(text) + 1)]
    return [[starts[begin], starts[end]] for _, (begin, end) in split.pre_tokenize_str(text)]


def main():
    rng = random.Random(5)
    for _ in range(int(sys.argv[1])):
        pattern = choice(rng, 2, True)
        split = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
        texts = ["".join(rng.choices(ALPHABET, k=rng.randrange(20))) for _ in range(12)]
        try:
            results = [[text, matches_of(split, text)] for text in texts]
        except BaseException as error:  # a panic is no Exception
            if "retry-limit" not in str(error):
                raise
            continue
        print(json.dumps({"pattern": pattern, "texts": results}))


main()
