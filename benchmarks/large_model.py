#!/usr/bin/env python3
"""Compiles a generated model with GiBs of weights and checks that memopt-compile maps them: its peak resident memory must stay
below 1.25 x model + 256 MiB.

usage: large_model.py [--bin DIR] [--gib N] [--external]
"""
import argparse
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

from models import ROOT, timed

WIDTH = 8192  # one square f32 weight has 256 MiB


def write_model(folder, layers, external):
    """A chain of matrix products in folder/large.onnx; weights inline as raw_data, or in one external file."""
    random = np.random.default_rng(1)
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, WIDTH])
    nodes, weights, offset = [], [], 0
    data_path = os.path.join(folder, "weights.data")
    data = open(data_path, "wb") if external else None
    for layer in range(layers):
        array = random.standard_normal((WIDTH, WIDTH), dtype=np.float32) / WIDTH ** 0.5
        tensor = TensorProto(name=f"w{layer}", data_type=TensorProto.FLOAT, dims=array.shape)
        if external:
            data.write(array.tobytes())
            tensor.data_location = TensorProto.EXTERNAL
            for key, entry in (("location", "weights.data"), ("offset", offset), ("length", array.nbytes)):
                tensor.external_data.add(key=key, value=str(entry))
            offset += array.nbytes
        else:
            tensor.raw_data = array.tobytes()
        weights.append(tensor)
        nodes.append(helper.make_node("MatMul", [f"x{layer}", f"w{layer}"], [f"x{layer + 1}"], f"layer{layer}"))
    if data:
        data.close()
    graph = helper.make_graph(nodes, "large", [value("x0")], [value(f"x{layers}")], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, os.path.join(folder, "large.onnx"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/release/bin"))
    parser.add_argument("--gib", type=float, default=1.75, help="weights; protobuf writes at most 2 GiB inline")
    parser.add_argument("--external", action="store_true", help="weights in an external file: any size")
    parser.add_argument("--write", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        write_model(arguments.write, round(arguments.gib * 4), arguments.external)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: a child's peak resident memory counts what its parent held when it was made.
        subprocess.run([sys.executable, __file__, "--write", folder, *sys.argv[1:]], check=True)
        path, size = folder + "/large.onnx", sum(entry.stat().st_size for entry in os.scandir(folder))
        _, seconds, peak = timed([os.path.join(arguments.bin, "memopt-compile"), path, "-o", folder + "/large.plan", "--quiet"])
        limit = 1.25 * size + (256 << 20)
        print(f"model {size} bytes, compiled in {seconds:.1f} s, peak resident {peak} bytes, limit {limit:.0f}: "
              f"{'ok' if peak <= limit else 'EXCEEDED'}")
        return 0 if peak <= limit else 1


if __name__ == "__main__":
    sys.exit(main())
