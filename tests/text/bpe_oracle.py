"""What the Python package `tokenizers` makes of random strings, for tests/text/bpe_oracle_test.cpp.

Usage: bpe_oracle.py KIND COUNT FOLDER [QWEN_TOKENIZER_JSON]
Makes a tokenizer of a kind (the given file for "qwen"; the others are trained here), writes it to FOLDER/tokenizer.json
and, for each of COUNT strings, one JSON line to FOLDER/strings.jsonl.
"""
import json
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
LLAMA3 = (CONTRACTIONS + r"|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
DEEPSEEK = [r"\p{N}{1,3}", "[一-龥぀-ゟ゠-ヿ]+",
            r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|"""
            r""" ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"""]
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
O200K = (rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTIONS}?|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTIONS}?|"
         r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")

WORDS = """the of and to in is that it he was for on are with as his they be at one have this from or had by hot word but
what some we can out other were all there when up use your how said an each she which do their time if will way about
many then them write would like so these her long make thing see him two has look more day could go come did number
sound no most people my over know water than call first who may down side been now find Hello WORLD iPhone McDonald naïve
façade Ångström Straße ΣΊΣΥΦΟΣ σίγμα Привет мир нещо на Български 日本語 テスト ひらがな 中文字符 漢字 龥 안녕하세요 세계
ᄒ ᅡ ᆫ किताब हिन्दी ภาษาไทย العربية עברית ქართული Ελληνικά አማርኛ မြန်မာ ខ្មែរ ǅ ǲ ʰ ˈ Ⅷ ⅻ ½ ² ³ ① ㊷ ٣ ९ ߁ ೬ ᠗
""".split()
CODE = ["def f(x):\n    return x**2\n", "for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}\n", "#include <vector>\n",
        "x != y && !z || w", "http://a.b/c?d=e&f=%20", "{\"key\": [1, 2.5e-3, null]}", "a_b_C1", "$x^2+\\frac{1}{2}$"]
TAILS = ["'s", "'S", "'t", "'T", "'re", "'RE", "'Ve", "'m", "'LL", "'ll", "'d", "'D", "'\u017f", "’s", "'x", "''s"]
BLANKS = [chr(c) for c in [*range(9, 14), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F,
                           0x3000, 0x200B, 0x180E, 0xFEFF, 0x1C, 0x1F]] + ["  ", "    ", "\r\n", "\n\n", " \n ", "\t\t"]
MARKS = [chr(c) for c in [*range(0x300, 0x370), 0x591, 0x5B0, 0x64B, 0x670, 0x93C, 0x94D, 0x9BE, 0x9D7, 0xB3E, 0xDCF, 0x102E,
                          0x1161, 0x11A8, 0x3099, 0x309A, 0x1D165, 0x1D16D, 0x20D2, 0x110BA, 0x11127]]
BASES = list("aAeEoOuUcCnNsSdDwWyYiIgGqQ<>=") + [chr(c) for c in [0xC5, 0x1EA1, 0x212B, 0x2126, 0x344, 0x958, 0xFB1D, 0x0F43,
         0x1100, 0x1112, 0xAC00, 0xD788, 0x304B, 0x30CF, 0x9C7, 0xDD9, 0x1025, 0x11131, 0xF900, 0x2F800, 0x1D15E, 0x226E]]
EMOJI = ["😀", "👩‍👩‍👧‍👦", "👍🏽", "🏳️‍🌈", "🇩🇪", "❤️", "🦙", "😶‍🌫️", "1️⃣", "\u200d", "\ufe0f"]


def random_string(rng, specials):
    parts = []
    for _ in range(rng.randrange(24)):
        kind = rng.randrange(13)
        if kind <= 2:
            parts.append(rng.choice(WORDS) + rng.choice(["", "", " ", " ", rng.choice(TAILS)]))
        elif kind == 3:
            parts.append(str(rng.randrange(10 ** rng.randrange(1, 12))))
        elif kind == 4:
            parts.append("".join(rng.choices(BLANKS, k=rng.randrange(1, 5))))
        elif kind == 5:
            parts.append(rng.choice(BASES) + "".join(rng.choices(MARKS, k=rng.randrange(4))))
        elif kind == 6:
            parts.append("".join(rng.choices(EMOJI, k=rng.randrange(1, 4))))
        elif kind == 7:
            parts.append("".join(rng.choices("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", k=rng.randrange(1, 5))))
        elif kind == 8:
            parts.append(rng.choice(CODE))
        elif kind == 9 and specials:
            token = rng.choice(specials)
            parts.append(rng.choice(["", " ", "  ", "x", "_", "\u0301"]) + token[:rng.choice([1, 3, 99, 99, 99, 99])]
                         + rng.choice(["", " ", "\n ", "x", "\u0301"]))
        elif kind == 10:
            code = rng.choice([rng.randrange(0x80), rng.randrange(0x3000), rng.randrange(0x20000), rng.randrange(0x110000)])
            parts.append(chr(code) if not 0xD800 <= code < 0xE000 else "?")
        elif kind == 11:
            parts.append(chr(rng.randrange(0xAC00, 0xD7A4)) if rng.randrange(2) else chr(rng.randrange(0x4E00, 0xA000)))
        else:
            parts.append(rng.choice(WORDS)[:3] * rng.choice([1, 1, 2, 30]))
    return "".join(parts)


def isolated(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


def byte_level(*steps):
    return pre_tokenizers.Sequence([*steps, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def train(tokenizer, rng, special, alphabet=None):
    texts = [random_string(rng, []) for _ in range(600)] + [" ".join(rng.choices(WORDS, k=30)) for _ in range(300)]
    size = 600 + 256 + len(special)
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=special, show_progress=False,
                                  initial_alphabet=alphabet or pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(texts, trainer)


def add_many_tokens(tokenizer, rng):
    """Several hundred added tokens with all flags; some begin alike, overlap, or change when normalised."""
    contents = [f"<｜place▁holder▁no▁{i}｜>" for i in range(300)]
    contents += ["<t", "<to", "<tok>", "tok>", "ok", " x", "x ", "  ", "é", "e\u0301z", "\u212b", "日本", "hello", "he", "lo wo", "\n",
                 "가", "\u1100\u1161\u11a8", "'s", "123", "_", "ä", "Ġ", "a\u0323\u0302", "naïve", "word", "the"]
    tokens = []
    for content in contents:
        flags = {name: rng.randrange(3) == 0 for name in ("single_word", "lstrip", "rstrip", "normalized", "special")}
        if content.isspace():
            flags["lstrip"] = False  # `tokenizers` panics where the blanks have gone to the token before
        tokens.append(AddedToken(content, **flags))
    tokenizer.add_tokens(tokens)


def make(kind, rng):
    tokenizer = Tokenizer(models.BPE(ignore_merges=kind == "llama3"))
    tokenizer.decoder = decoders.ByteLevel()
    if kind == "llama3":
        tokenizer.pre_tokenizer = byte_level(isolated(LLAMA3))
        train(tokenizer, rng, ["<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>"])
        bos = ("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))
        tokenizer.post_processor = processors.Sequence([
            processors.ByteLevel(trim_offsets=False),
            processors.TemplateProcessing(single="<|begin_of_text|> $A", pair="<|begin_of_text|> $A $B", special_tokens=[bos])])
        # Tokens that no merge makes any more, for ignore_merges to find.
        file = json.loads(tokenizer.to_str())
        file["model"]["merges"] = [merge for merge in file["model"]["merges"] if rng.randrange(8)]
        tokenizer = Tokenizer.from_str(json.dumps(file))
    elif kind == "deepseek":
        tokenizer.normalizer = normalizers.Sequence([normalizers.NFC()])
        tokenizer.pre_tokenizer = byte_level(*map(isolated, DEEPSEEK))
        train(tokenizer, rng, ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"])
        add_many_tokens(tokenizer, rng)
    elif kind == "gpt2":
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True)
        train(tokenizer, rng, ["<|endoftext|>"])
        tokenizer.add_tokens([AddedToken("<pad>", lstrip=True), AddedToken("Hello", single_word=True, rstrip=True)])
    elif kind == "o200k":
        tokenizer.pre_tokenizer = byte_level(pre_tokenizers.Digits(individual_digits=False), isolated(O200K))
        train(tokenizer, rng, ["<|endofprompt|>"])
    elif kind == "characters":  # not byte-level: merges of characters, bytes as the last resort
        tokenizer = Tokenizer(models.BPE(byte_fallback=True))
        tokenizer.decoder = decoders.Fuse()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.Split(" ", "removed"),
            pre_tokenizers.Split(Regex(r"[a-zA-Z]+|[^\sA-Za-z]+"), "removed", invert=True)])
        train(tokenizer, rng, [f"<0x{byte:02X}>" for byte in range(256)] + ["<s>"], list("abc"))
        file = json.loads(tokenizer.to_str())
        file["added_tokens"] = [token for token in file["added_tokens"] if token["content"] == "<s>"]
        for token in list(file["model"]["vocab"]):  # so that fallback has something to do
            if len(token) == 1 and ord(token) >= 0x2000 and not any(token in "".join(m) for m in file["model"]["merges"]):
                del file["model"]["vocab"][token]
        tokenizer = Tokenizer.from_str(json.dumps(file))
    return tokenizer


def main():
    kind, count, folder = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    rng = random.Random(kind)
    tokenizer = Tokenizer.from_file(sys.argv[4]) if kind == "qwen" else make(kind, rng)
    tokenizer.save(folder + "/tokenizer.json")
    specials = [token.content for token in tokenizer.get_added_tokens_decoder().values()]
    all_ids = sorted(tokenizer.get_vocab(with_added_tokens=True).values())
    added_ids = sorted(tokenizer.get_added_tokens_decoder())
    with open(folder + "/strings.jsonl", "w", encoding="utf-8") as out:
        for _ in range(count):
            text = random_string(rng, specials)
            ids = tokenizer.encode(text, add_special_tokens=False).ids
            pool = [all_ids, all_ids, all_ids[:300], added_ids or all_ids]
            some = [rng.choice(rng.choice(pool)) for _ in range(rng.randrange(20))]
            print(json.dumps({
                "text": text, "ids": ids, "with_specials": tokenizer.encode(text).ids,
                "kept": tokenizer.decode(ids, skip_special_tokens=False), "skipped": tokenizer.decode(ids),
                "some": some, "some_kept": tokenizer.decode(some, skip_special_tokens=False),
                "some_skipped": tokenizer.decode(some)}), file=out)


main()
