#!/usr/bin/env python3
"""Time of memopt-compile against the size of a model, from file to verified plan, over families of generated graphs.

usage: scale.py [--bin DIR] [--only FAMILY ...] [--max N] [--limit SECONDS] [--svg FILE]

nodes: nodes and operands of nodes in the file. seconds: CPU seconds of the process, user and system. exponent: of growth since
the row before; 1 is linear. slope: of the line through all sizes of the family from 3,000 on, on logarithmic axes. peak:
resident memory. A row over --limit says so, and the family ends there.
"""
import argparse
import math
import os
import resource
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
WIDTH = 64  # elements of a value


class Builder:
    """A graph of f32[1,WIDTH] values that grows node by node; every node is different, so that none is merged with another."""

    def __init__(self):
        self.nodes, self.constants, self.outputs = [], [], []

    def add(self, op, *inputs, **attributes):
        name = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def constant(self, array):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def scaled(self, value):
        return self.add("Mul", value, self.constant(np.float32(1 + len(self.nodes) / 2 ** 20)))

    def sum_of(self, values):
        """By pairs."""
        while len(values) > 1:
            pairs = [self.add("Add", a, b) for a, b in zip(values[::2], values[1::2])]
            values = pairs + ([values[-1]] if len(values) % 2 else [])
        return values[0]

    def model(self, outputs):
        info = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
        graph = helper.make_graph(self.nodes, "g", [info("x", [1, WIDTH])], [info(name, None) for name in outputs], self.constants)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def chain(n):
    b, value = Builder(), "x"
    for i in range(n):
        value = b.add(("Sigmoid", "Exp", "Softplus")[i % 3], value)
    return b.model([value])


def residual(n):
    b, value = Builder(), "x"
    for _ in range(n // 2):
        value = b.add("Add", value, b.add("Sigmoid", value))
    return b.model([value])


def shared(n):
    """A chain whose every link reads one value, as layers read a mask."""
    b = Builder()
    mask = value = b.add("Sigmoid", "x")
    for i in range(n // 2):
        value = b.add("Add" if i % 2 else "Mul", b.add("Exp", value), mask)
    return b.model([value])


def diamonds(n):
    b, value = Builder(), "x"
    for _ in range(n // 4):
        value = b.add("Add", b.scaled(b.add("Exp", value)), b.add("Sigmoid", value))
    return b.model([value])


def fan(n):
    """One value read n times; all results live until they are added by pairs."""
    b = Builder()
    return b.model([b.sum_of([b.scaled("x") for _ in range(n // 2)])])


def fan_reduced(n):
    """As fan, each result reduced to one element at once, all of them joined."""
    b = Builder()
    parts = [b.add("ReduceMax", b.scaled("x"), axes=[1], keepdims=1) for _ in range(n // 2)]
    joined = [b.add("Concat", *parts[i:i + 1000], axis=1) for i in range(0, len(parts), 1000)]
    return b.model([b.add("Concat", *joined, axis=1)])


def slices(n):
    """One value sliced n / 2 times, the slices joined again."""
    b = Builder()
    count = n // 2
    wide = b.add("Concat", *["x"] * max(1, count // WIDTH + 1), axis=1)
    wide = b.add("Sigmoid", wide)
    axis = b.constant(np.array([1]))
    parts = []
    for i in range(count):
        begin, end = b.constant(np.array([i])), b.constant(np.array([i + 1]))
        parts.append(b.add("Exp", b.add("Slice", wide, begin, end, axis)))
    joined = [b.add("Concat", *parts[i:i + 1000], axis=1) for i in range(0, len(parts), 1000)]
    return b.model([b.add("Concat", *joined, axis=1)])


def dense(n):
    """Layers that each read all before them: about n operands in sum."""
    b = Builder()
    values = ["x"]
    for _ in range(max(2, math.isqrt(2 * n))):
        values.append(b.add("Sigmoid", b.add("Sum", *values) if len(values) > 1 else "x"))
    return b.model([values[-1]])


def dense_concat(n):
    """As dense, by concatenation, with a matrix product behind."""
    b = Builder()
    values = ["x"]
    for i in range(max(2, math.isqrt(2 * n))):
        joined = b.add("Concat", *values, axis=0) if len(values) > 1 else "x"
        values.append(b.add("ReduceMean", joined, axes=[0], keepdims=1))
    return b.model([values[-1]])


def outputs(n):
    b, value, results = Builder(), "x", []
    for i in range(n):
        value = b.add("Sigmoid" if i % 2 else "Exp", value)
        results.append(value)
    return b.model(results)


FAMILIES = (chain, residual, shared, diamonds, fan, fan_reduced, slices, dense, dense_concat, outputs)


def timed(command, limit):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    cap = lambda: resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 2))
    result = subprocess.run(command, capture_output=True, text=True, preexec_fn=cap, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return result, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def slope(points):
    """Least squares on logarithmic axes, over the sizes where start-up does not matter."""
    logs = [(math.log(n), math.log(seconds)) for n, seconds in points if n >= 3000]
    if len(logs) < 2:
        return None
    mean_x, mean_y = (sum(values) / len(logs) for values in zip(*logs))
    return sum((x - mean_x) * (y - mean_y) for x, y in logs) / sum((x - mean_x) ** 2 for x, _ in logs)


def run_family(family, arguments, folder):
    points = []
    for n in SIZES:
        if n > arguments.max:
            break
        model = family(n)
        nodes = len(model.graph.node) + sum(len(node.input) for node in model.graph.node)
        path = os.path.join(folder, "model.onnx")
        onnx.save(model, path)
        command = [os.path.join(arguments.bin, "memopt-compile"), path, "-o", path + ".plan"]
        result, seconds = timed(command, arguments.limit)
        row = f"{family.__name__:14} {len(model.graph.node):8,} {nodes:9,}"
        if result.returncode:
            print(f"{row} {seconds:9.2f}  exit {result.returncode}: {result.stderr.strip()[:90]}", flush=True)
            break
        exponent = math.log(seconds / points[-1][1]) / math.log(nodes / points[-1][0]) if points else None
        points.append((nodes, max(seconds, 1e-3)))
        print(row, f"{seconds:9.2f}", f"{exponent:9.2f}" if exponent is not None else "", flush=True)
    return points


def svg(curves):
    width, height, margin = 900, 560, 70
    points = [point for curve in curves.values() for point in curve]
    low_x, high_x = 3, math.log10(max(n for n, _ in points)) + 0.1
    low_y, high_y = -2, math.log10(max(seconds for _, seconds in points)) + 0.2
    x = lambda n: margin + (math.log10(n) - low_x) / (high_x - low_x) * (width - 3 * margin)
    y = lambda s: height - margin - (math.log10(s) - low_y) / (high_y - low_y) * (height - 2 * margin)
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
             f'<rect width="{width}" height="{height}" fill="white"/>',
             f'<text x="{margin}" y="24" font-size="15">memopt-compile: CPU seconds against nodes and operands</text>']
    for power in range(3, int(high_x) + 1):
        lines.append(f'<line x1="{x(10 ** power):.0f}" x2="{x(10 ** power):.0f}" y1="40" y2="{height - margin}" stroke="#ddd"/>'
                     f'<text x="{x(10 ** power) - 14:.0f}" y="{height - margin + 18}">10^{power}</text>')
    for power in range(low_y, int(high_y) + 1):
        lines.append(f'<line x1="{margin}" x2="{width - 2 * margin}" y1="{y(10 ** power):.0f}" y2="{y(10 ** power):.0f}" stroke="#ddd"/>'
                     f'<text x="16" y="{y(10 ** power) + 4:.0f}">{10 ** power:g} s</text>')
    lines.append(f'<line x1="{x(1000):.0f}" y1="{y(0.02):.0f}" x2="{x(100000):.0f}" y2="{y(2):.0f}" stroke="#999" stroke-dasharray="5 4"/>'
                 f'<text x="{x(100000) + 4:.0f}" y="{y(2):.0f}" fill="#777">linear</text>')
    colors = ("#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#d68910", "#117a8b", "#7f5539", "#555555", "#e0559a", "#5d8a00")
    for row, (name, curve) in enumerate(curves.items()):
        color = colors[row % len(colors)]
        path = " ".join(f"{x(n):.1f},{y(max(s, 0.01)):.1f}" for n, s in curve)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>'
                     f'<text x="{width - 2 * margin + 8}" y="{60 + 18 * row}" fill="{color}">{name}</text>')
    return "\n".join(lines) + "\n</svg>\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default=os.path.join(ROOT, "build/release/bin"))
    parser.add_argument("--only", nargs="*", choices=[family.__name__ for family in FAMILIES])
    parser.add_argument("--max", type=int, default=SIZES[-1])
    parser.add_argument("--limit", type=float, default=120)
    parser.add_argument("--svg")
    arguments = parser.parse_args()
    print(f"{'family':14} {'nodes':>8} {'+operands':>9} {'seconds':>9} {'exponent':>9}")
    curves = {}
    with tempfile.TemporaryDirectory() as folder:
        for family in FAMILIES:
            if arguments.only and family.__name__ not in arguments.only:
                continue
            points = run_family(family, arguments, folder)
            found = slope(points)
            print(f"{family.__name__:14} slope {found:.2f}" if found is not None else f"{family.__name__:14} slope -", flush=True)
            if points:
                curves[family.__name__] = points
    if arguments.svg:
        with open(arguments.svg, "w", encoding="utf-8") as file:
            file.write(svg(curves))
    return 0


if __name__ == "__main__":
    sys.exit(main())
