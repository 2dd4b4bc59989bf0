#!/usr/bin/env python3
"""Runs an exported model in ONNX Runtime and compares it with recorded outputs.

usage: check_export.py MODEL.onnx TEST_DATA_DIR [--rtol R] [--atol A]

TEST_DATA_DIR holds input_k.pb and output_k.pb (TensorProto). Inputs are matched by name; those that
the exported model no longer has (because they were bound to a constant) are left out. Both
tolerances are scaled to the range of the expected output. Needs onnx, onnxruntime and numpy.
Exit status: 0 all outputs agree, 7 they differ.
"""
import argparse
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper


def load_tensors(folder, prefix):
    tensors = []
    while (path := folder / f"{prefix}_{len(tensors)}.pb").exists():
        tensor = onnx.TensorProto()
        tensor.ParseFromString(path.read_bytes())
        tensors.append((tensor.name, numpy_helper.to_array(tensor)))
    return tensors


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model")
    parser.add_argument("test_data", type=pathlib.Path)
    parser.add_argument("--rtol", type=float, default=1e-3)
    parser.add_argument("--atol", type=float, default=1e-4)
    args = parser.parse_args()

    onnx.checker.check_model(args.model, full_check=True)
    session = onnxruntime.InferenceSession(args.model, providers=["CPUExecutionProvider"])
    given = dict(load_tensors(args.test_data, "input"))
    feeds = {i.name: given[i.name] for i in session.get_inputs()}
    results = session.run(None, feeds)
    failed = False
    for (name, expected), found in zip(load_tensors(args.test_data, "output"), results):
        finite = np.abs(expected[np.isfinite(expected)]) if expected.dtype.kind == "f" else expected
        scale = max(1.0, float(np.max(finite, initial=0)))
        if expected.dtype.kind == "f":
            same = np.allclose(found, expected, args.rtol, args.atol * scale, equal_nan=True)
        else:
            same = np.array_equal(found, expected)
        if expected.shape != found.shape or not same:
            print(f"{args.model}: output '{name}' differs", file=sys.stderr)
            failed = True
    return 7 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
