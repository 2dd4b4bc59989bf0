#!/usr/bin/env python3
"""What goes wrong gets the right exit status, a message that names the thing, and leaves no file behind."""
import argparse
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

from tool import Tools

DONE, USAGE, BAD_INPUT, IMPOSSIBLE, NOT_REACHED, VERIFY, ACCURACY, RESOURCE = 0, 2, 3, 4, 5, 6, 7, 9


def small_model(op="Relu", shape=(1, 4)):
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"], "the_node")], "small", [value("x")], [value("y")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Checker:
    def __init__(self, tools, folder):
        self.tools, self.folder, self.failed, self.passed = tools, folder, 0, 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def expect(self, what, status, words, tool, *arguments):
        """Runs a tool; `words` must all be in its message; nothing but the files that were there may be there."""
        before = sorted(os.listdir(self.folder))
        process = self.tools.run(tool, *arguments, timeout=120)
        problems = []
        if process.returncode != status:
            problems.append(f"status {process.returncode}, needed {status}")
        problems += [f"no '{w}' in the message" for w in words if w not in process.stderr + process.stdout]
        if sorted(os.listdir(self.folder)) != before:
            problems.append(f"left behind: {set(os.listdir(self.folder)) - set(before)}")
        print("ok    " if not problems else "FAILED", what, *problems)
        if problems:
            print(process.stdout, process.stderr)
        self.failed, self.passed = self.failed + bool(problems), self.passed + (not problems)


def check_models(c):
    model = c.path("small.onnx")
    c.expect("no such model", BAD_INPUT, ["nowhere.onnx"], "compile", c.path("nowhere.onnx"), "-o", c.path("a.plan"))
    c.expect("no arguments", USAGE, ["model"], "compile")
    c.expect("unknown option", USAGE, ["--frobnicate"], "compile", model, "--frobnicate")
    c.expect("a folder as model", BAD_INPUT, [c.folder], "compile", c.folder, "-o", c.path("a.plan"))
    c.expect("shape of an unknown input", USAGE, ["nope", "'x'"], "compile", model, "--shape", "nope=1x4", "-o", c.path("a.plan"))
    c.expect("malformed shape", USAGE, ["1x"], "compile", model, "--shape", "x=1xq")
    c.expect("unknown pass", USAGE, ["nopass"], "compile", model, "--disable", "nopass")
    c.expect("unknown target", USAGE, ["z80"], "compile", model, "--target", "z80")
    onnx.save(small_model("Frobnicate"), c.path("unknown.onnx"))
    c.expect("unknown operator", BAD_INPUT, ["Frobnicate", "the_node"], "compile", c.path("unknown.onnx"), "-o", c.path("a.plan"))
    with open(model, "rb") as file:
        data = file.read()
    for length in (0, 1, len(data) // 2, len(data) - 1):
        with open(c.path("cut.onnx"), "wb") as file:
            file.write(data[:length])
        c.expect(f"model cut to {length} bytes", BAD_INPUT, ["cut.onnx"], "compile", c.path("cut.onnx"), "-o", c.path("a.plan"))
    model = small_model("Add")
    model.graph.node[0].input.append("w")
    weight = model.graph.initializer.add()
    weight.name, weight.data_type = "w", TensorProto.FLOAT
    weight.dims.extend([1, 4])
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "../../../../../../../../../etc/passwd"
    onnx.save(model, c.path("unknown.onnx"))
    c.expect("external data outside of the folder", BAD_INPUT, ["etc/passwd"], "compile", c.path("unknown.onnx"),
             "-o", c.path("a.plan"))


def check_outputs(c):
    model = c.path("small.onnx")
    c.expect("output folder does not exist", RESOURCE, ["missing"], "compile", model, "-o", c.path("missing/a.plan"))
    c.expect("full disk", RESOURCE, ["/dev/full"], "compile", model, "--quiet", "-o", "/dev/full")
    c.expect("budget proved impossible", IMPOSSIBLE, ["1 B", "64 B"], "compile", model, "-o", c.path("a.plan"), "--memory-budget", "1")
    c.expect("malformed budget", USAGE, ["lots"], "compile", model, "--memory-budget", "lots")


def check_fits(c):
    """memopt-inspect fits, on a model whose arena is 64 bytes."""
    model = c.path("small.onnx")
    c.expect("fits", DONE, ["yes", "64 B", "0 B below"], "inspect", "fits", "--budget", "64", model)
    c.expect("fits as JSON", DONE, ['"answer": "yes"', '"margin_bytes": 960'], "inspect", "fits", "--budget", "1KiB", "--json", model)
    c.expect("does not fit, proved", IMPOSSIBLE, ["no, proved", "64 B"], "inspect", "fits", "--budget", "63", model)
    c.expect("does not fit, JSON", IMPOSSIBLE, ['"answer": "impossible"', '"lower_bound_bytes": 64', '"margin_bytes": -1'], "inspect",
             "fits", "--budget", "63", "--json", model)
    off = [word for name in ("order", "tile", "micro_batch", "rematerialize", "small_scratch") for word in ("--disable", name)]
    c.expect("not found to fit", NOT_REACHED, ["not found", "64 B"], "inspect", "fits", "--budget", "63", *off, model)
    onnx.save(small_model(shape=("rows", 4)), c.path("symbolic.onnx"))
    for flag in (("--shape", "x=256x4"), ("--dim", "rows=256")):
        c.expect("a larger shape does not fit", IMPOSSIBLE, ["no, proved", "4,096 B"], "inspect", "fits", "--budget", "64", *flag,
                 c.path("symbolic.onnx"))
    c.expect("fits without a budget", USAGE, ["--budget"], "inspect", "fits", model)
    c.expect("fits with a malformed budget", USAGE, ["lots"], "inspect", "fits", "--budget", "lots", model)
    c.expect("fits without such a model", BAD_INPUT, ["nowhere.onnx"], "inspect", "fits", "--budget", "1", c.path("nowhere.onnx"))


def check_plans(c):
    plan = c.path("good.plan")
    c.expect("no such plan", BAD_INPUT, ["nowhere.plan"], "run", c.path("nowhere.plan"))
    c.expect("unknown input", USAGE, ["nope", "x"], "run", plan, "--input", "nope=random")
    np.save(c.path("wrong_shape.npy"), np.zeros((2, 2), np.float32))
    np.save(c.path("wrong_type.npy"), np.zeros((1, 4), np.int32))
    np.save(c.path("other.npy"), np.full((1, 4), 7, np.float32))
    c.expect("wrong shape", USAGE, ["1x4", "2x2"], "run", plan, "--input", f"x=@{c.path('wrong_shape.npy')}")
    c.expect("wrong type", USAGE, ["f32", "i32"], "run", plan, "--input", f"x=@{c.path('wrong_type.npy')}")
    c.expect("no such input file", BAD_INPUT, ["none.npy"], "run", plan, "--input", f"x=@{c.path('none.npy')}")
    c.expect("outputs differ", ACCURACY, ["DIFFERS"], "run", plan, "--input", "x=zeros", "--expected",
             f"y=@{c.path('other.npy')}")
    with open(plan, "rb") as file:
        data = bytearray(file.read())
    for position in (0, 20, len(data) // 2, len(data) - 1):
        broken = bytearray(data)
        broken[position] ^= 0x40
        with open(c.path("broken.plan"), "wb") as file:
            file.write(broken)
        for tool in ("verify", "run"):
            process = c.tools.run(tool, c.path("broken.plan"))
            # Padding and constants may be harmless to run; the verifier checks every byte.
            allowed = (BAD_INPUT, VERIFY) if tool == "verify" else (0, BAD_INPUT, VERIFY)
            good = process.returncode in allowed
            print("ok    " if good else "FAILED", f"{tool}: bit flipped at {position}: status {process.returncode}")
            c.failed, c.passed = c.failed + (not good), c.passed + good
    with open(c.path("broken.plan"), "wb") as file:
        file.write(data[:-1])
    c.expect("plan cut by one byte", BAD_INPUT, ["broken.plan"], "run", c.path("broken.plan"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    tools = Tools(parser.parse_args().bin)
    with tempfile.TemporaryDirectory() as folder:
        c = Checker(tools, folder)
        onnx.save(small_model(), c.path("small.onnx"))
        process = tools.run("compile", c.path("small.onnx"), "-o", c.path("good.plan"), "--quiet")
        assert process.returncode == 0, process.stderr
        for name in ("unknown.onnx", "cut.onnx", "broken.plan", "wrong_shape.npy", "wrong_type.npy", "other.npy"):
            open(c.path(name), "wb").close()
        check_models(c)
        check_outputs(c)
        check_fits(c)
        check_plans(c)
        print(f"{c.passed} passed, {c.failed} failed")
        return 1 if c.failed else 0


if __name__ == "__main__":
    sys.exit(main())
