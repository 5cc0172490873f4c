"""What the Python package `tokenizers` holds of each code point, for tests/text/unicode_oracle_test.cpp.

Usage: unicode_oracle.py FOLDER COUNT. Writes to FOLDER:
  classes.jsonl  one line a class: its name, the code points in it as ranges, and up to which code point that is known
  nfc.jsonl      one line a string: before and after normalisation form C. Every code point that it changes, every
                 canonical decomposition, COUNT random strings.
  bytes.jsonl    COUNT random byte strings in hexadecimal: before, decoded with replacements
"""
import json
import random
import sys
import unicodedata

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

CODES = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
CATEGORIES = "Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co Cn".split()
LIMIT = 0x20000


def ranges(codes):
    result = []
    for code in sorted(codes):
        if result and result[-1][1] == code - 1:
            result[-1][1] = code
        else:
            result.append([code, code])
    return result


def matched(pattern, text):
    split = pre_tokenizers.Split(Regex(f"(?:{pattern})+"), "removed", invert=True)
    return {ord(character) for word, _ in split.pre_tokenize_str(text) for character in word}


def write_classes(path):
    with open(path, "w", encoding="utf-8") as out:
        # A pass over all code points takes a second, so the number of a category is asked bit by bit.
        text = "".join(map(chr, CODES))
        numbers = dict.fromkeys(CODES, 0)
        for bit in range(5):
            members = [name for number, name in enumerate(CATEGORIES) if number >> bit & 1]
            for code in matched("[" + "".join(rf"\p{{{name}}}" for name in members) + "]", text):
                numbers[code] += 1 << bit
        for number, name in enumerate(CATEGORIES):
            print(json.dumps([name, ranges(code for code in CODES if numbers[code] == number), 0x10FFFF]), file=out)
        text = "".join(chr(code) for code in CODES if code <= LIMIT)
        for name in [r"\p{%s}" % group for group in "LMNPSZC"] + [r"\s", r"\w", r"[\w]"] + [f"(?i:{x})" for x in "skdmtvelr"]:
            print(json.dumps([name, ranges(matched(name, text)), LIMIT]), file=out)
        digits = set()
        for word, _ in pre_tokenizers.Digits(individual_digits=True).pre_tokenize_str("|".join(map(chr, CODES))):
            if len(word) == 1:
                digits.add(ord(word))
        print(json.dumps(["digits", ranges(digits - {ord("|")}), 0x10FFFF]), file=out)
        print(json.dumps(["single_word", ranges(word_characters()), 0x10FFFF]), file=out)


def word_characters():
    """Beside which a token that is a single word is not found."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.add_tokens([AddedToken("X", single_word=True, normalized=False)])
    encoding = tokenizer.encode("".join(f"X{chr(code)} " for code in CODES))
    found = {offsets[0] // 3 for offsets in encoding.offsets}
    return {code for place, code in enumerate(CODES) if place not in found}


def write_nfc(path, count):
    rng = random.Random(3)
    nfc = normalizers.NFC()
    alone = [chr(code) for code in CODES if chr(code) != "\n"]
    after = nfc.normalize_str("\n".join(alone)).split("\n")
    changed = [pair for pair in zip(alone, after, strict=True) if pair[0] != pair[1]]
    strings = [unicodedata.normalize("NFD", character) for character in alone]
    strings = [string for string, character in zip(strings, alone) if string != character]
    marks = [chr(code) for code in CODES if unicodedata.combining(chr(code))]
    composed = [chr(code) for code in CODES if unicodedata.decomposition(chr(code))[:1] not in ("", "<")]
    seconds = [unicodedata.normalize("NFD", character)[-1] for character in composed]
    jamo = [chr(code) for code in [*range(0x1100, 0x1200), *range(0xA960, 0xA980), *range(0xD7B0, 0xD800)]]
    for _ in range(count):
        pools = [marks, marks, composed, seconds, jamo, [chr(rng.randrange(0xAC00, 0xD7A4))], list("aeoqE ="),
                 [chr(rng.choice(CODES))]]
        strings.append("".join(rng.choice(rng.choice(pools)) for _ in range(rng.randrange(1, 12))))
    with open(path, "w", encoding="utf-8") as out:
        for pair in changed + [(string, nfc.normalize_str(string)) for string in strings]:
            print(json.dumps(pair), file=out)


def write_bytes(path, count):
    rng = random.Random(4)
    pieces = [b"a", b"\xc3\xa9", b"\xe4\xb8\xad", b"\xf0\x9f\x98\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"]
    with open(path, "w", encoding="utf-8") as out:
        for _ in range(count):
            data = b"".join(rng.choice(pieces)[:rng.randrange(1, 5)] if rng.randrange(2) else rng.randbytes(1)
                            for _ in range(rng.randrange(12)))
            print(json.dumps([data.hex(), data.decode("utf-8", "replace")]), file=out)


folder, number = sys.argv[1], int(sys.argv[2])
write_classes(folder + "/classes.jsonl")
write_nfc(folder + "/nfc.jsonl", number)
write_bytes(folder + "/bytes.jsonl", number)
