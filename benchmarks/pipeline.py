#!/usr/bin/env python3
"""Arena over bound, memopt's planner beside those of others: compiles every model of a folder and every generated network,
and hands their buffers, as lifetimes, to bench_pipeline with the published problems.

usage: pipeline.py [--bin DIR] [--data DIR] [--models DIR] [--only NAME ...]
"""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "tests/e2e"))
import models  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/release/bin"))
    parser.add_argument("--data", default=os.path.join(ROOT, "../shared/data"))
    parser.add_argument("--models", default=os.path.join(ROOT, "../shared/models"))
    parser.add_argument("--only", nargs="*", default=[])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as base:
        lifetimes = os.path.join(base, "lifetimes")
        os.mkdir(lifetimes)
        for model in models.all_models(base, arguments.models, arguments.only, every=True, full_size=True):
            dump = os.path.join(base, "dump")
            process = subprocess.run([os.path.join(arguments.bin, "memopt-compile"), model.path, "--quiet", "--dump-dir", dump,
                                      *model.shape_flags()], capture_output=True, text=True, check=False)
            if process.returncode:
                reason = " ".join(process.stderr.replace(model.path + ": ", "").split())
                print(f"{model.name}: not compiled: {reason[:160]}", flush=True)
            else:
                shutil.move(os.path.join(dump, "problem.csv"), os.path.join(lifetimes, model.name + ".csv"))
            shutil.rmtree(dump, ignore_errors=True)
            shutil.rmtree(model.folder)
        subprocess.run([os.path.join(arguments.bin, "bench_pipeline"), "--data", arguments.data, "--lifetimes", lifetimes],
                       check=True)


if __name__ == "__main__":
    main()
