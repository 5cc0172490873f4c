#!/usr/bin/env python3
"""Compares verdicts on pairs of expressions with their values in Python.

Usage: scalars_oracle.py FILE. Each line holds, with tabs between: the kind of expressions, the verdict (equal or
different), and two expressions. Rationals are computed with fractions.Fraction, everything else with mpmath to 120
digits (which SymPy brings), with variables at three points. Prints each line that Python decides otherwise.
"""
import fractions
import random
import sys

import mpmath

mpmath.mp.dps = 120


def fraction_power(base, exponent):
    return base ** int(exponent)


def real_power(base, exponent):
    return base ** (int(exponent) if exponent == int(exponent) else exponent)


RATIONAL = {"Q": fractions.Fraction, "power": fraction_power}
REAL = {
    "Q": mpmath.mpf,
    "power": real_power,
    "pi": +mpmath.pi,
    "sqrt": mpmath.sqrt,
    "exp": mpmath.exp,
    "atan": mpmath.atan,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
}


def agree(a, b):
    if isinstance(a, fractions.Fraction):
        return a == b
    return abs(a - b) <= mpmath.mpf(10) ** -80 * max(1, abs(a), abs(b))


def main(path):
    random.seed(7)
    counts = {"equal": 0, "different": 0, "skipped": 0}
    wrong = 0
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            kind, verdict, left, right = line.rstrip("\n").split("\t")
            base = RATIONAL if kind in ("rational", "variables") else REAL
            number = base["Q"]
            try:
                results = []
                for _ in range(3):
                    point = {name: number(random.randint(1, 10**6)) / number(10**5) for name in "xyz"}
                    scope = {**base, **point, "__builtins__": {}}
                    results.append(agree(eval(left, scope), eval(right, scope)))
            except ZeroDivisionError:
                counts["skipped"] += 1
                continue
            expected = "equal" if all(results) else "different"
            counts[expected] += 1
            if expected != verdict:
                wrong += 1
                print(f"Python says {expected}: {line.rstrip()}")
    print(f"{counts['equal']} equal, {counts['different']} different, {counts['skipped']} skipped, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
