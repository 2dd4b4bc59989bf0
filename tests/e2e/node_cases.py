"""Single nodes with known results: cases of one opset are compiled and run together in one model; where that fails, the model is
halved until the cases that are at fault stand alone."""
import dataclasses
import os
import re
import tempfile

import numpy as np
import onnx
import onnx.reference
from onnx import helper, numpy_helper

NEWEST = onnx.defs.onnx_opset_version()
RNG = np.random.default_rng(1)
FLOATS = (np.float32, np.float64, np.float16)
INTS = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)
SHAPES = ((2, 3, 4), (3,), (), (0,), (2, 0, 3))
TOLERANCE = {np.dtype(np.float32): 2e-5, np.dtype(np.float64): 1e-9, np.dtype(np.float16): 4e-3}
IR_VERSION = 8  # what the tools read, whatever the opset


@dataclasses.dataclass
class Case:
    """One node. `inputs`: arrays, None for a missing operand; those numbered in `constants` are initializers. `expected`: the
    results, or None for what ONNX's reference implementation gives."""
    op_type: str
    opset: int
    inputs: list
    attrs: dict = dataclasses.field(default_factory=dict)
    constants: tuple = ()
    expected: list = None
    outputs: int = 1
    tolerance: float = None

    @property
    def name(self):
        shapes = ",".join("-" if x is None else f"{x.dtype}{list(x.shape)}" for x in self.inputs)
        consts = {i: x.tolist() for i, x in enumerate(self.inputs) if i in self.constants and x is not None and x.size < 9}
        return f"{self.op_type}-{self.opset}({shapes}) {self.attrs} {consts}"

    def parts(self, prefix):
        """The node, graph inputs, initializers and outputs, all names with this prefix."""
        names = ["" if x is None else f"{prefix}i{k}" for k, x in enumerate(self.inputs)]
        results = [f"{prefix}o{k}" for k in range(self.outputs)]
        node = helper.make_node(self.op_type, names, results, **self.attrs)
        data = {names[k]: x for k, x in enumerate(self.inputs) if x is not None and k not in self.constants}
        fixed = [numpy_helper.from_array(x, names[k]) for k, x in enumerate(self.inputs) if k in self.constants and x is not None]
        return node, data, fixed, results

    def results(self):
        """The expected arrays."""
        if self.expected is None:
            with np.errstate(all="ignore"):
                model, data = model_of([self])
                self.expected = onnx.reference.ReferenceEvaluator(model).run(None, data)
        return self.expected


def ints(*values):
    return np.array(values, np.int64)


def some(shape, dtype=np.float32, low=-2, high=2):
    if np.dtype(dtype).kind in "iu":
        return RNG.integers(max(low, np.iinfo(dtype).min), high, shape).astype(dtype)
    if dtype == np.bool_:
        return RNG.random(shape) < 0.5
    return np.asarray(RNG.uniform(low, high, shape)).astype(dtype)


def by_operand(opset, since, name, values, op_type, x, **rest):
    """A node whose list `name` is an attribute before opset `since`, and operand 1 from there on."""
    expected = rest.pop("expected")
    outputs = rest.pop("outputs", 1)
    if opset < since:
        return Case(op_type, opset, [x], {name: list(values), **rest}, (), expected, outputs)
    return Case(op_type, opset, [x, ints(*values)], rest, (1,), expected, outputs)


def model_of(cases):
    """A model of all of them and its inputs."""
    nodes, data, fixed, outputs = [], {}, [], []
    for k, case in enumerate(cases):
        node, own, own_fixed, results = case.parts(f"c{k}")
        nodes.append(node)
        data.update(own)
        fixed += own_fixed
        outputs += [helper.make_empty_tensor_value_info(name) for name in results]
    inputs = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape) for n, x in data.items()]
    graph = helper.make_graph(nodes, "cases", inputs, outputs, fixed)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", cases[0].opset)], ir_version=IR_VERSION), data


def difference(found, wanted, tolerance):
    """None, or what differs."""
    if found.dtype != wanted.dtype or found.shape != wanted.shape:
        return f"is {found.dtype}{list(found.shape)}, needed {wanted.dtype}{list(wanted.shape)}"
    if found.dtype.kind != "f":
        same = found == wanted
    else:
        a, b = found.astype(np.float64), wanted.astype(np.float64)
        limit = (TOLERANCE[found.dtype] if tolerance is None else tolerance) * np.maximum(1, np.abs(b))
        with np.errstate(invalid="ignore"):
            same = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= limit)
    if np.all(same):
        return None
    k = tuple(np.argwhere(~same)[0])
    return f"{np.sum(~same)} of {same.size} differ; at {list(map(int, k))}: {found[k]}, needed {wanted[k]}"


def compile_model(tools, path, plan, through_export):
    """None, or a message. `through_export`: what --emit-onnx writes is valid, and is compiled in the model's place."""
    again = path + ".again.onnx"
    compiled = tools.run("compile", path, "-o", plan, "--quiet", *(("--emit-onnx", again) if through_export else ()))
    if compiled.returncode == 0 and through_export:
        try:
            onnx.checker.check_model(again, full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
            return f"invalid export: {error}"
        compiled = tools.run("compile", again, "-o", plan, "--quiet")
    return "compile: " + compiled.stderr.strip() if compiled.returncode else None


def run_model(tools, cases, folder, through_export=False):
    """(arrays by case, None) or (None, message)."""
    model, data = model_of(cases)
    path, plan, out = (os.path.join(folder, n) for n in ("m.onnx", "m.plan", "out"))
    onnx.save(model, path)
    message = compile_model(tools, path, plan, through_export)
    if message:
        return None, message
    flags = []
    for name, array in data.items():
        np.save(os.path.join(folder, name + ".npy"), np.asarray(array, order="C"))
        flags += ["--input", f"{name}=@{folder}/{name}.npy"]
    ran = tools.run("run", plan, *flags, "--guard", "--output-dir", out)
    if ran.returncode:
        return None, "run: " + ran.stderr.strip()
    return [[np.load(f"{out}/c{k}o{i}.npy") for i in range(case.outputs)] for k, case in enumerate(cases)], None


def failures(tools, cases, through_export=False):
    """What goes wrong, a line each; what cannot be exported does not."""
    if not cases:
        return []
    with tempfile.TemporaryDirectory() as folder:
        arrays, message = run_model(tools, cases, folder, through_export)
    if arrays is None:
        if len(cases) == 1 and through_export and "cannot be written as" in message:
            return []
        if len(cases) == 1:
            return [f"{cases[0].name}: {re.sub(chr(10), ' ', message)[:300]}"]
        half = len(cases) // 2
        return failures(tools, cases[:half], through_export) + failures(tools, cases[half:], through_export)
    found = []
    for case, results in zip(cases, arrays):
        for i, (result, wanted) in enumerate(zip(results, case.results())):
            problem = difference(result, np.asarray(wanted), case.tolerance)
            if problem:
                found.append(f"{case.name}: output {i} {problem}")
    return found
