#!/usr/bin/env python3
"""--emit-onnx writes a model that another runtime (onnxruntime) loads and that gives the same outputs as the original; the
plan is in its metadata. The generated networks always, the real ones where their folder is there."""
import argparse
import json
import os
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

import models
from tool import Tools

TOLERANCE = 1.1e-3  # of the range of an output, as models_test.py


def evaluate(path, feeds):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds)))


def check(tools, path, feeds, flags, floor, folder):
    """None, or what is wrong with the exported form of one model."""
    exported = os.path.join(folder, "exported.onnx")
    process = tools.run("compile", path, "--quiet", "--emit-onnx", exported, *flags)
    if process.returncode:
        return f"status {process.returncode}: {process.stderr[:500]}"
    model = onnx.load(exported)
    onnx.checker.check_model(model)
    metadata = {p.key: p.value for p in model.metadata_props}
    if not json.loads(metadata["memopt.order"]) or int(metadata["memopt.arena_bytes"]) <= 0:
        return "no plan in the metadata"
    want, got = evaluate(path, feeds), evaluate(exported, feeds)
    for name, array in want.items():
        if got[name].shape != array.shape or got[name].dtype != array.dtype:
            return f"{name}: {got[name].dtype}{got[name].shape} instead of {array.dtype}{array.shape}"
        error = np.abs(got[name].astype(np.float64) - array).max(initial=0)
        allowed = max(TOLERANCE, floor) * (np.abs(array).max(initial=0) or 1)
        if not error <= allowed:
            return f"{name}: differs by {error}, allowed {allowed}"
    return None


def read_inputs(path, folder):
    model = onnx.load(path)
    weights = {i.name for i in model.graph.initializer}
    feeds = {}
    for k, name in enumerate(i.name for i in model.graph.input if i.name not in weights):
        with open(os.path.join(folder, f"input_{k}.pb"), "rb") as file:
            feeds[name] = numpy_helper.to_array(onnx.TensorProto.FromString(file.read()))
    return feeds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--only", nargs="*", default=[])
    arguments = parser.parse_args()
    tools, failed, passed = Tools(arguments.bin), 0, 0
    with tempfile.TemporaryDirectory() as base:
        for model in models.all_models(base, arguments.models, arguments.only):
            if os.path.getsize(model.path) > 100e6:  # the large light ones add minutes and no operator
                continue
            inputs = read_inputs(model.path, model.data)
            problem = check(tools, model.path, inputs, model.shape_flags(), model.tolerance, base)
            failed, passed = failed + bool(problem), passed + (not problem)
            print(model.name, problem or "ok", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
