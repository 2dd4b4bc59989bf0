#!/usr/bin/env python3
"""What each network costs: for every model of a folder and every generated network the bytes of the plan, and what compiling,
loading and running take on this machine.

usage: models.py [--bin DIR] [--models DIR] [--only NAME ...] [--threads N] [--repeat N] [--json FILE]

naive: every tensor its own bytes. arena/bound: the bound is proved; `proved` says whether for all orders of the steps or for
the plan's own order. compile s: user CPU of memopt-compile; MB: its peak resident memory. load: mapping, checking and verifying the plan; kernels: making them. RSS: of the process
that loaded and ran the plan, everything included.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/e2e"))
import models  # noqa: E402

ALL_ORDERS = "all_orders"  # the certificate's kind


def timed(command):
    """Output, user CPU seconds and peak resident bytes of a command."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, error = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(" ".join(error.split()))
    return output, usage.ru_utime, usage.ru_maxrss * 1024


def measure(tools, path, flags, plan, threads, repeat):
    output, seconds, peak = timed([os.path.join(tools, "memopt-compile"), path, "-o", plan, "--json", *flags])
    report = json.loads(output)
    output, _, _ = timed([os.path.join(tools, "memopt-bench"), plan, "--json", "--threads", str(threads), "--repeat", str(repeat)])
    bench = json.loads(output)
    return {"naive_bytes": report["naive_bytes"], "arena_bytes": report["arena_bytes"],
            "lower_bound_bytes": report["lower_bound_bytes"], "constants_bytes": report["constants_bytes"],
            "bound": report["certificate"]["kind"], "compile_s": seconds, "compile_peak_bytes": peak, **bench}


def ratio(row):
    return row["arena_bytes"] / row["lower_bound_bytes"] if row["lower_bound_bytes"] else 1.0


def summarize(rows):
    """What share of the models is how near to what is proved, beside what is wanted."""
    count = len(rows)
    shares = [("arena = bound", sum(row["arena_bytes"] == row["lower_bound_bytes"] for row in rows), 95),
              ("arena <= 1.01 bound", sum(ratio(row) <= 1.01 for row in rows), 100),
              ("arena = bound, proved for all orders",
               sum(row["arena_bytes"] == row["lower_bound_bytes"] and row["bound"] == ALL_ORDERS for row in rows), 70)]
    for name, having, wanted in shares:
        print(f"{name:40}{having:4} of {count}  {100 * having / count:6.1f} %  (wanted: {wanted} %)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/release/bin"))
    parser.add_argument("--models", default=os.path.join(ROOT, "../shared/models"))
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--json")
    arguments = parser.parse_args()
    rows, refused = {}, []
    print(f"{'model':26}{'naive MB':>10}{'arena MB':>10}{'arena/bound':>12}{'proved for':>13}{'constants':>11}{'compile s':>10}{'MB':>7}"
          f"{'load ms':>9}{'kernels':>9}{'run ms':>9}{'RSS MB':>8}")
    with tempfile.TemporaryDirectory() as base:
        for model in models.all_models(base, arguments.models, arguments.only, every=True, full_size=True):
            try:
                row = measure(arguments.bin, model.path, model.shape_flags(), os.path.join(base, "a.plan"), arguments.threads,
                              arguments.repeat)
            except RuntimeError as error:
                refused.append(f"{model.name}: {str(error).replace(model.path + ': ', '')[:150]}")
                continue
            finally:
                shutil.rmtree(model.folder)
            rows[model.name] = row
            proved = "all orders" if row["bound"] == ALL_ORDERS else "this order"
            print(f"{model.name:26}{row['naive_bytes'] / 1e6:10.2f}{row['arena_bytes'] / 1e6:10.2f}{ratio(row):12.4f}{proved:>13}"
                  f"{row['constants_bytes'] / 1e6:11.2f}{row['compile_s']:10.2f}{row['compile_peak_bytes'] / 1e6:7.0f}"
                  f"{row['load_ms']:9.2f}{row['create_ms']:9.2f}{row['run_ms_median']:9.2f}"
                  f"{row['peak_resident_bytes'] / 1e6:8.1f}", flush=True)
    print(f"\n{len(refused)} models are refused", *refused, sep="\n  ")
    print()
    summarize(list(rows.values()))
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()
