#!/usr/bin/env python3
"""Whatever a file nests, however deep: a result or an error, no overflow of the stack (8 MiB)."""
import argparse
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tool import Tools

DONE, BAD_INPUT = 0, 3
DEEP = 30000


def info(name, shape=(4,)):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def model(nodes, output="y", shape=(4,), initializers=(), functions=()):
    graph = helper.make_graph(nodes, "deep", [info("x")], [info(output, shape)], list(initializers))
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=list(functions)).SerializeToString()


def chain(op, count, initializers=(), extra=lambda k: ()):
    names = ["x"] + [f"v{k}" for k in range(1, count)] + ["y"]
    return model([helper.make_node(op, [names[k], *extra(k)], [names[k + 1]]) for k in range(count)], initializers=initializers)


def reshapes(count):
    shapes = [numpy_helper.from_array(np.array(shape, np.int64), f"s{k}") for k, shape in enumerate(([2, 2], [4]))]
    return chain("Reshape", count, shapes, lambda k: (f"s{k % 2}",))


def calls(count):
    """A function that calls a function that calls ..."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    body = lambda k: helper.make_node("Relu", ["x"], ["y"]) if k + 1 == count else helper.make_node(f"F{k + 1}", ["x"], ["y"], domain="own")
    functions = [helper.make_function("own", f"F{k}", ["x"], ["y"], [body(k)], opsets) for k in range(count)]
    return model([helper.make_node("F0", ["x"], ["y"], domain="own")], functions=functions)


def length_prefixed(tag, content):
    size, varint = len(content), b""
    while size >= 128:
        varint += bytes([size % 128 + 128])
        size //= 128
    return bytes([tag]) + varint + bytes([size]) + content


def branches(count):
    """GraphProto.node, NodeProto.attribute, AttributeProto.g, over and over: libraries refuse to write that."""
    graph = b""
    for _ in range(count):
        graph = length_prefixed(0x0A, length_prefixed(0x2A, length_prefixed(0x32, graph)))
    return b"\x08\x08" + length_prefixed(0x3A, graph)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    tools = Tools(parser.parse_args().bin)
    failed = 0

    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)

        def expect(what, status, content, *command):
            nonlocal failed
            with open(path("deep"), "wb") as file:
                file.write(content)
            process = tools.run(*(path("deep") if word == "@" else word for word in command), timeout=300)
            good = process.returncode == status and (status == DONE or "error" in process.stderr)
            print("ok    " if good else "FAILED", what, "" if good else f"status {process.returncode}: {process.stderr[:300]}")
            failed += not good

        compile_it = ("compile", "@", "-o", path("plan"), "--quiet", "--search-limit", "1")
        expect("small", DONE, chain("Relu", 3), *compile_it)
        plan = path("small.plan")
        os.rename(path("plan"), plan)
        expect("a chain of nodes", DONE, chain("Relu", DEEP), *compile_it)
        expect("a chain of views", DONE, reshapes(DEEP), *compile_it)
        expect("functions that call each other", BAD_INPUT, calls(DEEP), *compile_it)
        expect("branches in branches", BAD_INPUT, branches(DEEP), *compile_it)
        for name, text in (("lists", "[" * DEEP * 10), ("closed lists", "[" * DEEP + "]" * DEEP),
                           ("objects", '{"a":' * DEEP + "1" + "}" * DEEP)):
            expect(f"a certificate of {name}", BAD_INPUT, text.encode(), "verify", plan, "--certificate", "@")
            expect(f"a lock of {name}", BAD_INPUT, text.encode(), "inspect", "check", plan, "@")
        for name, text in (("graphs", 'graph "g" {\n' * DEEP), ("lists", 'graph "g" {\n %x = input : f32[4]\n %y = unary(%x) {fn=' + "[" * DEEP),
                           ("parentheses", "(" * DEEP)):
            expect(f"IR of {name}", BAD_INPUT, text.encode(), "opt", "@", "-o", path("ir"))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
