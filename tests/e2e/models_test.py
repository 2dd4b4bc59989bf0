#!/usr/bin/env python3
"""Every real network and every generated one: compiles, verifies and runs with the reference outputs; bit-identical with
reuse on and off, with the guard on and off, and at 1 and 2 threads; arena within 1.02 of its bound; what the steps use of
the arena is what was planned, to the byte. Networks that are not convolutional may be refused, with status 3.

usage: models_test.py --bin DIR --models DIR [--only NAME ...]
"""
import argparse
import json
import os
import shutil
import sys
import tempfile

import models
from tool import Tools, outputs

TOLERANCE = 1e-3  # relative to the largest magnitude of an output
MAX_ARENA_RATIO = 1.02
UNSUPPORTED = 3


def check(model, tools, folder):
    """The list of what is wrong with one model; empty if all is well, None if it is refused and may be."""
    problems = []

    def fail(what, process):
        problems.append(f"{what}: status {process.returncode}: {process.stderr.strip()[:500]}{process.stdout[-500:]}")

    plan, unshared = os.path.join(folder, "a.plan"), os.path.join(folder, "b.plan")
    compiled = tools.run("compile", model.path, "-o", plan, "--json", *model.shape_flags())
    if compiled.returncode == UNSUPPORTED and not model.required:
        return None
    if compiled.returncode:
        fail("compile", compiled)
        return problems
    report = json.loads(compiled.stdout)
    ratio = report["arena_bytes"] / max(1, report["lower_bound_bytes"])
    if ratio > MAX_ARENA_RATIO:
        problems.append(f"arena is {ratio:.4f} of its bound")
    again = tools.run("compile", model.path, "-o", unshared, "--quiet", *model.shape_flags())
    with open(plan, "rb") as first, open(unshared, "rb") as second:
        if again.returncode or first.read() != second.read():
            problems.append("a second compilation gives other bytes")
    verified = tools.run("verify", plan)
    if verified.returncode:
        fail("verify", verified)
    compiled = tools.run("compile", model.path, "-o", unshared, "--quiet", "--disable", "reuse", *model.shape_flags())
    if compiled.returncode:
        fail("compile without reuse", compiled)
        return problems

    tolerance = ["--range-tol", max(TOLERANCE, model.tolerance)]
    results = {}
    for name, file, flags in (("1 thread", plan, []), ("2 threads", plan, ["--threads", 2]),
                              ("guard", plan, ["--guard", "--json"]), ("without reuse", unshared, [])):
        out = os.path.join(folder, name.replace(" ", "_"))
        ran = tools.run("run", file, "--test-data", model.data, "--output-dir", out, *tolerance, *flags)
        if ran.returncode:
            fail(name, ran)
            continue
        results[name] = outputs(out)
        if name == "guard":
            used = json.loads(ran.stdout)["guard"]["reserved_bytes"]
            if used != report["arena_bytes"]:
                problems.append(f"the steps use {used} bytes of the arena, planned are {report['arena_bytes']}")
    for name, files in results.items():
        if files != results.get("1 thread"):
            problems.append(f"{name}: the outputs are not bit-identical to those of 1 thread")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--models", required=True, help="folder of manifest.tsv and materialize.py")
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    tools, failed, passed, refused = Tools(arguments.bin), 0, 0, 0
    with tempfile.TemporaryDirectory() as base:
        for model in models.all_models(base, arguments.models, arguments.only, every=True):
            folder = os.path.join(base, "out")
            os.mkdir(folder)
            problems = check(model, tools, folder)
            shutil.rmtree(folder)
            shutil.rmtree(model.folder)
            if problems is None:
                refused += 1
                print(model.name, "refused", flush=True)
                continue
            failed, passed = failed + bool(problems), passed + (not problems)
            print(model.name, "ok" if not problems else "FAILED", *problems, sep="\n    " if problems else " ", flush=True)
    print(f"{passed} passed, {failed} failed, {refused} refused")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
