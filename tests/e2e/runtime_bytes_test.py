#!/usr/bin/env python3
"""What the compiler says that loading a plan takes is what it takes: generated networks and one in integers, each for this
machine and for the portable target; compile, inspect and fits say the same, memopt-bench measures. Of a target that this
machine lacks there is an estimate."""
import argparse
import json
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import models
from tool import Tools

RELATIVE, ABSOLUTE = 0.05, 128 << 10  # the larger of both is allowed
ISAS = ["portable", "avx2", "avx512", "avx512_vnni", "avx512_bf16", "amx"]


def save_integer_model(path):
    """Three quantized convolutions in a row."""
    chance = np.random.default_rng(1)
    scalar = lambda name, value: numpy_helper.from_array(np.array(value), name)
    initializers = [scalar("scale", np.float32(0.05)), scalar("zero", np.uint8(128)), scalar("w_zero", np.int8(0))]
    nodes = []
    for i in range(3):
        initializers.append(numpy_helper.from_array(chance.integers(-50, 50, (32, 32, 3, 3)).astype(np.int8), f"w{i}"))
        x, y = f"x{i}" if i else "x", f"x{i + 1}" if i < 2 else "y"
        nodes.append(helper.make_node("QLinearConv", [x, "scale", "zero", f"w{i}", "scale", "w_zero", "scale", "zero"], [y], pads=[1] * 4))
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.UINT8, [1, 32, 28, 28])
    graph = helper.make_graph(nodes, "integers", [value("x")], [value("y")], initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def check_budgets(tools, check, read, paths):
    """A budget of the process bounds arena and structures together, and their sum never rises as it gets tighter."""
    for name in ("generated_yolo", "generated_unet", "integers"):
        path = paths[name]
        total = lambda said: said["arena_bytes"] + said["runtime_bytes"]
        whole = read(name, "compile", path, "--json")
        before = total(whole)
        for share in (1.0, 0.9, 0.8, 0.7, 0.6):
            budget = int(total(whole) * share) + 4096  # beside what a second prediction may differ by
            process = tools.run("compile", path, "--json", "--memory-budget", budget, "--budget-of", "process")
            if process.returncode == 0:
                now = total(json.loads(process.stdout))
                check(f"{name}: process within {budget}", now <= budget + 4096 and now <= before + 4096, f"{now}")
                before = now
            else:
                words = "the smallest sum found" if process.returncode == 5 else "needs less than"
                check(f"{name}: process not within {budget}", process.returncode in (4, 5) and words in process.stderr, process.stderr[:200])
            fits = tools.run("inspect", "fits", path, "--json", "--budget", budget, "--budget-of", "process")
            check(f"{name}: fits says the same", fits.returncode == process.returncode, f"{fits.returncode}, {process.returncode}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    tools = Tools(parser.parse_args().bin)
    failed = 0

    def check(what, good, detail=""):
        nonlocal failed
        print("ok    " if good else "FAILED", what, detail)
        failed += not good

    def read(what, *command):
        process = tools.run(*command)
        if process.returncode != 0:
            raise RuntimeError(f"{what}: {process.stderr}")
        return json.loads(process.stdout)

    with tempfile.TemporaryDirectory() as folder:
        integers = os.path.join(folder, "integers.onnx")
        save_integer_model(integers)
        paths = [("integers", integers)] + [(m.name, m.path) for m in models.generated_models(folder)]
        for name, path in paths:
            plan = os.path.join(folder, "a.plan")
            for target in ([], ["--target", "portable"]):
                what = " ".join([name, *target])
                said = read(what, "compile", path, "-o", plan, "--json", *target)
                measured = read(what, "bench", plan, "--json", "--repeat", "1", "--threads", "1")["runtime_bytes"]
                if measured is None:
                    check(what, said["runtime_is_estimate"], "nothing is counted here")
                    continue
                bytes_said = said["runtime_bytes"]
                check(what, abs(bytes_said - measured) <= max(RELATIVE * measured, ABSOLUTE) and not said["runtime_is_estimate"],
                      f"said {bytes_said}, measured {measured}")
                shown = read(what, "inspect", plan, "--json")["runtime_bytes"]
                fits = read(what, "inspect", "fits", path, "--budget", "1GiB", "--json", *target)["runtime_bytes"]
                check(f"{what}: inspect, fits", all(abs(n - measured) <= max(RELATIVE * measured, ABSOLUTE) for n in (shown, fits)), f"{shown}, {fits}")
        check_budgets(tools, check, read, dict(paths))
        mine = read("target", "compile", integers, "--json")["target"].split(":")[0]
        for isa in ISAS[ISAS.index(mine) + 1:]:
            said = read(isa, "compile", integers, "--json", "--target", isa)
            check(f"{isa}: an estimate", said["runtime_is_estimate"] and said["runtime_bytes"] > 0)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
