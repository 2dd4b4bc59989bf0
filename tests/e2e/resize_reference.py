"""ONNX's Resize along one axis after another, with positions as exact fractions: what the specification says, without the rounding
of ONNX's own reference implementation."""
import math
from fractions import Fraction as F

import numpy as np


def position(mode, at, n_in, n_out, scale, roi):
    """The place in the input of output `at`."""
    out = scale * n_in  # a fraction where the scale is given
    half = (at + F(1, 2)) / scale - F(1, 2)
    if mode == "half_pixel":
        return half
    if mode == "half_pixel_symmetric":
        return F(n_in, 2) * (1 - n_out / out) + half
    if mode == "pytorch_half_pixel":
        return half if n_out > 1 else F(0)
    if mode == "align_corners":
        return F(0) if out == 1 else at * F(n_in - 1) / (out - 1)
    if mode == "asymmetric":
        return at / scale
    if mode == "tf_half_pixel_for_nn":
        return (at + F(1, 2)) / scale
    start, end = roi
    if n_out == 1:
        return (start + end) * F(n_in - 1, 2)
    return start * (n_in - 1) + at * (end - start) * F(n_in - 1, n_out - 1)


def nearest(ratio, mode):
    right = {"floor": False, "ceil": True, "round_prefer_floor": ratio > F(1, 2), "round_prefer_ceil": ratio >= F(1, 2)}[mode]
    return [0.0, 1.0] if right else [1.0, 0.0]


def cubic(x, a):
    x = abs(x)
    if x <= 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a if x < 2 else 0.0


def weights(ratio, scale, attrs):
    """Of the elements around a place `ratio` in (0, 1] behind element size / 2 - 1 of them."""
    mode = attrs.get("mode", "nearest")
    if mode == "nearest":
        return [0.0, 1.0] if ratio == 1 else nearest(ratio, attrs.get("nearest_mode", "round_prefer_floor"))
    stretch = float(min(scale, 1)) if attrs.get("antialias") else 1.0
    reach = 1 if mode == "linear" else 2
    begin = math.floor(-reach / stretch) + 1
    distances = [(i - float(ratio)) * stretch for i in range(begin, 2 - begin)]
    found = [max(0.0, 1 - abs(d)) if mode == "linear" else cubic(d, attrs.get("cubic_coeff_a", -0.75)) for d in distances]
    return [w / sum(found) for w in found] if attrs.get("antialias") else found


def resize_axis(x, axis, n_out, scale, roi, attrs):
    n_in = x.shape[axis]
    mode = attrs.get("coordinate_transformation_mode", "half_pixel")
    if n_in == n_out and scale == 1 and (mode != "tf_crop_and_resize" or tuple(roi) == (0, 1)):
        return x
    lines = np.moveaxis(x, axis, 0)
    result = np.zeros((n_out,) + lines.shape[1:])
    for at in range(n_out):
        place = position(mode, at, n_in, n_out, scale, roi)
        if mode == "tf_crop_and_resize" and not 0 <= place <= n_in - 1:
            result[at] = attrs.get("extrapolation_value", 0.0)
            continue
        grid = math.ceil(place) - 1  # what lies on an element is 1 behind the one before
        line = weights(place - grid, scale, attrs)
        first = grid - (len(line) // 2 - 1)
        if attrs.get("exclude_outside"):
            line = [w if 0 <= first + i < n_in else 0.0 for i, w in enumerate(line)]
            line = [w / (sum(line) or 1) for w in line]
        for i, weight in enumerate(line):
            result[at] += weight * lines[min(max(first + i, 0), n_in - 1)]
    return np.moveaxis(result, 0, axis)


def resize(x, scales=None, sizes=None, roi=None, **attrs):
    """The result for scales (f32 numbers) or sizes of the axes that attrs["axes"] lists (all by default)."""
    axes = [a % x.ndim for a in attrs.get("axes", range(x.ndim))]
    crops = attrs.get("coordinate_transformation_mode") == "tf_crop_and_resize"
    edges = [F(float(np.float32(r))) for r in roi] if crops else [F(0)] * len(axes) + [F(1)] * len(axes)
    rois = list(zip(edges[:len(axes)], edges[len(axes):]))
    result = x.astype(np.float64)
    ratios = [F(int(s), x.shape[a]) for s, a in zip(sizes, axes)] if sizes is not None else []
    policy = attrs.get("keep_aspect_ratio_policy", "stretch")
    for i, axis in enumerate(axes):
        if sizes is None:
            scale = F(float(np.float32(scales[i])))
            extent = np.float32(x.shape[axis]) * np.float32(rois[i][1] - rois[i][0])
            n_out = int(np.floor(extent * np.float32(scales[i])))
        elif policy == "stretch":
            scale, n_out = ratios[i], int(sizes[i])
        else:
            scale = min(ratios) if policy == "not_larger" else max(ratios)
            n_out = math.floor(scale * x.shape[axis] + F(1, 2))
        result = resize_axis(result, axis, n_out, scale, rois[i], attrs)
    if x.dtype.kind in "iu":
        limits = np.iinfo(x.dtype)
        return np.clip(np.rint(result), limits.min, limits.max).astype(x.dtype)
    return result.astype(x.dtype)
