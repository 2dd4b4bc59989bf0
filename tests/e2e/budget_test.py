#!/usr/bin/env python3
"""Real and generated networks with as few arena bytes as the memory budget finds: the plan verifies, gives the reference
outputs under the guard, bit-identical at 1 and 2 threads, uses what was planned to the byte, and never needs more than the
plan without a budget. Batches: with micro-batches alone, the results keep their bits.

usage: budget_test.py --bin DIR --models DIR [--only NAME ...] [--all]
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

import models
from tool import Tools, outputs

TOLERANCE = 1e-3  # relative to the largest magnitude of an output
UNSUPPORTED = 3
# Every kind of network once; --all for the rest.
QUICK = ("generated_mobilenetv2", "generated_resnet50", "generated_unet", "generated_yolo", "blazeface_back", "yunet_n_320", "super_resolution_10", "hand_landmark",
         "light_squeezenet", "crepe_tiny", "ultraface_rfb320")


def check(model, tools, folder):
    """Arena bytes without and with the budget, and the list of what is wrong; None if the model is refused."""
    problems = []
    plain, least = os.path.join(folder, "plain.plan"), os.path.join(folder, "least.plan")
    compiled = tools.run("compile", model.path, "-o", plain, "--json", *model.shape_flags())
    if compiled.returncode == UNSUPPORTED:
        return None
    before = json.loads(compiled.stdout)["arena_bytes"]
    compiled = tools.run("compile", model.path, "-o", least, "--json", "--memory-budget", "min", *model.shape_flags())
    if compiled.returncode:
        return before, 0, [f"compile: status {compiled.returncode}: {compiled.stderr[:500]}"]
    after = json.loads(compiled.stdout)["arena_bytes"]
    if after > before:
        problems.append(f"the budget raised the arena from {before} to {after}")
    verified = tools.run("verify", least)
    if verified.returncode:
        problems.append(f"verify: {verified.stderr[:500]}")
    tolerance = ["--range-tol", max(TOLERANCE, model.tolerance)]
    results = []
    for flags in (["--guard", "--json"], ["--threads", 2]):
        out = os.path.join(folder, f"out{len(results)}")
        ran = tools.run("run", least, "--test-data", model.data, "--output-dir", out, *tolerance, *flags)
        if ran.returncode:
            problems.append(f"run {flags}: status {ran.returncode}: {ran.stderr[:500]}{ran.stdout[-300:]}")
            continue
        results.append(outputs(out))
        if "--json" in flags and (used := json.loads(ran.stdout)["guard"]["reserved_bytes"]) != after:
            problems.append(f"the steps use {used} bytes of the arena, planned are {after}")
    if any(result != results[0] for result in results):
        problems.append("1 and 2 threads: the outputs are not bit-identical")
    return before, after, problems


def check_batch(tools, folder):
    """Micro-batches of a batch of images give the bits of the whole batch."""
    model, out = os.path.join(folder, "batch.onnx"), {}
    subprocess.run([sys.executable, os.path.join(models.ROOT, "python/zoo.py"), "mobilenetv2", "-o", model, "--size", "64",
                    "--batch", "4"], check=True)
    budget = None
    for name in ("whole", "split"):
        plan, results = os.path.join(folder, name + ".plan"), os.path.join(folder, name)
        flags = ["--memory-budget", budget // 2, "--disable", "tile"] if budget else []
        compiled = tools.run("compile", model, "-o", plan, "--json", *flags)
        if compiled.returncode:
            return [f"{name}: status {compiled.returncode}: {compiled.stderr[:500]}"]
        budget = json.loads(compiled.stdout)["arena_bytes"]
        ran = tools.run("run", plan, "--input", "input=random", "--output-dir", results, "--guard")
        if ran.returncode:
            return [f"{name}: run: {ran.stderr[:500]}"]
        out[name] = outputs(results)
    return [] if out["whole"] == out["split"] else ["micro-batches change the bits of the outputs"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--models", required=True, help="folder of manifest.tsv and materialize.py")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--all", action="store_true", help="every model, not only one of each kind")
    arguments = parser.parse_args()
    only = None if arguments.all else arguments.only or list(QUICK)
    tools, failed, passed = Tools(arguments.bin), 0, 0
    with tempfile.TemporaryDirectory() as base:
        problems = check_batch(tools, base)
        failed, passed = failed + bool(problems), passed + (not problems)
        print("micro-batches", "ok" if not problems else "FAILED", *problems, flush=True)
        for model in models.all_models(base, arguments.models, only, every=arguments.all):
            folder = os.path.join(base, "out")
            os.mkdir(folder)
            result = check(model, tools, folder)
            shutil.rmtree(folder)
            shutil.rmtree(model.folder)
            if result is None:
                continue
            before, after, problems = result
            failed, passed = failed + bool(problems), passed + (not problems)
            print(f"{model.name:24} {before:12,} -> {after:12,} ({after / max(1, before):.2f})",
                  "ok" if not problems else "FAILED", *problems, sep="\n    " if problems else " ", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
