#!/usr/bin/env python3
"""Whatever bytes the names in a file are, no tool writes one that a terminal or a reader of text would obey."""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

from tool import Tools

# What names may hide: control sequences, line ends that forge a line, deletions, C1, marks that turn the text around.
HOSTILE = {"escape": "\x1b[2J\x1b]0;owned\x07", "line": "\nmemopt-run: done", "return": "\rverified", "delete": "\x7f\x7f", "c1": "\x9b31m",
           "bidi": "\u202egnp.exe\u2066", "separator": "\u2028memopt", "width": "a\u200bb\ufeff", "nul": "a\x00b"}
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
FORGED = re.compile("^(memopt-run: done|verified|memopt$)", re.MULTILINE)
BINARY = (".onnx", ".plan", ".npy", ".pb")


def model(mark, op="Relu"):
    """Two steps; each name has the mark in it."""
    value = lambda name: helper.make_tensor_value_info(name + mark, TensorProto.FLOAT, [1, "n" + mark] if name == "x" else [1, 64])
    nodes = [helper.make_node(op, ["x" + mark], ["h" + mark], "first" + mark),
             helper.make_node("Sigmoid", ["h" + mark], ["y" + mark], "second" + mark)]
    graph = helper.make_graph(nodes, "graph" + mark, [value("x")], [value("y")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Checker:
    def __init__(self, tools, folder):
        self.tools, self.folder, self.failed, self.passed = tools, folder, 0, 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def look(self, what, data):
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            problem = f"not UTF-8: {error}"
        else:
            found = OBEYED.search(text) or FORGED.search(text)
            problem = f"{found.group()!r} in {text[max(0, found.start() - 60):found.end() + 20]!r}" if found else ""
        if problem:
            print("FAILED", what, problem)
        self.failed, self.passed = self.failed + bool(problem), self.passed + (not problem)

    def run(self, label, status, tool, *arguments, stdin=b""):
        process = subprocess.run(self.tools.command(tool, *arguments), input=stdin, capture_output=True, timeout=120, check=False)
        what = f"{label}: memopt-{tool} {' '.join(a for a in arguments if a.startswith('-') or a.isalpha())}"
        if process.returncode != status:
            print("FAILED", what, f"status {process.returncode}, needed {status}", process.stderr)
            self.failed += 1
        self.look(what, process.stdout)
        self.look(what + " (messages)", process.stderr)
        if "--json" in arguments and status == 0:
            json.loads(process.stdout)

    def look_at_files(self, label):
        """And removes them."""
        for folder, _, names in os.walk(self.folder, topdown=False):
            for name in names:
                path = os.path.join(folder, name)
                self.look(label + ": file name", name.encode(errors="surrogateescape"))
                if not name.endswith(BINARY):
                    with open(path, "rb") as file:
                        self.look(f"{label}: {name}", file.read())
                os.unlink(path)


def check_models(c, label, mark):
    source, plan = c.path("m.onnx"), c.path("m.plan")
    onnx.save(model(mark), source)
    dim = ("--dim", f"n{mark}=64") if "\x00" not in mark else ("--shape", "x=1x64")
    if "\x00" in mark:  # no argument can hold it, so the model gets its extent here
        fixed = model(mark)
        fixed.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 64
        onnx.save(fixed, source)
        dim = ()
    c.run(label, 2 if dim else 0, "compile", source)  # names the dimension
    c.run(label, 0, "compile", source, *dim, "-o", plan, "--html", c.path("r.html"), "--certificate", c.path("c.json"), "--dump-dir", c.path("dump"),
          "--emit-onnx", c.path("e.onnx"), "--pareto", c.path("p.html"))
    c.run(label, 0, "compile", source, *dim, "--json", "--pareto", c.path("p.json"))
    c.run(label, 4, "compile", source, *dim, "--memory-budget", "1")
    c.run(label, 4, "inspect", "fits", "--budget", "1", source, *dim)
    c.run(label, 0, "inspect", "fits", "--budget", "1MiB", "--json", source, *dim)
    c.run(label, 2, "compile", source, *dim, "--shape", "nope=1")
    c.run(label, 3, "compile", source, *dim, "--tile", "nope=x:2:2")
    for view in ("summary", "tensors", "ops", "map", "explain"):
        c.run(label, 0, "inspect", view, plan)
    for flags in (["--json"], ["--dot"], ["--svg", c.path("s.svg")], ["tensors", "--json"]):
        c.run(label, 0, "inspect", plan, *flags)
    c.run(label, 0, "inspect", "diff", plan, plan)
    c.run(label, 0, "inspect", "diff", plan, plan, "--json")
    c.run(label, 0, "inspect", "lock", plan, "-o", c.path("lock"))
    c.run(label, 0, "inspect", "check", plan, c.path("lock"))
    c.run(label, 0, "inspect", "check", source, *dim, c.path("lock"))
    c.run(label, 0, "run", plan, "--profile", c.path("trace.json"), "--output-dir", c.path("out"), "--guard")
    c.run(label, 0, "run", plan, "--json")
    c.run(label, 2, "run", plan, "--input", "nope=random")
    c.run(label, 2, "run", plan, "--expected", "nope=@x.npy")
    np.save(c.path("other.npy"), np.full((1, 64), 7, np.float32))
    if "\x00" not in mark:
        c.run(label, 7, "run", plan, "--expected", f"y{mark}=@{c.path('other.npy')}")
        c.run(label, 2, "run", plan, "--input", f"x{mark}={mark}")
    c.run(label, 0, "verify", plan, "--certificate", c.path("c.json"))
    c.run(label, 0, "verify", plan, "--json", "--certificate", c.path("c.json"))
    c.run(label, 0, "verify", plan, "--dump")
    c.run(label, 0, "bench", plan, "--repeat", "1", "--kernels")
    for name in sorted(os.listdir(c.path("dump"))):
        if name.endswith(".ir") and "lowered" not in name:
            c.run(label, 0, "opt", os.path.join(c.path("dump"), name))
    c.run(label, 0, "pack", os.path.join(c.path("dump"), "problem.csv"), "-o", c.path("packed.csv"))
    for op in ("Frobnicate" + mark, "LSTM"):
        onnx.save(model(mark, op), source)
        c.run(label, 3, "compile", source, *dim)
    c.look_at_files(label)


def check_text(c, label, mark):
    """What the parsers of text say about names."""
    data = mark.encode() + b"\xff"
    with open(c.path("p.csv"), "wb") as file:
        file.write(b"id,lower,upper,size,space\nb" + data.replace(b"\n", b"") + b",0,1,4,s" + data.replace(b"\n", b"") + b"\n")
    c.run(label, 0, "pack", c.path("p.csv"), "-o", "-")
    c.run(label, 0, "pack", c.path("p.csv"), "--json")
    c.run(label, 3, "pack", "-", stdin=b"id,lower,upper,size\n" + data + b",0,x" + data + b",4\n")
    c.run(label, 3, "pack", "-", stdin=b"id,lower," + data)
    c.run(label, 3, "opt", stdin=b'graph "' + data + b'" { %"' + data + b'" = frob' + data)
    c.run(label, 3, "verify", "-", stdin=data)
    os.unlink(c.path("p.csv"))
    for flags in (("--target", mark), ("--disable", mark), ("--disable-kernel", mark), ("--planner", mark), ("--seed", mark), ("--" + mark,)):
        if "\x00" not in mark:
            c.run(label, 2, "compile", "nowhere.onnx", *flags)
    if "\x00" not in mark:
        for tool in ("compile", "run", "verify", "inspect", "pack", "opt", "bench"):
            c.run(label, 3, tool, c.path("nowhere" + mark))
    c.look_at_files(label)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    tools = Tools(parser.parse_args().bin)
    with tempfile.TemporaryDirectory() as folder:
        c = Checker(tools, folder)
        for label, mark in HOSTILE.items():
            check_models(c, label, mark)
            check_text(c, label, mark)
        print(f"{c.passed} passed, {c.failed} failed")
        return 1 if c.failed else 0


if __name__ == "__main__":
    sys.exit(main())
