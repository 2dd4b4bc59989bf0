#!/usr/bin/env python3
"""--emit-onnx writes a model that another runtime (onnxruntime) loads and that gives the same outputs as the original; the
plan is in its metadata. A generated network always, the real ones where their folder is there."""
import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper

import models
from tool import Tools

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
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
        generated = os.path.join(base, "mobilenetv2.onnx")
        subprocess.run([sys.executable, os.path.join(ROOT, "python/zoo.py"), "mobilenetv2", "--size", "64", "-o", generated],
                       check=True)
        feeds = {"input": np.random.default_rng(1).random((1, 3, 64, 64), dtype=np.float32)}
        todo = [("generated mobilenetv2", generated, lambda: feeds, [], 0.0)]
        if os.path.exists(os.path.join(arguments.models, "materialize.py")):
            subprocess.run([sys.executable, os.path.join(arguments.models, "materialize.py"), base + "/models",
                            *arguments.only], check=True, stdout=subprocess.DEVNULL)
            for model in models.cnn_models(base + "/models", os.path.join(arguments.models, "manifest.tsv")):
                if os.path.getsize(model.path) < 100e6:  # the large light ones add minutes and no operator
                    todo.append((model.name, model.path, lambda m=model: read_inputs(m.path, m.data), model.shape_flags(),
                                 model.tolerance))
        for name, path, inputs, flags, floor in todo:
            problem = check(tools, path, inputs(), flags, floor, base)
            failed, passed = failed + bool(problem), passed + (not problem)
            print(name, problem or "ok", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
