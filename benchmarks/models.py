#!/usr/bin/env python3
"""What each network costs: for every model of a folder (and the generated ResNet-50 and MobileNetV2) the bytes of the plan, and
what compiling, loading and running take on this machine.

usage: models.py [--bin DIR] [--models DIR] [--only NAME ...] [--threads N] [--repeat N] [--json FILE]

naive: every tensor its own bytes. bound: proved, no plan with these steps needs less (`all` orders or the `fixed` one). compile MB: peak
resident memory of memopt-compile. load: mapping, checking and verifying the plan; kernels: making them. RSS: of the process
that loaded and ran the plan, everything included.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/e2e"))
import models  # noqa: E402


def timed(command):
    """Output, wall seconds and peak resident bytes of a command."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, error = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)}: status {process.returncode}: {error}")
    return output, time.monotonic() - begin, usage.ru_maxrss * 1024


def measure(tools, path, flags, plan, threads, repeat):
    output, seconds, peak = timed([os.path.join(tools, "memopt-compile"), path, "-o", plan, "--json", *flags])
    report = json.loads(output)
    output, _, _ = timed([os.path.join(tools, "memopt-bench"), plan, "--json", "--threads", str(threads), "--repeat", str(repeat)])
    bench = json.loads(output)
    return {"naive_bytes": report["naive_bytes"], "arena_bytes": report["arena_bytes"],
            "lower_bound_bytes": report["lower_bound_bytes"], "constants_bytes": report["constants_bytes"],
            "bound": report.get("bound", {}).get("kind", report.get("bound_kind", "")), "compile_s": seconds,
            "compile_peak_bytes": peak, **bench}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/release/bin"))
    parser.add_argument("--models", default=os.path.join(ROOT, "../shared/models"))
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    rows = {}
    header = f"{'model':26}{'naive MB':>10}{'arena MB':>10}{'gap %':>7}{'constants':>11}{'compile s':>10}{'MB':>7}" \
             f"{'load ms':>9}{'kernels':>9}{'run ms':>9}{'RSS MB':>8}"
    print(header)
    with tempfile.TemporaryDirectory() as base:
        todo = []
        for name in ("mobilenetv2", "resnet50"):
            path = os.path.join(base, name + ".onnx")
            subprocess.run([sys.executable, os.path.join(ROOT, "python/zoo.py"), name, "-o", path], check=True)
            todo.append(("generated " + name, path, []))
        script = os.path.join(arguments.models, "materialize.py")
        if os.path.exists(script):
            subprocess.run([sys.executable, script, base + "/models", *arguments.only], check=True, stdout=subprocess.DEVNULL)
            for model in models.cnn_models(base + "/models", os.path.join(arguments.models, "manifest.tsv")):
                todo.append((model.name, model.path, model.shape_flags()))
        else:
            print(f"no models in {arguments.models}: only the generated ones", file=sys.stderr)
        for name, path, flags in todo:
            if arguments.only and name not in arguments.only:
                continue
            row = measure(arguments.bin, path, flags, os.path.join(base, "a.plan"), arguments.threads, arguments.repeat)
            rows[name] = row
            gap = 100 * (row["arena_bytes"] / max(1, row["lower_bound_bytes"]) - 1)
            print(f"{name:26}{row['naive_bytes'] / 1e6:10.2f}{row['arena_bytes'] / 1e6:10.2f}{gap:7.2f}"
                  f"{row['constants_bytes'] / 1e6:11.2f}{row['compile_s']:10.2f}{row['compile_peak_bytes'] / 1e6:7.0f}"
                  f"{row['load_ms']:9.2f}{row['create_ms']:9.2f}{row['run_ms_median']:9.2f}"
                  f"{row['peak_resident_bytes'] / 1e6:8.1f}", flush=True)
            os.remove(path)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
