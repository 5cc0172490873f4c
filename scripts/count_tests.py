#!/usr/bin/env python3
"""Counts tests: the last line reads `N passed, N failed, N skipped`; exits with 1 where one failed.

Usage: count_tests.py CTEST_JUNIT_XML FOLDER

FOLDER holds the GoogleTest results of the entries of ctest, NAME.json. An entry without one counts as one test, by
ctest's word. An entry that failed although its results do not say so (a crash, a timeout, another rank of MPI) counts
as one failed test more.
"""
import json
import pathlib
import sys
import xml.etree.ElementTree


def gtest_results(path):
    """The (name, result) of each test in a results file, result being passed, failed or skipped."""
    results = []
    for suite in json.loads(path.read_text())["testsuites"]:
        for test in suite["testsuite"]:
            name = f"{suite['name']}.{test['name']}"
            if test.get("failures"):
                results.append((name, "failed"))
            elif test["status"] != "RUN" or test["result"] == "SKIPPED":
                results.append((name, "skipped"))
            else:
                results.append((name, "passed"))
    return results


def ctest_result(entry):
    """What ctest says of an entry as a whole."""
    skipped = entry.find("skipped")
    message = "" if skipped is None else skipped.get("message", "")
    # A test whose program or fixture is not there is "skipped" to ctest, too: only one that asked for it counts so.
    if entry.get("status") == "disabled" or message.startswith(("SKIP_RETURN_CODE", "SKIP_REGULAR_EXPRESSION")):
        return "skipped"
    return "passed" if entry.get("status") == "run" and entry.find("failure") is None else "failed"


def results_of(entry, folder):
    name = entry.get("name")
    path = folder / f"{name}.json"
    whole = ctest_result(entry)
    try:
        results = [(f"{name}: {test}", result) for test, result in gtest_results(path)]
    except FileNotFoundError:
        return [(name, whole)]
    except (ValueError, KeyError):  # cut off in the middle of writing
        return [(f"{name} ({path.name} is not readable)", "failed")]
    if whole == "failed" and all(result != "failed" for _, result in results):
        results.append((f"{name} as a whole (crash, timeout or another rank)", "failed"))
    return results


def main():
    report, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    results = []
    if report.exists():
        for entry in xml.etree.ElementTree.parse(report).iter("testcase"):
            results += results_of(entry, folder)
    if not results:
        results.append(("no test was run", "failed"))
    for kind in ("skipped", "failed"):
        for name, result in results:
            if result == kind:
                print(f"{kind}: {name}")
    count = {kind: sum(result == kind for _, result in results) for kind in ("passed", "failed", "skipped")}
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
