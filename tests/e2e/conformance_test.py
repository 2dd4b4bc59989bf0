#!/usr/bin/env python3
"""ONNX's own node cases (backend/test/data of the onnx package): every case whose operators and types memopt has goes through
compile, verify and run. Cases that are known to fail are listed in conformance_exceptions.txt with the reason; the list
must be true in both directions.

usage: conformance_test.py --bin DIR [--filter TEXT] [--list]
"""
import argparse
import collections
import concurrent.futures
import os
import re
import sys
import tempfile

import onnx
from onnx import TensorProto

from tool import Tools

HERE = os.path.dirname(os.path.abspath(__file__))
MIN_PASS_RATE = 0.97

# The operators that memopt promises (README.md, "What runs").
OPERATORS = set("""
Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh AveragePool BatchNormalization BitShift BitwiseAnd BitwiseNot
BitwiseOr BitwiseXor Cast CastLike Ceil Celu CenterCropPad Clip Col2Im Concat Constant ConstantOfShape Conv ConvInteger
ConvTranspose Cos Cosh CumProd CumSum DepthToSpace DequantizeLinear Div Dropout DynamicQuantizeLinear Elu Equal Erf Exp Expand
EyeLike Flatten Floor Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater
GreaterOrEqual GroupNormalization HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN LRN
LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax LpPool MatMul MatMulInteger Max MaxPool MaxUnpool Mean
MeanVarianceNormalization Min Mish Mod Mul Neg Not OneHot Or PRelu Pad Pow QLinearConv QLinearMatMul QuantizeLinear
RMSNormalization Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
ReduceSum ReduceSumSquare Relu Reshape Resize ReverseSequence Round Scatter ScatterElements ScatterND Selu Shape Shrink
Sigmoid Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tan Tanh
ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Upsample Where Xor
""".split())


def promised(model):
    """Whether all operators and the types of inputs and outputs are ones that memopt promises."""
    if any(node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx") for node in model.graph.node):
        return False
    for value in list(model.graph.input) + list(model.graph.output):
        if not value.type.HasField("tensor_type"):
            return False
        if value.type.tensor_type.elem_type in (TensorProto.STRING, TensorProto.COMPLEX64, TensorProto.COMPLEX128):
            return False
    return bool(model.graph.node)


def cases(filter_text):
    base = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")
    for group in ("node", "pytorch-converted", "simple"):
        for name in sorted(os.listdir(os.path.join(base, group))):
            folder = os.path.join(base, group, name)
            path = os.path.join(folder, "model.onnx")
            if filter_text not in name or not os.path.exists(path):
                continue
            model = onnx.load(path)
            if promised(model):
                yield f"{group}/{name}", folder, model


def load_pb(path):
    tensor = TensorProto()
    with open(path, "rb") as file:
        tensor.ParseFromString(file.read())
    return tensor


def run_case(tools, folder, model, scratch):
    """None, or what went wrong."""
    initializers = {i.name for i in model.graph.initializer}
    inputs = [i.name for i in model.graph.input if i.name not in initializers]
    path = os.path.join(folder, "model.onnx")
    plan = os.path.join(scratch, "a.plan")
    data = sorted(d for d in os.listdir(folder) if d.startswith("test_data_set_"))
    for data_set in data:
        data_folder = os.path.join(folder, data_set)
        files = {n: os.path.join(data_folder, f"input_{k}.pb") for k, n in enumerate(inputs)}
        files = {n: f for n, f in files.items() if os.path.exists(f)}
        shapes = {n: load_pb(f).dims for n, f in files.items()}
        bound = set()
        while True:
            flags = []
            for name, file in files.items():
                if name in bound:
                    flags += ["--bind", f"{name}=@{file}"]
                elif shapes[name]:
                    flags += ["--shape", name + "=" + "x".join(map(str, shapes[name]))]
            compiled = tools.run("compile", path, "-o", plan, "--quiet", *flags)
            # A shape that depends on the value of an input: the plan is compiled for that value.
            depends = re.search(r"depends on (.*?); --bind", compiled.stderr, re.DOTALL)
            wanted = set(re.findall(r"'([^']+)'", depends[1])) & set(files) - bound if depends else set()
            if compiled.returncode == 0 or not wanted:
                break
            bound |= wanted
        if compiled.returncode:
            return "compile: " + compiled.stderr.strip()
        verified = tools.run("verify", plan)
        if verified.returncode:
            return "verify: " + verified.stderr.strip()
        flags = []
        for name, file in files.items():
            if name not in bound:
                flags += ["--input", f"{name}=@{file}"]
        for k, output in enumerate(model.graph.output):
            flags += ["--expected", f"{output.name}=@{os.path.join(data_folder, f'output_{k}.pb')}"]
        ran = tools.run("run", plan, *flags, "--guard")
        if ran.returncode:
            return "run: " + ran.stderr.strip() + " ".join(l for l in ran.stdout.splitlines() if "DIFFERS" in l)
    return None if data else "no test data"


def read_exceptions():
    exceptions = {}
    with open(os.path.join(HERE, "conformance_exceptions.txt"), encoding="utf-8") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                name, _, reason = line.partition(":")
                exceptions[name.strip()] = reason.strip()
    return exceptions


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--filter", default="")
    parser.add_argument("--list", action="store_true", help="print every failure with its message")
    arguments = parser.parse_args()
    tools, failures, total = Tools(arguments.bin), {}, 0

    def run(item):
        name, folder, model = item
        with tempfile.TemporaryDirectory() as scratch:
            return name, run_case(tools, folder, model, scratch)

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, problem in pool.map(run, cases(arguments.filter)):
            total += 1
            if problem:
                failures[name] = problem
    passed = total - len(failures)
    if arguments.list:
        for name, problem in failures.items():
            print(f"{name}: {problem[:300]}")
        kinds = collections.Counter(re.sub(r"'[^']*'|\d+", "*", p)[:100] for p in failures.values())
        for kind, count in kinds.most_common(30):
            print(count, kind)
    exceptions = read_exceptions()
    unexpected = sorted(set(failures) - set(exceptions))
    untrue = sorted(n for n in set(exceptions) - set(failures) if arguments.filter in n)
    for name in unexpected:
        print(f"FAILED {name}: {failures[name][:300]}")
    for name in untrue:
        print(f"listed as an exception, but passes or does not exist: {name}")
    print(f"{passed} of {total} cases pass: {100 * passed / max(total, 1):.1f} %")
    print(f"{passed} passed, {len(unexpected) + len(untrue)} failed")
    return 1 if unexpected or untrue or passed < MIN_PASS_RATE * total else 0


if __name__ == "__main__":
    sys.exit(main())
