#!/usr/bin/env python3
"""Every form that an operator had from opset 7 to the newest: attributes that became operands, defaults and rounding that changed.
What comes out is compared with ONNX's reference implementation or with NumPy, also for tensors without elements, of rank 0, of
every element type, and for infinities and NaN.

With --through-export, the models that --emit-onnx writes take the place of the originals.

usage: opsets_test.py --bin DIR [--filter TEXT] [--through-export]
"""
import argparse
import concurrent.futures
import os
import sys

import opset_moves as m
import opset_values as v
from node_cases import failures
from tool import Tools

FAMILIES = (v.clips, v.unaries, v.binaries, v.casts, v.softmaxes, v.reductions, v.top_ks, m.shapes, m.splits,
            m.slices, m.pads, m.movements, v.normalizations, v.dropouts, v.quantizations, m.resizes, m.scatters, m.cumulations,
            m.one_hots, m.triangles, m.sequences, m.columns, v.products, v.pools,
            v.values_of_every_type, m.moves_of_every_type)
BATCH = 150  # nodes in one model


def batches(filter_text):
    for family in FAMILIES:
        by_opset = {}
        for case in family():
            if filter_text in family.__name__ or filter_text in case.name:
                by_opset.setdefault(case.opset, []).append(case)
        for cases in by_opset.values():
            for begin in range(0, len(cases), BATCH):
                yield cases[begin:begin + BATCH]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--filter", default="")
    parser.add_argument("--through-export", action="store_true")
    arguments = parser.parse_args()
    tools = Tools(arguments.bin)
    work = list(batches(arguments.filter))
    total, lines = sum(len(cases) for cases in work), []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda cases: failures(tools, cases, arguments.through_export), work):
            lines += found
    for line in lines:
        print("FAILED " + line)
    print(f"{total - len(lines)} passed, {len(lines)} failed")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
