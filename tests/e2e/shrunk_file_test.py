#!/usr/bin/env python3
"""A file that becomes shorter while a tool reads it where it is mapped: exit status 9 and a message that names the file."""
import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

RESOURCE = 9
SIDE = 2048  # the product has 16 MiB of weights


def save_model(path):
    weights = numpy_helper.from_array(np.ones((SIDE, SIDE), np.float32), "w")
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, (1, SIDE))
    graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"])], "product", [value("x")], [value("y")], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path, save_as_external_data=True, location=os.path.basename(path) + ".data")


def is_mapped(process, path):
    try:
        with open(f"/proc/{process.pid}/maps", encoding="utf-8") as file:
            return path in file.read()
    except OSError:
        return False


def shorten_while_mapped(command, path, runs_on=0.0):
    """Starts `command`, stops it once it has mapped `path`, truncates that, and lets it go on."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        end = time.time() + 60
        while not is_mapped(process, path) and process.poll() is None and time.time() < end:
            time.sleep(0.0005)
        time.sleep(runs_on)
        process.send_signal(signal.SIGSTOP)
        os.truncate(path, 0)
        process.send_signal(signal.SIGCONT)
        try:
            message = process.communicate(timeout=120)[1]
        except subprocess.TimeoutExpired:
            process.kill()
            return "hung", process.communicate()[1]
    return process.returncode, message


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    tool = lambda name: os.path.join(parser.parse_args().bin, "memopt-" + name)
    failed = 0

    def expect(what, path, command, runs_on=0.0):
        nonlocal failed
        status, message = shorten_while_mapped(command, path, runs_on)
        good = status == RESOURCE and os.path.basename(path) in message and "shorter" in message
        print("ok    " if good else "FAILED", what, "" if good else f"status {status}: {message}")
        failed += not good

    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        model, data, plan = path("model.onnx"), path("model.onnx.data"), path("model.plan")
        save_model(model)
        compile_plan = [tool("compile"), model, "-o", plan, "--quiet"]
        endless = [tool("run"), plan, "--repeat", "1000000000"]
        for what, runs_on in (("the plan, while it is loaded", 0.0), ("the plan, while it runs", 0.5)):
            subprocess.run(compile_plan, check=True)
            expect(f"run: {what}", plan, endless, runs_on)
        before = sorted(os.listdir(folder))
        expect("compile: external data", data, compile_plan)
        if sorted(os.listdir(folder)) != before:
            print("FAILED left behind:", set(os.listdir(folder)) - set(before))
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
