#!/usr/bin/env python3
"""A search that is cancelled ends at once, with its best plan and exit status 5."""
import argparse
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper

from tool import SANITIZER_FACTOR, Tools

NOT_REACHED = 5
PROMPT_SECONDS = 0.5 * SANITIZER_FACTOR  # of CPU, between the signal and the end
ENDLESS = 10**15  # a work limit


def hard_problem(path, pieces=1500, side=4096):
    """A rectangle in pieces, some of them cut shorter: a plan of `side` bytes exists, and is hard to find."""
    chance = random.Random(1)
    rectangles = [(0, side, 0, side)]  # steps, bytes
    while len(rectangles) < pieces:
        at = max(chance.sample(range(len(rectangles)), min(3, len(rectangles))),
                 key=lambda k: (rectangles[k][1] - rectangles[k][0]) * (rectangles[k][3] - rectangles[k][2]))
        a, b, c, d = rectangles.pop(at)
        if chance.random() < 0.5 and b - a > 2:
            m = chance.randint(a + 1, b - 1)
            rectangles += [(a, m, c, d), (m, b, c, d)]
        elif d - c > 2:
            m = chance.randint(c + 1, d - 1)
            rectangles += [(a, b, c, m), (a, b, m, d)]
        else:
            rectangles.append((a, b, c, d))
    with open(path, "w", encoding="ascii") as file:
        file.write("id,lower,upper,size\n")
        for i, (a, b, c, d) in enumerate(rectangles):
            if a > side // 2 and chance.random() < 0.5:
                b = chance.randint(a + 1, b)
            file.write(f"{i},{a},{b},{d - c}\n")


def hard_model(path, nodes=700):
    """Values of many sizes, each read by several later nodes."""
    chance = random.Random(2)
    constants = {"axis": [1], "two": [2], "zero": [0], "end": [2**31 - 1]}
    sizes = {"x": 64}
    made, graph_nodes = ["x"], []
    for i in range(nodes):
        parts = [chance.choice(made[-60:]) for _ in range(2)]
        graph_nodes.append(helper.make_node("Concat", parts, [f"c{i}"], axis=1))
        width = sum(sizes[p] for p in parts)
        end = chance.randint(max(2, width // 4), width)
        constants[f"end{i}"] = [end]
        graph_nodes.append(helper.make_node("Slice", [f"c{i}", "zero", f"end{i}", "axis", "two"], [f"v{i}"]))
        sizes[f"v{i}"] = (end + 1) // 2 + 16
        constants[f"pads{i}"] = [0, 0, 0, sizes[f"v{i}"] - (end + 1) // 2]
        graph_nodes[-1].output[0] = f"s{i}"
        graph_nodes.append(helper.make_node("Pad", [f"s{i}", f"pads{i}"], [f"v{i}"]))
        made.append(f"v{i}")
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, sizes[name]])
    initializers = [onnx.numpy_helper.from_array(np.array(v, np.int64), k) for k, v in constants.items()]
    graph = helper.make_graph(graph_nodes, "hard", [value("x")], [value(made[-1])], initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def run_and_signal(command, number, after):
    """The exit status, the messages, and the CPU seconds that the process took after the signal."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        time.sleep(after)
        with open(f"/proc/{process.pid}/stat", encoding="ascii") as file:
            ticks = sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        process.send_signal(number)
        output = process.communicate(timeout=60)[0]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return process.returncode, output, total - ticks / os.sysconf("SC_CLK_TCK")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    arguments = parser.parse_args()
    tools = Tools(arguments.bin)
    tool = lambda name: os.path.join(arguments.bin, "memopt-" + name)
    failed = 0

    def check(what, good, detail=""):
        nonlocal failed
        print("ok    " if good else "FAILED", what, "" if good else detail)
        failed += not good

    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        hard_problem(path("hard.csv"))
        hard_model(path("hard.onnx"))
        cases = [("pack", [path("hard.csv"), "--capacity", "4096"]), ("pack", [path("hard.csv")]), ("compile", [path("hard.onnx")])]
        for name, options in cases:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                output = path("plan")
                limit = "--work-limit" if name == "pack" else "--search-limit"
                command = [tool(name), *options, "-o", output, limit, str(ENDLESS)]
                status, text, seconds = run_and_signal(command, number, 1.0)
                what = f"{name} {options[1:]} {number.name}"
                check(what, status == NOT_REACHED and "cancelled" in text, f"status {status}: {text}")
                check(f"{what}: prompt", seconds < PROMPT_SECONDS, f"{seconds:.2f} s")
                verify = ["pack", output, "--check"] if name == "pack" else ["verify", output]
                checked = tools.run(*verify)
                check(f"{what}: a valid plan", checked.returncode == 0, checked.stderr)
                os.remove(output)
        # At any moment: the whole output or none, and nothing temporary, in its folder or the system's.
        os.mkdir(path("temporary"))
        environment = {**os.environ, "TMPDIR": path("temporary")}
        before = sorted(os.listdir(folder))
        for i in range(24):
            number = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[i % 3]
            output = "-" if i % 2 else path("plan")
            command = [tool("compile"), path("hard.onnx"), "-o", output, "--search-limit", "1", "--disable", "order"]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as process:
                time.sleep(0.03 * i)
                process.send_signal(number)
                process.send_signal(number)
                status = process.wait(timeout=60)
            if os.path.exists(path("plan")):
                checked = tools.run("verify", path("plan"))
                check(f"interrupted {i}: a valid plan", checked.returncode == 0, checked.stderr)
                os.remove(path("plan"))
            check(f"interrupted {i}: ends", status in (0, NOT_REACHED, -number), f"status {status}")
            left = sorted(set(os.listdir(folder)) - set(before)) + os.listdir(path("temporary"))
            check(f"interrupted {i}: nothing is left", not left, left)
        limited = tools.run("pack", path("hard.csv"), "--time-limit", "0.2", "--work-limit", ENDLESS)
        check("time limit", limited.returncode == NOT_REACHED and "cancelled" in limited.stderr, limited.stderr)
        over = tools.run("compile", path("hard.onnx"), "--time-limit", "0.2", "--memory-budget", "64", "-o", path("plan"))
        check("a budget that a cancelled search misses", over.returncode in (4, NOT_REACHED) and not os.path.exists(path("plan")),
              over.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
