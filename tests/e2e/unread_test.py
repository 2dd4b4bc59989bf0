#!/usr/bin/env python3
"""Results that nobody reads: for every ONNX operator with several outputs, every subset of them is read. The plan computes
those right under the guard, and --emit-onnx writes a valid model that does too."""
import argparse
import itertools
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from export_test import evaluate
from tool import Tools

F, I, U8, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.UINT8, TensorProto.BOOL
# Operator, its attributes, its operands behind x, the types of its outputs, how many of these must have a name.
OPERATORS = [
    ("MaxPool", {"kernel_shape": [2, 3], "strides": [2, 2]}, [], [F, I], 1),
    ("TopK", {"axis": 1}, [np.array([2])], [F, I], 2),
    ("Split", {"axis": 1}, [np.array([1, 2, 1])], [F, F, F], 3),
    ("LayerNormalization", {"axis": 2}, [np.linspace(1, 2, 42, dtype=np.float32).reshape(6, 7)], [F, F, F], 1),
    ("Dropout", {}, [], [F, B], 1),
    ("DynamicQuantizeLinear", {}, [], [U8, F, U8], 3),
]


def build(operator, constant):
    """One node for every subset, and one more where those that are not read have no name."""
    op, attributes, operands, types, mandatory = operator
    x = np.random.default_rng(1).normal(size=(2, 4, 6, 7)).astype(np.float32)
    nodes, outputs = [], []
    initializers = [numpy_helper.from_array(a, f"operand{i}") for i, a in enumerate(operands)]
    if constant:
        initializers.append(numpy_helper.from_array(x, "x"))
    for subset in itertools.product([False, True], repeat=len(types)):
        for named in (True, False):
            if not any(subset) or (not named and all(subset)):
                continue
            key = "".join(str(int(s)) for s in subset) + ("n" if named else "e")
            names = [f"{key}_{i}" if named or s or i < mandatory else "" for i, s in enumerate(subset)]
            nodes.append(helper.make_node(op, ["x", *(i.name for i in initializers if i.name != "x")], names,
                                          name=f"node{key}", **attributes))
            outputs += [helper.make_tensor_value_info(n, t, None) for n, t, s in zip(names, types, subset) if s]
    # Something must depend on an input.
    nodes.append(helper.make_node("Neg", ["y"], ["z"]))
    outputs.append(helper.make_tensor_value_info("z", F, [3]))
    inputs = [helper.make_tensor_value_info("y", F, [3])]
    feeds = {"y": np.array([1, -2, 3], np.float32)}
    if not constant:
        inputs.append(helper.make_tensor_value_info("x", F, x.shape))
        feeds["x"] = x
    graph = helper.make_graph(nodes, op, inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), feeds


def compare(got, want):
    for name, array in want.items():
        found = got[name]
        if found.shape != array.shape or found.dtype != array.dtype:
            return f"{name}: {found.dtype}{found.shape} instead of {array.dtype}{array.shape}"
        if not np.allclose(found.astype(np.float64), array.astype(np.float64), rtol=1e-4, atol=1e-4):
            return f"{name} differs"
    return None


def check(tools, model, feeds, folder):
    path = os.path.join(folder, "model.onnx")
    exported, plan = os.path.join(folder, "exported.onnx"), os.path.join(folder, "model.plan")
    onnx.save(model, path)
    want = evaluate(path, feeds)
    process = tools.run("compile", path, "--quiet", "-o", plan, "--emit-onnx", exported)
    if process.returncode:
        return f"compile: status {process.returncode}: {process.stderr[:500]}"
    arguments = []
    for name, array in feeds.items():
        np.save(os.path.join(folder, name + ".npy"), array)
        arguments += ["--input", f"{name}=@{os.path.join(folder, name + '.npy')}"]
    results = os.path.join(folder, "results")
    process = tools.run("run", plan, "--guard", *arguments, "--output-dir", results)
    if process.returncode:
        return f"run: status {process.returncode}: {process.stderr[:500]}"
    problem = compare({name: np.load(os.path.join(results, name + ".npy")) for name in want}, want)
    if problem:
        return "run: " + problem
    onnx.checker.check_model(exported, full_check=True)
    problem = compare(evaluate(exported, feeds), want)
    return "emitted: " + problem if problem else None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    tools, failed = Tools(parser.parse_args().bin), 0
    for operator, constant in itertools.product(OPERATORS, [False, True]):
        model, feeds = build(operator, constant)
        with tempfile.TemporaryDirectory() as folder:
            problem = check(tools, model, feeds, folder)
        failed += bool(problem)
        print(operator[0], "of constants" if constant else "of an input", problem or "ok", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
