#!/usr/bin/env python3
"""Curves of one metric over the steps of a stage, mean and range over seeds: an SVG, and a Markdown table on standard output.

Usage: curves.py --stage rl-1 --metric pass_rate --svg FILE LABEL=RUN_FOLDER,RUN_FOLDER... [LABEL=...]
"""
import argparse
import json
import pathlib
import statistics

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720, 340, 56, 44, 16, 190
COLOURS = ["#0a6ebd", "#c2410c", "#4d7c0f", "#7e22ce"]


def read_curve(folder, stage, metric):
    rows = (json.loads(line) for line in (pathlib.Path(folder) / "metrics.jsonl").read_text().splitlines())
    return {row["step"]: row[metric] for row in rows if row["stage"] == stage and metric in row}


def svg(curves, metric):
    """curves: {label: {step: [value of each seed]}}; values lie in 0 .. 1."""
    last = max(step for curve in curves.values() for step in curve)

    def x(step):
        return LEFT + (step - 1) / max(1, last - 1) * (WIDTH - LEFT - RIGHT)

    def y(value):
        return HEIGHT - BOTTOM - value * (HEIGHT - BOTTOM - TOP)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>']
    for tick in (0, 0.25, 0.5, 0.75, 1):
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" stroke="#dddddd"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for step in sorted({1, *range(10, last + 1, 10)}):
        out.append(f'<text x="{x(step):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{step}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">step ({metric})</text>')
    for number, (label, curve) in enumerate(curves.items()):
        colour = COLOURS[number % len(COLOURS)]
        steps = sorted(curve)
        band = [f"{x(s):.1f},{y(max(curve[s])):.1f}" for s in steps] + [f"{x(s):.1f},{y(min(curve[s])):.1f}" for s in steps[::-1]]
        line = " ".join(f"{x(s):.1f},{y(statistics.mean(curve[s])):.1f}" for s in steps)
        out.append(f'<polygon points="{" ".join(band)}" fill="{colour}" fill-opacity="0.15"/>')
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out.append(f'<text x="{WIDTH - RIGHT + 10}" y="{TOP + 16 + 20 * number}" fill="{colour}">{label}</text>')
    return "\n".join(out + ["</svg>", ""])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--stage", required=True)
    parser.add_argument("--metric", required=True)
    parser.add_argument("--svg", required=True)
    parser.add_argument("runs", nargs="+")
    arguments = parser.parse_args()
    curves = {}
    for run in arguments.runs:
        label, _, folders = run.partition("=")
        seeds = [read_curve(folder, arguments.stage, arguments.metric) for folder in folders.split(",")]
        curves[label] = {step: [seed[step] for seed in seeds] for step in seeds[0]}
    pathlib.Path(arguments.svg).write_text(svg(curves, arguments.metric))
    last = max(step for curve in curves.values() for step in curve)
    steps = sorted({1, 2, 3, 4, 6, 8, *range(10, last + 1, 10)})
    print(f"| {arguments.metric}, mean of seeds, at step | " + " | ".join(map(str, steps)) + " |")
    print("|---|" + "---|" * len(steps))
    for label, curve in curves.items():
        print(f"| {label} | " + " | ".join(f"{statistics.mean(curve[s]):.3f}" if s in curve else "" for s in steps) + " |")


if __name__ == "__main__":
    main()
