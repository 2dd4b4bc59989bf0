"""Cases of operators that compute: element-wise, reductions, normalization, quantization, products and windows."""
import itertools
import math

import numpy as np
import onnx

from node_cases import Case, FLOATS, INTS, NEWEST, RNG, SHAPES, by_operand, ints, some


# --- element-wise ---

def clips():
    special = [-np.inf, -3, -1, 0, 0.5, 1, 4, np.inf, np.nan]
    for opset, dtype in itertools.product((7, 10, 11, 12, 13, NEWEST), FLOATS):
        x = np.array(special, dtype)
        limits = np.finfo(np.float32 if opset < 11 else dtype)
        for low, high in ((None, None), (-1, None), (None, 1), (-1, 1), (2, -2), (0, 6), (-np.inf, None), (None, np.inf)):
            with np.errstate(over="ignore"):
                lo, hi = dtype(limits.min if low is None else low), dtype(limits.max if high is None else high)
            expected = [np.minimum(np.maximum(x, lo), hi)]
            if opset < 11:
                attrs = {k: float(v) for k, v in (("min", low), ("max", high)) if v is not None}
                yield Case("Clip", opset, [x], attrs, (), expected)
                continue
            bounds = [None if b is None else np.array(b, dtype) for b in (low, high)]
            for constants in ((1, 2), ()):
                yield Case("Clip", opset, [x, *bounds], {}, constants, expected)
    for opset, dtype in itertools.product((12, 13, NEWEST), INTS):
        x = np.array([np.iinfo(dtype).min, 1, 2, 3, np.iinfo(dtype).max], dtype)
        for low, high in ((None, None), (2, None), (None, 2), (3, 1)):
            bounds = [None if b is None else np.array(b, dtype) for b in (low, high)]
            lo, hi = (b if b is not None else v for b, v in zip(bounds, (x[0], x[-1])))
            yield Case("Clip", opset, [x, *bounds], {}, (1, 2), [np.minimum(np.maximum(x, lo), hi)])


def unaries():
    for op_type in ("Abs", "Neg", "Sign", "Relu", "Exp", "Log", "Sqrt", "Floor", "Ceil", "Tanh", "Sigmoid", "Erf", "Reciprocal"):
        types = (np.float32, np.float16, np.float64) + ((np.int8, np.int32, np.int64) if op_type in ("Abs", "Neg", "Sign") else ())
        for dtype, shape in itertools.product(types, SHAPES):
            x = some(shape, dtype, 0 if op_type in ("Log", "Sqrt") else -3, 3)
            # ONNX's own Erf is an approximation.
            exact = [np.vectorize(math.erf, otypes=[dtype])(x)] if op_type == "Erf" and x.size else None
            yield Case(op_type, 13, [x], expected=exact)
    yield Case("Not", 13, [some((3,), np.bool_)])
    for approximate in ("none", "tanh"):
        yield Case("Gelu", 20, [some((3, 4))], {"approximate": approximate})
    for dtype in FLOATS:
        yield Case("IsNaN", 13, [np.array([1, np.nan, np.inf], dtype)])
        for opset in (10, 20):
            if opset == 20 or dtype != np.float16:
                yield Case("IsInf", opset, [np.array([1, np.nan, np.inf, -np.inf], dtype)], {"detect_negative": 0})


def binaries():
    pairs = [((2, 3), (2, 3)), ((2, 3), ()), ((), ()), ((0, 3), (3,)), ((2, 1, 3), (4, 1)), ((3, 0), (1, 1))]
    for op_type, dtype, (a, b) in itertools.product(("Add", "Sub", "Mul", "Div"), (np.float32, np.int32, np.int64, np.float16), pairs):
        yield Case(op_type, 7, [some(a, dtype, 1, 9), some(b, dtype, 1, 9)])
    for opset, dtype in itertools.product((7, 9, 11, 13), (np.float32, np.int32, np.int64)):
        if opset >= 9 or dtype == np.float32:
            for op_type in ("Less", "Greater"):
                yield Case(op_type, opset, [some((9,), dtype, 0, 3), some((9,), dtype, 0, 3)])
    for opset, dtype in ((7, np.int32), (7, np.bool_), (11, np.float32), (13, np.uint8)):
        x, y = some((9,), dtype, 0, 2), some((9,), dtype, 0, 2)
        yield Case("Equal", opset, [x, y], expected=[x == y])
    for opset in (7, 12, 13, 15):
        x, y = some((2, 3), np.float32, 0, 3), some((3,), np.float32, 0, 3)
        yield Case("Pow", opset, [x, y])
        if opset >= 12:
            yield Case("Pow", opset, [x, some((3,), np.int64, 0, 4)])
            yield Case("Pow", opset, [some((2, 3), np.int64, -3, 4), some((3,), np.int64, 0, 4)])
    for opset, dtype in itertools.product((10, 13), (np.int8, np.int32, np.int64, np.uint8)):
        x, y = some((9,), dtype, -9, 9), some((9,), dtype, 1, 5)
        yield Case("Mod", opset, [x, y], {}, (), [np.mod(x, y)])
        if dtype != np.uint8:
            yield Case("Mod", opset, [x, -y], {}, (), [np.mod(x, -y)])
            yield Case("Mod", opset, [x, -y], {"fmod": 1}, (), [np.fmod(x, -y)])
    x, y = some((9,), np.float32, -9, 9), some((9,), np.float32, 1, 5)
    yield Case("Mod", 13, [x, y], {"fmod": 1}, (), [np.fmod(x, y)])
    for opset, dtype in ((8, np.float32), (12, np.int8), (13, np.uint64), (13, np.float16)):
        for op_type in ("Max", "Min"):
            yield Case(op_type, opset, [some((2, 3), dtype, 0, 9), some((3,), dtype, 0, 9), some((), dtype, 0, 9)])


def casts():
    for opset, (a, b) in itertools.product((7, 9, 13, 19, 21, NEWEST), itertools.permutations(
            (np.float32, np.float64, np.float16, np.int8, np.uint8, np.int32, np.int64, np.bool_), 2)):
        x = some((2, 3), a, 0, 5)
        yield Case("Cast", opset, [x], {"to": onnx.helper.np_dtype_to_tensor_dtype(np.dtype(b))}, (), [x.astype(b)])


# --- along axes ---

def softmaxes():
    functions = {"Softmax": lambda x: np.exp(x - x.max(-1, keepdims=True)) / np.exp(x - x.max(-1, keepdims=True)).sum(-1, keepdims=True),
                 "Hardmax": lambda x: np.eye(x.shape[-1])[x.argmax(-1)]}
    functions["LogSoftmax"] = lambda x: np.log(functions["Softmax"](x))
    for op_type, opset, shape in itertools.product(functions, (7, 10, 11, 12, 13, NEWEST), ((2, 3, 4, 5), (3, 4), (5,))):
        axes = [a for a in range(len(shape))] + ([-1, -len(shape)] if opset >= 11 else []) + [None]
        for axis in axes:
            x = some(shape).astype(np.float64)
            used = (1 if opset < 13 else -1) if axis is None else axis
            if not -len(shape) <= used < len(shape):
                continue
            used %= len(shape)
            if opset < 13:
                flat = x.reshape(int(np.prod(shape[:used])), -1)
                expected = functions[op_type](flat).reshape(shape)
            else:
                expected = np.moveaxis(functions[op_type](np.moveaxis(x, used, -1)), -1, used)
            yield Case(op_type, opset, [x.astype(np.float32)], {} if axis is None else {"axis": axis}, (),
                       [expected.astype(np.float32)])


def reductions():
    functions = {"ReduceSum": np.sum, "ReduceMean": np.mean, "ReduceMax": np.max, "ReduceMin": np.min, "ReduceProd": np.prod,
                 "ReduceL1": lambda x, **k: np.sum(abs(x), **k), "ReduceL2": lambda x, **k: np.sqrt(np.sum(x * x, **k)),
                 "ReduceSumSquare": lambda x, **k: np.sum(x * x, **k), "ReduceLogSum": lambda x, **k: np.log(np.sum(x, **k)),
                 "ReduceLogSumExp": lambda x, **k: np.log(np.sum(np.exp(x), **k))}
    for (op_type, function), opset in itertools.product(functions.items(), (7, 11, 13, 18, NEWEST)):
        since = 13 if op_type == "ReduceSum" else 18
        for axes, keep in itertools.product((None, (0,), (0, 2), (1,)) + (((-1,), (-2, 0)) if opset >= 11 else ()), (0, 1)):
            x = some((2, 3, 4), np.float32, 0.5, 2)
            over = tuple(range(3)) if axes is None else axes
            expected = [np.asarray(function(x.astype(np.float64), axis=over, keepdims=bool(keep))).astype(np.float32)]
            if axes is None:
                yield Case(op_type, opset, [x], {"keepdims": keep}, (), expected)
            else:
                yield by_operand(opset, since, "axes", axes, op_type, x, keepdims=keep, expected=expected)
        if opset >= since:
            yield Case(op_type, opset, [x, ints()], {"noop_with_empty_axes": 0}, (1,), expected=[
                np.asarray(function(x.astype(np.float64), axis=(0, 1, 2), keepdims=True)).astype(np.float32)])
    for opset in (13, 18, NEWEST):
        x = some((2, 3))
        yield Case("ReduceSum", opset, [x, ints()], {"noop_with_empty_axes": 1}, (1,), [x])
    for dtype, op_type in itertools.product((np.int32, np.int64, np.float16, np.float64), ("ReduceSum", "ReduceMax", "ReduceProd")):
        yield Case(op_type, 18, [some((2, 3), dtype, 1, 4), ints(1)], {}, (1,))
    empty = np.zeros((2, 0, 3), np.float32)
    for op_type, value in (("ReduceSum", 0), ("ReduceProd", 1), ("ReduceMax", -np.inf), ("ReduceMin", np.inf), ("ReduceL1", 0)):
        yield Case(op_type, 20, [empty, ints(1)], {"keepdims": 0}, (1,), [np.full((2, 3), value, np.float32)])
    for opset, op_type in itertools.product((7, 11, 12, 13), ("ArgMax", "ArgMin")):
        x = some((3, 4), np.float32, 0, 3).round()
        for axis, keep in itertools.product((0, 1) + ((-1,) if opset >= 11 else ()), (0, 1)):
            yield Case(op_type, opset, [x], {"axis": axis, "keepdims": keep})
            if opset >= 12:
                yield Case(op_type, opset, [x], {"axis": axis, "keepdims": keep, "select_last_index": 1})


def top_ks():
    x = RNG.permutation(24).reshape(2, 3, 4).astype(np.float32)
    for opset, axis in itertools.product((7, 10, 11, NEWEST), (0, 1, 2, -1)):
        if axis < 0 and opset < 11:
            continue
        for largest in (1, 0) if opset >= 11 else (1,):
            order = np.argsort(-x if largest else x, axis, kind="stable").take(range(2), axis)
            expected = [np.take_along_axis(x, order, axis), order.astype(np.int64)]
            attrs = {"axis": axis, **({"largest": largest} if opset >= 11 else {})}
            if opset < 10:
                yield Case("TopK", opset, [x], {"k": 2, **attrs}, (), expected, 2)
            else:
                yield Case("TopK", opset, [x, ints(2)], attrs, (1,), expected, 2)


# --- normalization ---

def normalizations():
    x = some((2, 3, 4, 5))
    scale, bias, mean, variance = some((3,)), some((3,)), some((3,)), some((3,), np.float32, 0.5, 2)
    shape = (1, 3, 1, 1)
    y = (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + np.float32(1e-3)) * scale.reshape(shape) + bias.reshape(shape)
    for opset in (7, 9, 14, 15, NEWEST):
        yield Case("BatchNormalization", opset, [x, scale, bias, mean, variance], {"epsilon": 1e-3}, (1, 2, 3, 4), [y])
    for opset in (14, 15):
        m, v = x.mean((0, 2, 3)), x.var((0, 2, 3))
        y = (x - m.reshape(shape)) / np.sqrt(v.reshape(shape) + np.float32(1e-5)) * scale.reshape(shape) + bias.reshape(shape)
        momentum = np.float32(0.75)
        running = [mean * momentum + m * (1 - momentum), variance * momentum + v * (1 - momentum)]
        yield Case("BatchNormalization", opset, [x, scale, bias, mean, variance], {"training_mode": 1, "momentum": 0.75}, (1, 2),
                   [y, *running], 3)
    for opset in (7, 22):
        yield Case("InstanceNormalization", opset, [x, scale, bias])
    for opset, axes in itertools.product((9, 13, NEWEST), (None, (0, 2, 3), (2, 3), (-1,), (1,))):
        if axes != (-1,) or opset > 9:
            over = tuple(axes or (0, 2, 3))
            wide = x.astype(np.float64)
            y = (wide - wide.mean(over, keepdims=True)) / (wide.std(over, keepdims=True) + 1e-9)
            yield Case("MeanVarianceNormalization", opset, [x], {} if axes is None else {"axes": list(axes)}, (),
                       [y.astype(np.float32)])
    yield from group_norms()
    yield from layer_norms()


def group_norms():
    for shape, groups, dtype in itertools.product(((2, 4, 3, 3), (2, 4), (1, 6, 5), (0, 4, 2)), (1, 2), FLOATS):
        x = some(shape, dtype)
        wide = x.astype(np.float64).reshape(shape[0], groups, int(np.prod(shape[1:])) // groups)
        y = (wide - wide.mean(-1, keepdims=True)) / np.sqrt(wide.var(-1, keepdims=True) + 1e-5)
        for opset in (18, 21, NEWEST):
            scale, bias = (some((groups if opset < 21 else shape[1],), dtype) for _ in range(2))
            affine = y if opset < 21 else y.reshape(shape)
            rank = (1, -1) + (1,) * (affine.ndim - 2)
            z = affine * scale.astype(np.float64).reshape(rank) + bias.astype(np.float64).reshape(rank)
            yield Case("GroupNormalization", opset, [x, scale, bias], {"num_groups": groups}, (1, 2),
                       [z.reshape(shape).astype(dtype)], 1, 1e-2 if dtype == np.float16 else None)


def layer_norms():
    kinds = {1: np.float32, 10: np.float16, 11: np.float64}
    for dtype, stash, axis, with_bias in itertools.product(FLOATS, (None, 1, 10, 11), (-1, 1), (False, True)):
        x = some((2, 3, 4), dtype)
        over = tuple(range(axis % 3, 3))
        scale, bias = some(x.shape[axis:], dtype), some(x.shape[axis:], dtype)
        wide = x.astype(np.float64)
        mean, inverse = wide.mean(over, keepdims=True), 1 / np.sqrt(wide.var(over, keepdims=True) + 1e-5)
        y = (wide - mean) * inverse * scale.astype(np.float64) + (bias.astype(np.float64) if with_bias else 0)
        attrs = {"axis": axis, **({} if stash is None else {"stash_type": stash})}
        kind = kinds[stash or 1]
        loose = 1e-2 if np.float16 in (dtype, kind) else 2e-5
        yield Case("LayerNormalization", 17, [x, scale] + ([bias] if with_bias else []), attrs, (1, 2)[:1 + with_bias],
                   [y.astype(dtype), mean.astype(kind), inverse.astype(kind)], 3, loose)
        if not with_bias and stash in (None, 1):
            root = np.sqrt((wide * wide).mean(over, keepdims=True) + 1e-5)
            yield Case("RMSNormalization", 23, [x, scale], attrs, (1,), [(wide / root * scale.astype(np.float64)).astype(dtype)], 1,
                       1e-2 if dtype == np.float16 else 2e-5)


def dropouts():
    x = some((2, 3))
    for opset in (7, 10):
        yield Case("Dropout", opset, [x], {"ratio": 0.25}, (), [x])
    for opset in (12, 13, NEWEST):
        yield Case("Dropout", opset, [x, np.array(0.25, np.float32), np.array(False)], {}, (1, 2), [x, np.ones((2, 3), np.bool_)], 2)


# --- quantization ---

def quantizations():
    x = some((2, 3, 4), np.float32, -9, 9)
    one, three = np.array(0.0625, np.float32), np.array([0.0625, 0.125, 0.03125], np.float32)
    for opset, kind in itertools.product((10, 13, 19, 21, NEWEST), (np.uint8, np.int8, np.int16, np.uint16)):
        if np.dtype(kind).itemsize == 2 and opset < 21:
            continue
        zero = np.array(3, kind)
        yield Case("QuantizeLinear", opset, [x, one, zero], {}, (1, 2), [quantized(x, one, zero)])
        q = quantized(x, one, zero)
        yield Case("DequantizeLinear", opset, [q, one, zero], {}, (1, 2), [(q.astype(np.float32) - 3) * one])
        if opset >= 13:
            zeros = np.array([1, 2, 3], kind)
            wide, offsets = three.reshape(3, 1), zeros.reshape(3, 1)
            q = quantized(x, wide, offsets)
            yield Case("QuantizeLinear", opset, [x, three, zeros], {"axis": -2}, (1, 2), [q])
            yield Case("DequantizeLinear", opset, [q, three, zeros], {}, (1, 2), [(q.astype(np.float32) - offsets) * wide])


def quantized(x, scale, zero):
    limits = np.iinfo(zero.dtype)
    return np.clip(np.rint(x / scale) + zero.astype(np.float32), limits.min, limits.max).astype(zero.dtype)


# --- products and windows ---

def products():
    for opset in (7, 9, 11, 13):
        a, b, c = some((3, 4)), some((4, 5)), some((5,))
        yield Case("Gemm", opset, [a, b, c], {"alpha": 0.5, "beta": 2.0})
        yield Case("Gemm", opset, [np.ascontiguousarray(a.T), np.ascontiguousarray(b.T), c], {"transA": 1, "transB": 1})
        if opset >= 11:
            yield Case("Gemm", opset, [a, b])
    for a, b in (((3, 4), (4, 5)), ((4,), (4,)), ((2, 3, 4), (4, 5)), ((0, 4), (4, 5)), ((3, 0), (0, 5)), ((2, 1, 3, 4), (5, 4, 2))):
        x, y = some(a), some(b)
        yield Case("MatMul", 13, [x, y], {}, (), [np.asarray(x.astype(np.float64) @ y).astype(np.float32)])


def pools():
    x = some((1, 2, 7, 8))
    for opset in (7, 8, 10, 11, 12, 19, 22, NEWEST):
        for attrs in ({"kernel_shape": [3, 2]}, {"kernel_shape": [2, 3], "strides": [2, 1], "pads": [1, 0, 0, 2]}):
            yield Case("MaxPool", opset, [x], attrs)
            for count in (0, 1):
                yield Case("AveragePool", opset, [x], {**attrs, "count_include_pad": count})
        if opset >= 10:
            yield Case("MaxPool", opset, [x], {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1, "dilations": [1, 2]})


# --- every element type ---

def values_of_every_type():
    for dtype in FLOATS + INTS:
        x, scalar, kind = some((2, 3), dtype, 1, 5), some((), dtype, 1, 5), np.dtype(dtype).kind
        for op_type in ("ArgMax", "ArgMin"):
            yield Case(op_type, 13, [x], {"axis": -1})
        yield Case("TopK", 11, [x, ints(1)], {}, (1,), None, 2)
        for op_type in ("Equal", "LessOrEqual", "Max", "Min"):
            yield Case(op_type, 19, [x, scalar])
        yield Case("Mod", 13, [x, x], {"fmod": int(kind == "f")})
        for op_type in ("Sign", "Abs"):
            yield Case(op_type, 13, [x])
        if kind in "iu":
            yield Case("BitwiseAnd", 18, [x, x])
        if kind == "u":
            yield Case("BitShift", 11, [x, some((2, 3), dtype, 0, 3)], {"direction": "LEFT"})
        if dtype in FLOATS + (np.int32, np.int64):
            for op_type in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1"):
                yield Case(op_type, 18, [scalar])
                yield Case(op_type, 18, [x, ints(-1)], {"keepdims": 0}, (1,))
            yield Case("ReduceSum", 13, [some((0, 3), dtype), ints(0)], {}, (1,))
            yield Case("CumSum", 14, [x, np.array(-1, np.int32)], {}, (1,))
    for dtype in FLOATS:
        yield from floats_of_type(dtype)


def floats_of_type(dtype):
    x, empty = some((2, 3), dtype, 0.1, 0.9), some((0, 3), dtype)
    for op_type in ("Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Asinh", "Atanh", "Softplus", "Softsign"):
        yield Case(op_type, 9, [x])
    for op_type in ("LeakyRelu", "Elu", "HardSigmoid", "Selu", "ThresholdedRelu", "Shrink", "Acosh"):
        yield Case(op_type, 10, [x * 4 + 1])
    yield Case("Mish", 18, [x])
    yield Case("Round", 11, [np.array([0.5, 1.5, 2.5, -0.5], dtype)])
    yield Case("PRelu", 16, [x - dtype(0.5), some((3,), dtype)])
    for op_type in ("Mean", "Sum"):
        yield Case(op_type, 13, [x, some((), dtype)])
    for op_type in ("Softmax", "LogSoftmax", "Hardmax"):
        yield Case(op_type, 13, [x])
        yield Case(op_type, 13, [empty], {"axis": 0}, (), [empty])
    for op_type in ("GlobalAveragePool", "GlobalMaxPool"):
        yield Case(op_type, 7, [some((1, 2, 3, 3), dtype)])
    yield Case("Conv", 11, [some((1, 2, 5, 5), dtype), some((3, 2, 3, 3), dtype)], {"pads": [1, 1, 1, 1]}, (1,))
    batch = some((0, 2, 5, 5), dtype)  # no images
    yield Case("Conv", 11, [batch, some((3, 2, 3, 3), dtype)], {}, (1,), [np.zeros((0, 3, 3, 3), dtype)])
    yield Case("MaxPool", 12, [batch], {"kernel_shape": [2, 2]}, (), [np.zeros((0, 2, 4, 4), dtype)])
    vector = some((2,), dtype, 0.5, 1)
    yield Case("BatchNormalization", 15, [batch, vector, vector, vector, vector], {}, (1, 2, 3, 4), [batch])
    yield Case("InstanceNormalization", 22, [batch, vector, vector], {}, (1, 2), [batch])
    yield Case("LayerNormalization", 17, [empty, some((3,), dtype)], {}, (1,), [empty])
    yield Case("MatMul", 13, [empty, some((3, 2), dtype)], {}, (), [np.zeros((0, 2), dtype)])
    yield Case("Gemm", 13, [some((2, 0), dtype), empty], {}, (), [np.zeros((2, 3), dtype)])
