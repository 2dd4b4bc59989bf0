"""Cases of operators that move elements: shapes, slices, scatters, resizes."""
import itertools

import numpy as np
import onnx

from node_cases import Case, FLOATS, INTS, NEWEST, RNG, by_operand, ints, some
from resize_reference import resize


# --- shapes and movement ---

def shapes():
    x = some((1, 3, 1, 4))
    for opset in (7, 11, 12, 13, 21, NEWEST):
        negative = opset >= 11
        for axes in ((0,), (0, 2)) + (((-2,),) if negative else ()):
            yield by_operand(opset, 13, "axes", axes, "Squeeze", x, expected=[np.squeeze(x, axes)])
        yield Case("Squeeze", opset, [x], {}, (), [np.squeeze(x)])
        for axes in ((0,), (1, 3)) + (((-1,), (-2, 0)) if negative else ()):
            yield by_operand(opset, 13, "axes", axes, "Unsqueeze", some((3, 4)) * 0 + 1, expected=[
                np.expand_dims(np.ones((3, 4), np.float32), axes)])
        for axis in (0, 1, 2, 4) + ((-1,) if negative else ()):
            yield Case("Flatten", opset, [x], {"axis": axis}, (), [x.reshape(int(np.prod(x.shape[:axis])), -1)])
    for opset in (7, 13, 14, 19, NEWEST):
        for shape in ((4, -1), (0, 0, 4), (12,), (1, 1, 0, 4)):
            wanted = [x.shape[i] if e == 0 else e for i, e in enumerate(shape)]
            if np.prod([e for e in wanted if e > 0]) <= 12 and (-1 in wanted or np.prod(wanted) == 12):
                yield Case("Reshape", opset, [x, ints(*shape)], {}, (1,), [x.reshape(wanted)])
    yield Case("Reshape", 14, [np.zeros((0, 3), np.float32), ints(3, 0)], {"allowzero": 1}, (1,), [np.zeros((3, 0), np.float32)])


def splits():
    x = some((7, 2))
    for opset in (7, 11, 13, 18, NEWEST):
        parts = [x[:2], x[2:3], x[3:]]
        yield by_operand(opset, 13, "split", (2, 1, 4), "Split", x, expected=parts, outputs=3)
        if opset >= 11:
            yield by_operand(opset, 13, "split", (2, 1, 4), "Split", x, axis=-2, expected=parts, outputs=3)
        if opset >= 18:
            yield Case("Split", opset, [x], {"num_outputs": 3}, (), [x[:3], x[3:6], x[6:]], 3)
        else:
            yield Case("Split", opset, [x], {"axis": 1}, (), [x[:, :1], x[:, 1:]], 2)


def slices():
    x = some((5, 6, 4))
    cut = x[1:4, :-1]
    yield Case("Slice", 7, [x], {"starts": [1, 0], "ends": [4, -1]}, (), [cut])
    yield Case("Slice", 9, [x], {"starts": [0, 1], "ends": [1000, 4], "axes": [1, 0]}, (), [x[1:4]])
    for opset, dtype in itertools.product((10, 11, 13, NEWEST), (np.int64, np.int32)):
        a = lambda *values: np.array(values, dtype)
        yield Case("Slice", opset, [x, a(1, 0), a(4, -1)], {}, (1, 2), [cut])
        yield Case("Slice", opset, [x, a(-1), a(-1000), a(2), a(-2)], {}, (1, 2, 3, 4), [x[:, :, ::-2]])
        yield Case("Slice", opset, [x, a(3), a(1), a(0)], {}, (1, 2, 3), [x[3:1]])
        if opset >= 11:
            yield Case("Slice", opset, [x, a(2), a(2 ** 31 - 1), a(-2), a(3)], {}, (1, 2, 3, 4), [x[:, 2::3]])


def pads():
    x = some((3, 4))
    pad = (1, 0, 2, 3)
    modes = {"constant": {"constant_values": 1.5}, "reflect": {}, "edge": {}}
    for opset, (mode, kwargs) in itertools.product((7, 10, 11, 13, 18, 19, NEWEST), modes.items()):
        expected = [np.pad(x, ((1, 2), (0, 3)), mode, **kwargs)]
        if opset < 11:
            attrs = {"pads": list(pad), "mode": mode, **({"value": 1.5} if mode == "constant" else {})}
            yield Case("Pad", opset, [x], attrs, (), expected)
        else:
            value = np.array(1.5, np.float32) if mode == "constant" else None
            yield Case("Pad", opset, [x, ints(*pad), value], {"mode": mode}, (1, 2), expected)
        if opset >= 18:
            wide = [np.pad(x, ((0, 0), (2, 1)), mode, **kwargs)]
            yield Case("Pad", opset, [x, ints(2, 1), value, ints(-1)], {"mode": mode}, (1, 2, 3), wide)
    yield Case("Pad", 19, [x, ints(*pad)], {"mode": "wrap"}, (1,), [np.pad(x, ((1, 2), (0, 3)), "wrap")])
    yield Case("Pad", 13, [x, ints(-1, 1, 0, -2)], {}, (1,), [np.pad(x[1:, :-2], ((0, 0), (1, 0)))])
    yield Case("Pad", 13, [np.zeros((0, 2), np.float32), ints(1, 0, 0, 1)], {}, (1,), [np.zeros((1, 3), np.float32)])


def movements():
    for dtype in (np.float32, np.float16, np.int8, np.int64, np.bool_):
        for shape in ((2, 3), (0, 3), (2, 0)):
            x, y = some(shape, dtype), some(shape, dtype)
            for axis in (0, 1, -1):
                yield Case("Concat", 11, [x, y], {"axis": axis})
            yield Case("Transpose", 13, [x])
            yield Case("Tile", 13, [x, ints(2, 1)], {}, (1,))
            yield Case("Expand", 13, [x, ints(2, 1, 1)], {}, (1,))
            yield Case("Identity", 13, [x])
            yield Case("Where", 16, [some(shape, np.bool_), x, y])
    for opset in (7, 11, 13):
        yield Case("Gather", opset, [some((3, 4)), np.array([[0, 2], [1, 1]], np.int64)], {"axis": 1})
    yield Case("Gather", 11, [some((3, 4)), ints(-1, 0)], {"axis": -2})
    yield Case("Gather", 13, [some((3, 4)), np.zeros((0,), np.int64)], expected=[np.zeros((0, 4), np.float32)])
    yield Case("Gather", 13, [some((3, 4)), np.array(1, np.int32)])
    for shape in ((5,), (7, 3), (3, 7), (4, 4)):
        for target, axes in (((4, 4), None), ((6,), (0,)), ((2,), (-1,))):
            if axes is not None or len(shape) == len(target):
                attrs, x = {} if axes is None else {"axes": list(axes)}, some(shape)
                yield Case("CenterCropPad", 18, [x, ints(*target)], attrs, (1,), [center(x, target, axes or (0, 1))])


def center(x, target, axes):
    for axis, extent in zip(axes, target):
        change = extent - x.shape[axis]
        half = abs(change) // 2
        if change < 0:
            x = np.moveaxis(np.moveaxis(x, axis, 0)[half:half + extent], 0, axis)
        else:
            widths = [(0, 0)] * x.ndim
            widths[axis] = (half, change - half)
            x = np.pad(x, widths)
    return x


# --- resize ---

def resize_case(opset, x, scales=None, sizes=None, roi=None, **attrs):
    given = {k: v for k, v in attrs.items() if k not in ("keep_aspect_ratio_policy", "axes") or v is not None}
    expected = [resize(x, scales, sizes, roi, **given)]
    operands = [x, roi if roi is None else np.array(roi, np.float32), None if scales is None else np.array(scales, np.float32)]
    if opset < 13:  # the operands of opset 11 are not optional
        operands[1:] = [np.zeros(0, np.float32) if o is None else o for o in operands[1:]]
    if sizes is not None:
        operands.append(ints(*sizes))
    return Case("Resize", opset, operands, given, (1, 2, 3), expected)


def resizes():
    coordinates = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize", "half_pixel_symmetric",
                   "tf_half_pixel_for_nn")
    roundings = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
    line = some((1, 1, 6))
    for opset, coords in itertools.product((11, 13, 18, 19, NEWEST), coordinates):
        if (coords == "half_pixel_symmetric" and opset < 19) or (coords == "tf_half_pixel_for_nn" and opset > 11):
            continue
        roi = [0, 0, 0.25, 1, 1, 0.875] if coords == "tf_crop_and_resize" else None
        modes = [{"mode": "linear"}, {"mode": "cubic"}, {"mode": "cubic", "cubic_coeff_a": -0.5, "exclude_outside": 1}]
        modes += [{"mode": "nearest", "nearest_mode": r} for r in roundings]
        if opset >= 18 and coords != "tf_crop_and_resize":
            modes += [{"mode": m, "antialias": 1, "exclude_outside": e} for m in ("linear", "cubic") for e in (0, 1)]
        for attrs in modes:
            attrs = {"coordinate_transformation_mode": coords, **attrs}
            for target in (1, 2, 3, 4, 5, 9, 12, 13):
                yield resize_case(opset, line, sizes=(1, 1, target), roi=roi, **attrs)
            for factor in (0.2, 0.3, 0.5, 0.6, 1.4, 2, 2.5, 3):
                yield resize_case(opset, line, scales=(1, 1, factor), roi=roi, **attrs)
    yield from resizes_of_images()
    yield from old_resizes()


def resizes_of_images():
    x = some((2, 3, 4, 6))
    for mode, policy in itertools.product(("nearest", "linear", "cubic"), ("stretch", "not_larger", "not_smaller")):
        attrs = {"mode": mode, "keep_aspect_ratio_policy": policy}
        yield resize_case(18, x, sizes=(7, 8), axes=[2, 3], **attrs)
        yield resize_case(18, x, sizes=(8, 7), axes=[3, 2], **attrs)
        yield resize_case(19, x, sizes=(3, 9), axes=[-2, -1], **attrs)
        yield resize_case(18, x.astype(np.float16), scales=(2, 0.5), axes=[3, 2], mode=mode)
    for dtype in (np.uint8, np.int8, np.int32):
        yield resize_case(13, some((1, 2, 4, 6), dtype, 0, 100), scales=(1, 1, 2, 2), mode="nearest")
        yield resize_case(13, some((1, 1, 4, 6), dtype, 0, 100), sizes=(1, 1, 8, 3), mode="linear")
    roi = [0.25, -0.25, 0.75, 0.9]
    for scales in ((2, 2), (0.5, 3), (1, 1)):
        yield resize_case(18, x, scales=scales, axes=[2, 3], roi=roi, mode="linear", extrapolation_value=7.5,
                          coordinate_transformation_mode="tf_crop_and_resize")
    for mode in ("nearest", "linear", "cubic"):
        yield resize_case(18, x, scales=(1, 1, 1.5, 0.1), mode=mode)  # nothing is left
        yield resize_case(18, x, sizes=(2, 3, 0, 5), mode=mode)
        yield resize_case(18, np.zeros((2, 0, 4, 6), np.float32), scales=(1, 1, 2, 2), mode=mode)
        yield resize_case(18, np.zeros((2, 3, 0, 6), np.float32), scales=(1, 1, 2, 2), mode=mode)


def old_resizes():
    for op_type, opset, shape in itertools.product(("Upsample", "Resize"), (7, 9, 10), ((1, 1, 4, 5), (1, 2, 3, 6))):
        if (op_type == "Resize") != (opset == 10):
            continue
        x = some(shape)
        for mode, scales in itertools.product(("nearest", "linear"), ((1, 1, 2, 2), (1, 1, 1.5, 1), (1, 1, 2.3, 3), (1, 1, 2, 0.6),
                                                                    (1, 1, 0.5, 0.4), (1, 1, 0.75, 1))):
            if op_type == "Upsample" and min(scales) < 1:
                continue
            y = x
            for axis, scale in enumerate(scales):  # nearest: down where it grows, up where it shrinks
                one = [1.0] * 4
                one[axis] = scale
                y = resize(y, scales=one, mode=mode, coordinate_transformation_mode="asymmetric",
                           nearest_mode="ceil" if scale < 1 else "floor")
            if opset < 9:
                yield Case(op_type, opset, [x], {"mode": mode, "scales": [float(s) for s in scales]}, (), [y])
            else:
                yield Case(op_type, opset, [x, np.array(scales, np.float32)], {"mode": mode}, (1,), [y])


# --- indices and triangles ---

def scatters():
    functions = {"none": lambda a, b: b, "add": lambda a, b: a + b, "mul": lambda a, b: a * b, "max": np.maximum, "min": np.minimum}
    for (opset, op_type), reduction, dtype in itertools.product(
            ((9, "Scatter"), (10, "Scatter"), (11, "ScatterElements"), (13, "ScatterElements"), (16, "ScatterElements"),
             (18, "ScatterElements"), (NEWEST, "ScatterElements")), functions, (np.float32, np.float16, np.int8, np.int64)):
        if (opset < 16 and reduction != "none") or (opset < 18 and reduction in ("max", "min")):
            continue
        attrs = {} if reduction == "none" else {"reduction": reduction}
        for shape, axis in (((5,), 0), ((3, 4), 0), ((3, 4), 1), ((2, 3, 4), -1), ((2, 3, 4), 1)):
            x, axis = some(shape, dtype, -4, 4), axis % len(shape)
            where = np.stack([RNG.permutation(shape[axis])[:2] for _ in range(int(np.prod(shape)) // shape[axis])], -1)
            where = np.moveaxis(where.reshape((2,) + shape[:axis] + shape[axis + 1:]), 0, axis)
            signed = np.where(RNG.random(where.shape) < 0.5 if opset >= 11 else False, where - shape[axis], where)
            update = some(where.shape, dtype, -4, 4)
            expected = x.copy()
            np.put_along_axis(expected, where, functions[reduction](np.take_along_axis(x, where, axis), update), axis)
            for kind in (np.int64, np.int32):
                yield Case(op_type, opset, [x, signed.astype(kind), update], {"axis": axis, **attrs}, (), [expected])
    for opset, reduction, dtype in itertools.product((11, 13, 16, 18, NEWEST), functions, (np.float32, np.int32, np.float16)):
        if (opset < 16 and reduction != "none") or (opset < 18 and reduction in ("max", "min")):
            continue
        attrs = {} if reduction == "none" else {"reduction": reduction}
        x = some((4, 3, 2), dtype, -4, 4)
        for places in (np.array([[0], [2]]), np.array([[3, 1], [-1, 0]]), np.array([[[0, 1, 1]], [[-2, -3, 0]]]),
                       np.array([[1], [1]]) if reduction != "none" else np.array([[1]])):
            places = places.astype(np.int64)
            update = some(places.shape[:-1] + x.shape[places.shape[-1]:], dtype, -4, 4)
            expected = x.copy()
            for at in np.ndindex(places.shape[:-1]):
                to = tuple(places[at])
                expected[to] = functions[reduction](expected[to], update[at])
            yield Case("ScatterND", opset, [x, places, update], attrs, (), [expected])


def cumulations():
    for (op_type, opset), axis, exclusive, reverse, dtype in itertools.product(
            (("CumSum", 11), ("CumSum", 14), ("CumProd", 26)), (0, 2, -2), (0, 1), (0, 1), (np.float32, np.float64, np.int32, np.int64)):
        x = some((2, 3, 4), dtype, -3, 4)
        yield Case(op_type, opset, [x, np.array(axis, np.int64)], {"exclusive": exclusive, "reverse": reverse}, (1,))
    yield Case("CumSum", 14, [np.zeros((0, 2), np.float32), np.array(0, np.int32)], {}, (1,))


def one_hots():
    for opset, axis, dtype in itertools.product((9, 11, NEWEST), (-1, 0, 1), (np.int64, np.int32, np.float32, np.uint8)):
        at = np.array([[0, 2, 4], [1, 3, 3]], dtype)
        values = np.array([-1, 5], np.float32)
        eye = np.full((5, 5), values[0])
        np.fill_diagonal(eye, values[1])
        expected = np.moveaxis(eye[at.astype(int)], -1, axis)
        yield Case("OneHot", opset, [at, ints(5), values], {"axis": axis}, (1,), [expected])
    signed = ints(-1, -5, -6, 5, 0)
    expected = np.zeros((5, 5), np.int64)
    expected[0, 4] = expected[1, 0] = expected[4, 0] = 7
    yield Case("OneHot", 11, [signed, np.array(5, np.float32), ints(0, 7)], {}, (1,), [expected])


def triangles():
    for dtype, shape, k, upper in itertools.product((np.float32, np.int64, np.bool_, np.float16),
                                                    ((3, 4), (2, 4, 3), (0, 3), (2, 3, 0)), (None, 0, 1, -1, 9, -9), (0, 1)):
        x = some(shape, dtype)
        diagonal = None if k is None else np.array(k, np.int64)
        expected = (np.triu if upper else np.tril)(x, k or 0)
        yield Case("Trilu", 14, [x, diagonal], {"upper": upper}, (1,), [expected.astype(dtype)])
    for opset, shape, k, dtype in itertools.product((9, 22), ((3, 3), (2, 5), (4, 2)), (0, 1, -2), (np.float32, np.int32, np.bool_)):
        attrs = {"k": k, "dtype": onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))}
        yield Case("EyeLike", opset, [some(shape)], attrs, (), [np.eye(*shape, k, dtype=dtype)])
    yield Case("EyeLike", 9, [some((3, 2), np.int64)], {}, (), [np.eye(3, 2, dtype=np.int64)])


def sequences():
    for time, lengths in itertools.product((0, 1), ((1, 4, 2), (4, 0, 3))):
        x = some((4, 3, 2) if time == 0 else (3, 4, 2))
        expected = x.copy()
        for b, n in enumerate(lengths):
            at = (slice(0, n), b) if time == 0 else (b, slice(0, n))
            expected[at] = x[at][::-1]
        yield Case("ReverseSequence", 10, [x, ints(*lengths)], {"time_axis": time, "batch_axis": 1 - time}, (), [expected])


def columns():
    for image, block, attrs in (((5, 5), (1, 5), {}), ((4, 6), (2, 3), {}), ((5, 5), (3, 3), {"pads": [1, 0, 1, 2]}),
                                ((6, 6), (2, 2), {"strides": [2, 3]}), ((7, 6), (2, 3), {"dilations": [3, 1]}), ((9,), (3,), {})):
        n = len(image)
        d, s, p = (attrs.get(k, [v] * m) for k, v, m in (("dilations", 1, n), ("strides", 1, n), ("pads", 0, 2 * n)))
        windows = [(image[i] + p[i] + p[i + n] - d[i] * (block[i] - 1) - 1) // s[i] + 1 for i in range(n)]
        x = some((2, 2 * int(np.prod(block)), int(np.prod(windows))))
        wide = np.zeros((2, 2) + tuple(image[i] + p[i] + p[i + n] for i in range(n)))
        parts = x.reshape((2, 2) + block + tuple(windows))
        for at in np.ndindex(block):
            to = tuple(slice(at[i] * d[i], at[i] * d[i] + (windows[i] - 1) * s[i] + 1, s[i]) for i in range(n))
            wide[(slice(None), slice(None)) + to] += parts[(slice(None), slice(None)) + at]
        inside = tuple(slice(p[i], p[i] + image[i]) for i in range(n))
        yield Case("Col2Im", 18, [x, ints(*image), ints(*block)], attrs, (1, 2), [wide[(slice(None), slice(None)) + inside].astype(np.float32)])


# --- every element type ---

def moves_of_every_type():
    for dtype in FLOATS + INTS + (np.bool_,):
        x, scalar, empty = some((2, 3), dtype, 1, 5), some((), dtype, 1, 5), some((0, 3), dtype)
        for op_type in ("Transpose", "Identity"):
            yield Case(op_type, 13, [scalar])
        yield Case("Squeeze", 13, [scalar], {}, (), [scalar])
        yield Case("Unsqueeze", 13, [scalar, ints(0)], {}, (1,), [scalar.reshape(1)])
        for shape in ((1, 1), ()):
            yield Case("Reshape", 13, [scalar, ints(*shape)], {}, (1,), [scalar.reshape(shape)])
        yield Case("Flatten", 13, [scalar], {"axis": 0}, (), [scalar.reshape(1, 1)])
        yield Case("Tile", 13, [scalar, ints()], {}, (1,), [scalar])
        yield Case("Expand", 13, [scalar, ints(2, 3)], {}, (1,))
        yield Case("Expand", 13, [empty, ints(2, 1, 1)], {}, (1,))
        yield Case("Where", 16, [np.array(True), scalar, x])
        yield Case("Pad", 18, [x, ints(0, 1, 1, 0), scalar], {}, (1, 2), [np.pad(x, ((0, 1), (1, 0)), constant_values=scalar)])
        yield Case("Gather", 13, [x, np.array(-1, np.int64)], {"axis": 1})
        yield Case("GatherElements", 13, [x, np.array([[0, -1, 1]], np.int64)])
        yield Case("GatherND", 13, [x, np.array([[1, -1], [0, 0]], np.int64)])
        yield Case("Split", 18, [empty, ints(0, 0)], {"axis": 0}, (1,), [empty, empty], 2)
        yield Case("Slice", 13, [x, ints(5), ints(0), ints(1), ints(-1)], {}, (1, 2, 3, 4), [x[:, 5:0:-1]])
        yield Case("Concat", 13, [empty, x], {"axis": 0})
        yield Case("Size", 13, [empty])
        yield Case("Shape", 15, [x], {"start": -1})
        yield Case("DepthToSpace", 13, [some((1, 4, 2, 2), dtype)], {"blocksize": 2})
        yield Case("SpaceToDepth", 13, [some((1, 1, 4, 4), dtype)], {"blocksize": 2})
        values = some((2,), dtype, 1, 5)
        yield Case("OneHot", 11, [ints(1, 0), ints(3), values], {}, (1,), [values[np.eye(3, dtype=int)[[1, 0]]]])
