#!/usr/bin/env python3
"""Small inputs from public bug reports and hostile files (shared/cases beside the repository; its README says what each is).

A folder with expected outputs: the model compiles, its plan verifies and gives the expected values under guard, with and
without shared memory, and what --emit-onnx writes of it is a valid model. A hostile file: every tool that reads such a
file ends by itself with a documented status, in 10 s of CPU time and 512 MiB.

usage: cases_test.py --bin DIR --cases DIR [--only TEXT]
"""
import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile

import numpy as np
import onnx

from tool import SANITIZER_FACTOR

CPU_SECONDS, MAX_RESIDENT = 10 * SANITIZER_FACTOR, (512 << 20) * SANITIZER_FACTOR
# Every technique that shares memory, off: the oracle.
NO_SHARING = [word for name in ("views", "destinations", "in_place", "reuse") for word in ("--disable", name)]
# What a tool may answer to a file of a stranger: never 1 (a bug), never a signal.
ANSWERS = {0, 2, 3, 4, 5, 6, 9}


class Run:
    """A finished tool, with what it used."""

    def __init__(self, arguments):
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            process = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (3 * CPU_SECONDS,) * 2))
            _, status, usage = os.wait4(process.pid, 0)
            self.status = process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu_seconds = usage.ru_utime + usage.ru_stime
            self.resident_bytes = usage.ru_maxrss << 10
            out.seek(0), err.seek(0)
            self.out, self.err = out.read().decode(errors="replace"), err.read().decode(errors="replace")

    def excess(self):
        """What is over the limits."""
        problems = []
        if self.cpu_seconds > CPU_SECONDS:
            problems.append(f"{self.cpu_seconds:.1f} s of CPU time")
        if self.resident_bytes > MAX_RESIDENT:
            problems.append(f"{self.resident_bytes >> 20} MiB resident")
        return problems


class Tester:
    def __init__(self, folder_of_tools, scratch):
        self.bin, self.scratch, self.files = folder_of_tools, scratch, 0

    def tool(self, name, *arguments):
        return Run([os.path.join(self.bin, "memopt-" + name), *arguments])

    def fresh(self, suffix):
        self.files += 1
        return os.path.join(self.scratch, f"{self.files}{suffix}")

    def check_values(self, folder):
        """Problems of a model with expected outputs."""
        model = os.path.join(folder, "model.onnx")
        named = lambda kind: [(f[len(kind):-4].split("_", 1)[1], os.path.join(folder, f)) for f in sorted(os.listdir(folder)) if f.startswith(kind)]
        problems = []
        for flags in ([], NO_SHARING, ["--memory-budget", "min"]):
            what = " ".join(flags) or "plain"
            plan, out = self.fresh(".plan"), self.fresh("")
            ran = self.tool("compile", model, "-o", plan, "--quiet", *flags)
            problems += [f"{what}: compile: {p}" for p in ran.excess()]
            if ran.status:
                problems.append(f"{what}: compile: status {ran.status}: {ran.err[-300:]}")
                continue
            ran = self.tool("verify", plan)
            if ran.status:
                problems.append(f"{what}: verify: status {ran.status}: {ran.err[-300:]}")
            inputs = [word for name, path in named("input_") for word in ("--input", f"{name}=@{path}")]
            ran = self.tool("run", plan, "--guard", "--json", "--output-dir", out, *inputs)
            if ran.status:
                problems.append(f"{what}: run: status {ran.status}: {ran.err[-300:]}")
                continue
            result = json.loads(ran.out)
            files = {o["name"]: f for o, f in zip(result["outputs"], result["files"])}
            for name, path in named("expected_"):
                problems += [f"{what}: {p}" for p in difference(name, np.load(path), files)]
        return problems + self.check_export(model)

    def check_export(self, model):
        exported = self.fresh(".onnx")
        ran = self.tool("compile", model, "--quiet", "-o", self.fresh(".plan"), "--emit-onnx", exported)
        if ran.status:
            return [f"--emit-onnx: status {ran.status}: {ran.err[-300:]}"]
        try:
            onnx.checker.check_model(exported, full_check=True)
        except Exception as error:  # whatever the checker says, it is a finding
            return [f"--emit-onnx: {error}"]
        return []

    def check_hostile(self, path):
        """Problems of a file that means no good."""
        plan, listing = self.fresh(".plan"), []
        if path.endswith(".onnx"):
            listing = [("compile", path, "-o", plan), ("compile", path, "-o", plan, "--memory-budget", "min"),
                       ("compile", path, "-o", plan, "--pareto", self.fresh(".csv"), "--json"),
                       ("inspect", "fits", "--budget", "1MiB", path)]
        elif path.endswith(".plan"):
            listing = [("verify", path), ("run", path, "--guard"), ("run", path), ("inspect", path), ("inspect", "map", path),
                       ("inspect", "ops", path, "--json"), ("bench", path)]
        elif path.endswith(".ir"):
            listing = [("opt", path), ("opt", path, "--passes", "fold_constants,dce")]
        else:
            listing = [("pack", path), ("pack", path, "--json"), ("compile", path, "-o", plan)]
        problems = []
        for words in listing:
            ran = self.tool(*words)
            what = f"{words[0]} {' '.join(w for w in words[1:] if w != path and w != plan)}"
            problems += [f"{what}: {p}" for p in ran.excess()]
            if ran.status not in ANSWERS:
                problems.append(f"{what}: status {ran.status}: {ran.err[-300:]}")
            if ran.status and not (ran.err + ran.out).strip():
                problems.append(f"{what}: status {ran.status} without a message")
            if any(c in ran.out + ran.err for c in "\x1b\x07\x9b\r"):
                problems.append(f"{what}: control characters in the output")
            if "--json" in words and ran.status == 0:
                json.loads(ran.out)
            if words[0] == "compile" and os.path.exists(plan):
                made = self.tool("verify", plan)
                if made.status:
                    problems.append(f"{what}: what was written does not verify: {made.err[-300:]}")
                os.remove(plan)
        return problems


def difference(name, expected, files):
    if name not in files:
        return [f"no output '{name}', there are {sorted(files)}"]
    if not files[name].endswith(".npy"):
        return [f"{name}: written as {os.path.basename(files[name])}"]
    got = np.load(files[name])
    if got.shape != expected.shape or got.dtype != expected.dtype:
        return [f"{name}: {got.dtype}{list(got.shape)}, expected {expected.dtype}{list(expected.shape)}"]
    close = np.allclose(got, expected, rtol=1e-4, atol=1e-5, equal_nan=True) if got.dtype.kind in "fc" else np.array_equal(got, expected)
    return [] if close else [f"{name}: {got.ravel()[:8]}, expected {expected.ravel()[:8]}"]


def all_cases(folder, only):
    """Name, path and kind of every case."""
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.exists(os.path.join(path, "model.onnx")) and only in name:
            yield name, path, "values"
    hostile = os.path.join(folder, "hostile")
    for name in sorted(os.listdir(hostile)):
        for file in sorted(os.listdir(os.path.join(hostile, name))):
            if file.startswith("README") or only not in f"{name}/{file}":
                continue
            yield f"hostile/{name}/{file}", os.path.join(hostile, name, file), "hostile"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--cases", required=True)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    if not os.path.isdir(arguments.cases):
        print(f"skipped: no {arguments.cases}\n0 passed, 0 failed")
        return 0
    passed = failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        tester = Tester(arguments.bin, scratch)
        for name, path, kind in all_cases(arguments.cases, arguments.only):
            problems = tester.check_values(path) if kind == "values" else tester.check_hostile(path)
            passed, failed = passed + (not problems), failed + bool(problems)
            print("FAILED" if problems else "ok    ", name, *problems, sep="\n    " if problems else " ", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
