#!/usr/bin/env python3
"""Checks that each module includes only what the table in CMakeLists.txt lets it include.

Usage: check_includes.py SOURCE_DIR. Prints each include that breaks the rule and exits with 1.
"""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
calls = re.findall(r"^reckon_add_(?:kernel_)?module\((\w+)(.*)\)", (root / "CMakeLists.txt").read_text(), re.M)
direct = {}
for name, rest in calls:
    match = re.search(r"DEPENDS ((?:[a-z]+ ?)+)", rest)
    direct[name] = set(match.group(1).split()) if match else set()
torch_modules = {name for name, rest in calls if "TORCH" in rest}


def reachable(module):
    """A module may include those it names and what they may include."""
    seen = {module}
    todo = [module]
    while todo:
        for other in direct[todo.pop()] - seen:
            seen.add(other)
            todo.append(other)
    return seen


problems = []
for module in direct:
    allowed = reachable(module)
    for folder in (root / "include" / "reckon" / module, root / "src" / module):
        for path in sorted(folder.rglob("*")):
            if path.suffix not in (".h", ".cpp"):
                continue
            for number, line in enumerate(path.read_text().splitlines(), 1):
                match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
                if not match:
                    continue
                target = match.group(1)
                ours = re.match(r"reckon/(\w+)/", target)
                where = f"{path.relative_to(root)}:{number}"
                if ours and ours.group(1) not in allowed:
                    problems.append(f"{where}: {module} may not include {target}")
                if re.match(r"(torch|ATen|c10)/", target) and module not in torch_modules:
                    problems.append(f"{where}: {module} may not include torch ({target})")
                if target.startswith("../"):
                    problems.append(f"{where}: includes by ../ are not allowed ({target})")
print("\n".join(problems))
print(f"{len(direct)} modules, {len(problems)} include(s) against the rule")
sys.exit(1 if problems else 0)
