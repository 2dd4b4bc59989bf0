#!/usr/bin/env python3
"""Every tool with its allocations, thread creations and file operations failing in turn (tests/faults): it ends with a code and a
message, and leaves complete outputs or none. Points at which a library dies of it are counted and named. By default a sample;
--full tries every point, --only one tool, and --details prints the stacks of what failed."""
import argparse
import collections
import errno
import os
import re
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from cancel_test import hard_problem

DONE, BAD_INPUT, NOT_REACHED, RESOURCE = 0, 3, 5, 9
SHORT = -1
# Kind, error, which statuses other than 0 are right, modes. Whoever is interrupted forever tries forever.
FAULTS = [
    ("allocation", 0, (RESOURCE,), ("once", "forever")),
    ("thread", 0, (RESOURCE,), ("once", "forever")),
    ("file", errno.EIO, (BAD_INPUT, RESOURCE), ("once", "forever")),
    ("file", errno.ENOSPC, (RESOURCE,), ("once", "forever")),
    ("file", errno.EINTR, (BAD_INPUT, RESOURCE), ("once",)),
    ("file", SHORT, (BAD_INPUT, RESOURCE), ("once", "forever")),
]
# Libraries that die of a lack of memory at some points (docs/THREATS.md), and those of them that are compiled into the tools.
DYING_LIBRARIES = ("libdnnl", "libgomp", "libprotobuf", "CLI", "nlohmann")
HEADER_LIBRARIES = ("CLI", "nlohmann")


def save_model(path):
    """Convolutions, a residual, pooling, a product and a softmax; one weight in a file of its own."""
    chance = np.random.default_rng(1)
    weights = {"w1": (8, 3, 3, 3), "w2": (8, 8, 3, 3), "w3": (8, 10)}
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2"], ["c2"], pads=[1, 1, 1, 1]),
        helper.make_node("Add", ["c2", "r1"], ["s"]),
        helper.make_node("GlobalAveragePool", ["s"], ["g"]),
        helper.make_node("Flatten", ["g"], ["f"]),
        helper.make_node("MatMul", ["f", "w3"], ["m"]),
        helper.make_node("Softmax", ["m"], ["y"], axis=1),
    ]
    initializers = [numpy_helper.from_array(chance.standard_normal(shape).astype(np.float32), name) for name, shape in weights.items()]
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph(nodes, "small", [value("x", (1, 3, 8, 8))], [value("y", (1, 10))], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path, save_as_external_data=True, location=os.path.basename(path) + ".data", size_threshold=1000)


IR = """graph "g" {
  %x = input : f32[1x8x2x2]
  %w = constant : f32[1x8x1x1] [1, 2, 3, 4, 5, 6, 7, 8]
  %a = conv(%x, %w) {strides=[1,1] dilations=[1,1] pads=[0,0,0,0]} "a" : f32[1x1x2x2]
  %y = unary(%a) {fn=relu} "r" : f32[1x1x2x2]
  return %y
}
"""


class Faults:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.out = os.path.join(folder, "out")
        self.failed, self.points, self.known = 0, 0, 0
        self.in_library = collections.Counter()
        self.by_status = collections.Counter()

    def command(self, tool, arguments):
        return [os.path.join(self.options.bin, "memopt-" + tool), *arguments]

    def launch(self, tool, arguments, fault, first, stride):
        """The runs of one tool: of the undisturbed one, then of each point."""
        kind, error, _, mode = fault
        report = os.path.join(self.folder, "report")
        environment = dict(os.environ, LD_PRELOAD=os.path.join(self.options.bin, "libmemopt_faults.so"), TMPDIR=self.out,
                           MEMOPT_FAULTS=f"{kind} {mode} {error} {first} {stride}", MEMOPT_FAULTS_REPORT=report,
                           MEMOPT_FAULTS_WATCH=self.out)
        process = subprocess.run(self.command(tool, arguments), env=environment, capture_output=True, text=True, check=False)
        if process.returncode != 0:
            raise RuntimeError(f"{tool}: the harness failed: {process.returncode} {process.stdout} {process.stderr}")
        names = ("point", "points", "status", "hit", "library", "problem", "stack", "crash", "message")
        with open(report, encoding="utf-8", errors="replace") as file:
            return [dict(zip(names, line.rstrip("\n").split("\t"))) for line in file]

    def header_library(self, stack):
        """The library that the innermost function of the tool in a stack comes from, as far as it is one of HEADER_LIBRARIES."""
        frames = [frame.rsplit("+", 1) for frame in stack.split() if frame.startswith("memopt-")]
        if not frames:
            return ""
        tool, address = frames[0]
        lines = subprocess.run(["addr2line", "-Cfe", os.path.join(self.options.bin, tool), hex(int(address, 16) - 1)],
                               capture_output=True, text=True, check=False).stdout
        return next((name for name in HEADER_LIBRARIES if re.match(rf"(std::\w+<)?{name}::", lines)), "")

    def judge(self, what, run, allowed):
        """Whether this is how a run must end; counts those that died within a library."""
        status, died = run["status"], run["status"] == "hung" or int(run["status"]) >= 128
        library = self.header_library(run["crash"]) if died and not run["library"] else run["library"]
        if library in DYING_LIBRARIES and status != "hung":
            self.in_library[library] += 1
            return
        wrong = run["problem"]
        if died or int(status) not in (DONE, *allowed):
            wrong = wrong or f"status {status}"
        elif status != "0" and not run["message"].strip():
            wrong = wrong or "no message"
        self.by_status[status] += 1
        if not wrong:
            return
        self.failed += 1
        if self.failed <= self.options.show:
            print(f"FAILED {what}, point {run['point']}: {wrong}: status {status}: {run['message']}")
            if self.options.details:
                print("  fault:", run["stack"], "\n  crash:", run["crash"])

    def try_all(self, tool, arguments, prepare=None):
        for kind, error, allowed, modes in FAULTS:
            for mode in modes:
                fault = (kind, error, allowed, mode)
                undisturbed = self.launch(tool, arguments, fault, 1, 10**9)[0]
                points = int(undisturbed["points"])
                if undisturbed["status"] != "0":
                    raise RuntimeError(f"{tool} {arguments} fails undisturbed: {undisturbed}")
                stride = 1 if self.options.full else max(1, -(-points // self.options.sample))
                start = time.time()
                # Samples of one tool do not all begin at its first point.
                runs = self.launch(tool, arguments, fault, 1 + (points * 7919) % stride, stride)[1:]
                name = {0: "", SHORT: " short"}.get(error, " " + errno.errorcode.get(error, ""))
                what = f"{tool} {kind}{name} {mode}"
                before = self.failed
                for run in runs:
                    self.judge(what, run, allowed)
                self.points += len(runs)
                self.known += points
                print(f"{what}: {len(runs)} of {points} points, {self.failed - before} wrong, {time.time() - start:.1f} s", flush=True)


def cases(faults, folder):
    path = lambda name: os.path.join(folder, name)
    out = lambda name: os.path.join(faults.out, name)
    save_model(path("model.onnx"))
    with open(path("graph.ir"), "w", encoding="ascii") as file:
        file.write(IR)
    hard_problem(path("problem.csv"), 100, 256)  # so that the exact search runs, in two threads
    made = subprocess.run(faults.command("compile", [path("model.onnx"), "-o", path("model.plan"), "--quiet", "--certificate",
                                                     path("certificate.json")]), capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise RuntimeError(made.stderr)
    subprocess.run(faults.command("inspect", ["lock", path("model.plan"), "-o", path("lock.json")]), check=True)
    yield "compile", [path("model.onnx"), "-o", out("a.plan"), "--emit-onnx", out("a.onnx"), "--certificate", out("c.json")]
    yield "compile", [path("model.onnx"), "-o", out("a.plan"), "--memory-budget", "4KiB", "--time-limit", "1000", "--html", out("a.html")]
    yield "run", [path("model.plan"), "--threads", "3", "--guard", "--output-dir", out("outputs")]
    yield "bench", [path("model.plan"), "--threads", "2", "--repeat", "2", "--warmup", "1"]
    yield "verify", [path("model.plan"), "--certificate", path("certificate.json")]
    yield "inspect", [path("model.plan"), "--html", out("a.html"), "--svg", out("a.svg")]
    yield "inspect", ["check", path("model.plan"), path("lock.json")]
    yield "opt", [path("graph.ir"), "--pipeline", "-o", out("b.ir")]
    yield "pack", [path("problem.csv"), "-o", out("p.csv"), "--threads", "2", "--work-limit", "2000"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--full", action="store_true", help="every point")
    parser.add_argument("--sample", type=int, default=12, help="points of each kind of fault and tool")
    parser.add_argument("--only", help="one tool")
    parser.add_argument("--details", action="store_true", help="print stacks; addr2line -Cfe memopt-x reads the addresses")
    parser.add_argument("--show", type=int, default=20, help="how many failures to print")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        faults = Faults(options, folder)
        os.mkdir(faults.out)
        for tool, arguments in cases(faults, folder):
            if options.only in (None, tool):
                faults.try_all(tool, arguments)
    for library, count in sorted(faults.in_library.items()):
        print(f"in library {library}: {count}")
    print(f"{faults.points} of {faults.known} points tried, {faults.failed} wrong; statuses {dict(faults.by_status)}")
    return 1 if faults.failed else 0


if __name__ == "__main__":
    sys.exit(main())
