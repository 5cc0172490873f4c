"""A task of reckon: write the words of a line in reverse order.

Level 1 has two words, level 2 three, level 3 four. Python's standard library is enough.
"""
import json
import os
import random
import sys

CONSONANTS = "bdfgklmnprst"
VOWELS = "aeiou"


def problem(request):
    """A problem is a function of the request alone: the generator is seeded with all of it."""
    names = ("level", "split", "seed", "index", "draw")
    rng = random.Random("/".join(str(request[name]) for name in names))
    count = request["level"] + 1
    words = []
    while len(words) < count:
        word = rng.choice(CONSONANTS) + rng.choice(VOWELS) + rng.choice(CONSONANTS)
        if word not in words:  # else the line as it stands could be the answer
            words.append(word)
    return {
        "prompt": " ".join(words) + "=",
        "spec": {"words": words},
        "steps": ";".join(f"{i + 1} {word}" for i, word in enumerate(words)),
        "answer": " ".join(reversed(words)),
        "wrong_answer": " ".join(words),
    }


def grade(request):
    """1 for all words in the right places; for a right beginning half of its share. The line as it stands gets nothing."""
    expected = request["spec"]["words"][::-1]
    given = request["answer"].split()
    if given == expected:
        return {"reward": 1.0}
    right = 0
    while right < min(len(given), len(expected)) and given[right] == expected[right]:
        right += 1
    return {"reward": 0.5 * right / len(expected)}


def main():
    # The line to reckon is kept; what anybody else prints, in this process or one it starts, goes to the log.
    replies = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)

    def reply(value):
        replies.write(json.dumps(value) + "\n")
        replies.flush()

    reply({"protocol": "reckon.task/1", "levels": [1, 2, 3], "alphabet": " 123456789;=" + CONSONANTS + VOWELS})
    for line in sys.stdin:
        request = json.loads(line)
        answer = problem(request) if request["op"] == "problem" else grade(request)
        reply({"id": request["id"], **answer})


main()
