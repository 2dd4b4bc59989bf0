#!/usr/bin/env python3
"""What a memory budget costs: networks of python/zoo.py at one half and one quarter of the arena that they need without one.

usage: budget.py [--bin DIR] [--only NAME ...] [--io arena|caller] [--threads N] [--rounds N] [--out DIR]

predicted: time against the plan without a budget, by the cost model that chose the rewrites. measured: the same of
memopt-bench, both plans in turn, the fastest of all rounds. error: largest difference of the outputs, relative to their
range. Where a budget is not reached, the smallest arena found is printed with what sets its peak. --out keeps the curves
(JSON and HTML).
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NETWORKS = ("mobilenetv2", "resnet50", "unet", "yolo")
FRACTIONS = (2, 4)


class Tools:
    def __init__(self, folder, io):
        self.folder, self.io = folder, io

    def run(self, tool, *words):
        return subprocess.run([os.path.join(self.folder, "memopt-" + tool), *map(str, words)], capture_output=True, text=True)

    def compile(self, model, plan, *flags):
        return self.run("compile", model, "-o", plan, "--io", self.io, "--json", *flags)

    def milliseconds(self, plan, threads):
        result = self.run("bench", plan, "--json", "--threads", threads, "--repeat", 5)
        return json.loads(result.stdout)["run_ms_min"]

    def outputs(self, plan, folder):
        result = self.run("run", plan, "--input", "input=random", "--output-dir", folder)
        if result.returncode:
            raise RuntimeError(result.stderr)
        return [np.load(os.path.join(folder, name)) for name in sorted(os.listdir(folder)) if name.endswith(".npy")]


def relative_error(outputs, expected):
    return max(float(np.max(np.abs(a - b)) / max(np.max(np.abs(b)), 1e-9)) for a, b in zip(outputs, expected))


def predicted(curve, arena):
    return next(point["relative_time"] for point in curve["points"] if point["arena_bytes"] <= arena)


def report(tools, name, arguments, folder):
    model, plain, curve_file = (os.path.join(folder, name + ending) for ending in (".onnx", ".plan", ".json"))
    subprocess.run([sys.executable, os.path.join(ROOT, "python/zoo.py"), name, "-o", model], check=True)
    whole = json.loads(tools.compile(model, plain).stdout)["arena_bytes"]
    tools.compile(model, os.path.join(folder, "x.plan"), "--pareto", curve_file)
    if arguments.out:
        tools.compile(model, os.path.join(folder, "x.plan"), "--pareto", os.path.join(arguments.out, name + ".html"))
        tools.compile(model, os.path.join(folder, "x.plan"), "--pareto", os.path.join(arguments.out, name + ".json"))
    with open(curve_file, encoding="utf-8") as file:
        curve = json.load(file)
    expected = tools.outputs(plain, os.path.join(folder, name + "_whole"))
    for fraction in FRACTIONS:
        plan, budget = os.path.join(folder, f"{name}_{fraction}.plan"), whole // fraction
        row = f"{name:14} 1/{fraction} {whole:12,} {budget:12,}"
        compiled = tools.compile(model, plan, "--memory-budget", budget)
        if compiled.returncode:
            print(row, " ".join(compiled.stderr.split("\n")[0:2]), flush=True)
            continue
        arena = json.loads(compiled.stdout)["arena_bytes"]
        times = [(tools.milliseconds(plain, arguments.threads), tools.milliseconds(plan, arguments.threads))
                 for _ in range(arguments.rounds)]
        before, after = min(t[0] for t in times), min(t[1] for t in times)
        error = relative_error(tools.outputs(plan, os.path.join(folder, f"{name}_{fraction}")), expected)
        print(row, f"{arena:12,} {predicted(curve, budget):9.2f} {after / before:9.2f} {before:9.2f} {after:9.2f} {error:9.1e}",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/release/bin"))
    parser.add_argument("--only", nargs="*", default=NETWORKS)
    parser.add_argument("--io", choices=("arena", "caller"), default="arena")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    if arguments.out:
        os.makedirs(arguments.out, exist_ok=True)
    print(f"{'network':18} {'unbudgeted':>12} {'budget':>12} {'arena':>12} {'predicted':>9} {'measured':>9} {'ms':>9} {'ms then':>9} "
          f"{'error':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.only:
            report(Tools(arguments.bin, arguments.io), name, arguments, folder)


if __name__ == "__main__":
    main()
