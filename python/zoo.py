#!/usr/bin/env python3
"""Writes real network architectures as ONNX files with seeded weights; nothing is downloaded.

usage: zoo.py NAME -o FILE [--size PIXELS] [--depth N] [--batch N] [--seed N]

The networks are built as exporters write them: convolution, batch normalization and activation as separate nodes, with
statistics that keep activations in a sane range, so that optimizers have work to do and outputs mean something.
"""
import argparse
import functools
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17


class Builder:
    """Grows a graph node by node; every method returns the name of its result."""

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.initializers, self.count = [], [], 0

    def name(self, kind):
        self.count += 1
        return f"{kind}_{self.count}"

    def weight(self, array, kind):
        name = self.name(kind)
        self.initializers.append(numpy_helper.from_array(array.astype(np.float32), name))
        return name

    def node(self, op, inputs, **attributes):
        name = self.name(op)
        self.nodes.append(helper.make_node(op, inputs, [name + "_out"], name, **attributes))
        return name + "_out"

    def integers(self, *values):
        name = self.name("shape")
        self.initializers.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def random_weight(self, shape, fan_in, gain):
        return self.weight(self.random.standard_normal(shape) * np.sqrt(gain / fan_in), "weight")

    def normalize(self, x, channels):
        statistics = [self.random.uniform(0.8, 1.2, channels), self.random.uniform(-0.1, 0.1, channels),
                      self.random.uniform(-0.1, 0.1, channels), self.random.uniform(0.8, 1.2, channels)]
        return self.node("BatchNormalization", [x] + [self.weight(s, "bn") for s in statistics], epsilon=1e-5)

    def conv(self, x, channels_in, channels, kernel, stride=1, group=1, gain=2.0):
        """Convolution without bias, He-initialised, padded to keep the extent, and its batch normalization."""
        weight = self.random_weight((channels, channels_in // group, kernel, kernel), channels_in // group * kernel * kernel, gain)
        return self.normalize(self.node("Conv", [x, weight], kernel_shape=[kernel, kernel], strides=[stride, stride],
                                        pads=[kernel // 2] * 4, group=group), channels)

    def head(self, x, channels_in, channels):
        """1x1 convolution with bias and nothing behind it."""
        weight = self.random_weight((channels, channels_in, 1, 1), channels_in, 1.0)
        return self.node("Conv", [x, weight, self.weight(np.zeros(channels), "bias")], kernel_shape=[1, 1])

    def silu(self, x):
        return self.node("Mul", [x, self.node("Sigmoid", [x])])

    def upsample(self, x):
        """Twice the extent, by the nearest pixel."""
        return self.node("Resize", [x, "", self.weight(np.array([1, 1, 2, 2]), "scales")], mode="nearest",
                         coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    def concat(self, *inputs, axis=1):
        return self.node("Concat", list(inputs), axis=axis)

    def split(self, x, *sizes, axis=1):
        name = self.name("Split")
        outputs = [f"{name}_out_{i}" for i in range(len(sizes))]
        self.nodes.append(helper.make_node("Split", [x, self.integers(*sizes)], outputs, name, axis=axis))
        return outputs

    def reshape(self, x, *shape):
        return self.node("Reshape", [x, self.integers(*shape)])

    def linear(self, x, features_in, features, gain=1.0):
        y = self.node("MatMul", [x, self.random_weight((features_in, features), features_in, gain)])
        return self.node("Add", [self.weight(np.zeros(features), "bias"), y])

    def relu6(self, x):
        low, high = self.weight(np.array(0.0), "low"), self.weight(np.array(6.0), "high")
        return self.node("Clip", [x, low, high])

    def classifier(self, x, channels, classes=1000):
        y = self.node("Flatten", [self.node("GlobalAveragePool", [x])], axis=1)
        weight = self.random.standard_normal((classes, channels)) / np.sqrt(channels)
        return self.node("Gemm", [y, self.weight(weight, "weight"), self.weight(np.zeros(classes), "bias")], transB=1)

    def model(self, name, inputs, output, output_shape):
        self.nodes[-1].output[0] = "output" if output == self.nodes[-1].output[0] else sys.exit("output is not last")
        graph = helper.make_graph(
            self.nodes, name, [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in inputs],
            [helper.make_tensor_value_info("output", TensorProto.FLOAT, output_shape)], self.initializers)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8,
                                 producer_name="memopt-zoo")


def resnet50(batch, size, seed):
    """He et al., "Deep Residual Learning for Image Recognition", 2015; stride in the 3x3 convolution (v1.5)."""
    b = Builder(seed)
    x = b.node("Relu", [b.conv("input", 3, 64, 7, stride=2)])
    x = b.node("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for width, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(blocks):
            step = stride if block == 0 else 1
            y = b.node("Relu", [b.conv(x, channels, width, 1)])
            y = b.node("Relu", [b.conv(y, width, width, 3, stride=step)])
            y = b.conv(y, width, 4 * width, 1, gain=0.5)
            if block == 0:
                x = b.conv(x, channels, 4 * width, 1, stride=step, gain=1.0)
            channels = 4 * width
            x = b.node("Relu", [b.node("Add", [y, x])])
    return b.model("resnet50", [("input", [batch, 3, size, size])], b.classifier(x, channels), [batch, 1000])


def mobilenetv2(batch, size, seed):
    """Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", 2018, table 2."""
    b = Builder(seed)
    x, channels = b.relu6(b.conv("input", 3, 32, 3, stride=2)), 32
    for expansion, width, blocks, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                             (6, 160, 3, 2), (6, 320, 1, 1)):
        for block in range(blocks):
            step = stride if block == 0 else 1
            hidden, y = channels * expansion, x
            if expansion != 1:
                y = b.relu6(b.conv(y, channels, hidden, 1))
            y = b.relu6(b.conv(y, hidden, hidden, 3, stride=step, group=hidden))
            y = b.conv(y, hidden, width, 1, gain=1.0)
            x = b.node("Add", [x, y]) if step == 1 and channels == width else y
            channels = width
    x = b.relu6(b.conv(x, channels, 1280, 1))
    return b.model("mobilenetv2", [("input", [batch, 3, size, size])], b.classifier(x, 1280), [batch, 1000])


def unet(batch, size, seed, width=32, transposed=False):
    """Ronneberger et al., "U-Net", 2015, with padding and batch normalization; `size` is a multiple of 16."""
    b = Builder(seed)

    def double_conv(x, channels_in, channels):
        for count in (channels_in, channels):
            x = b.node("Relu", [b.conv(x, count, channels, 3)])
        return x

    x, channels, skips = "input", 3, []
    for level in range(4):
        x, channels = double_conv(x, channels, width << level), width << level
        skips.append(x)
        x = b.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x, channels = double_conv(x, channels, width << 4), width << 4
    for skip in reversed(skips):
        half = channels // 2
        if transposed:
            weight = b.random_weight((channels, half, 2, 2), channels, 1.0)
            x = b.node("ConvTranspose", [x, weight, b.weight(np.zeros(half), "bias")], kernel_shape=[2, 2], strides=[2, 2])
        else:
            x = b.node("Relu", [b.conv(b.upsample(x), channels, half, 3)])
        x, channels = double_conv(b.concat(skip, x), channels, half), half
    return b.model("unet", [("input", [batch, 3, size, size])], b.node("Sigmoid", [b.head(x, channels, 1)]),
                   [batch, 1, size, size])


def yolo(batch, size, seed, width=16, classes=80):
    """A detector of the YOLO family: C2f blocks, pooling pyramid, PAN neck, three heads; `size` is a multiple of 32."""
    b = Builder(seed)

    def conv(x, channels_in, channels, kernel=1, stride=1):
        return b.silu(b.conv(x, channels_in, channels, kernel, stride, gain=2.8))

    def c2f(x, channels_in, channels, repeats, shortcut):
        half = channels // 2
        parts = b.split(conv(x, channels_in, channels), half, half)
        for _ in range(repeats):
            y = conv(conv(parts[-1], half, half, 3), half, half, 3)
            parts.append(b.node("Add", [parts[-1], y]) if shortcut else y)
        return conv(b.concat(*parts), half * len(parts), channels)

    def pyramid(x, channels):
        parts = [conv(x, channels, channels // 2)]
        for _ in range(3):
            parts.append(b.node("MaxPool", [parts[-1]], kernel_shape=[5, 5], strides=[1, 1], pads=[2] * 4))
        return conv(b.concat(*parts), 2 * channels, channels)

    def detect(x, channels):
        box, kind = (conv(conv(x, channels, 64, 3), 64, 64, 3) for _ in range(2))
        return b.reshape(b.concat(b.head(box, 64, 64), b.head(kind, 64, classes)), batch, 64 + classes, -1)

    x, features = conv("input", 3, width, 3, 2), []
    for level, repeats in enumerate((1, 2, 2, 1)):
        channels = width << (level + 1)
        x = c2f(conv(x, channels // 2, channels, 3, 2), channels, channels, repeats, True)
        features.append(x)
    small, medium, large = 4 * width, 8 * width, 16 * width
    top = pyramid(x, large)
    middle = c2f(b.concat(b.upsample(top), features[2]), large + medium, medium, 1, False)
    bottom = c2f(b.concat(b.upsample(middle), features[1]), medium + small, small, 1, False)
    middle = c2f(b.concat(conv(bottom, small, small, 3, 2), middle), small + medium, medium, 1, False)
    top = c2f(b.concat(conv(middle, medium, medium, 3, 2), top), medium + large, large, 1, False)
    found = b.concat(detect(bottom, small), detect(middle, medium), detect(top, large), axis=2)
    box, kind = b.split(found, 64, classes)
    return b.model("yolo", [("input", [batch, 3, size, size])], b.concat(box, b.node("Sigmoid", [kind])),
                   [batch, 64 + classes, 21 * (size // 32) ** 2])


def bignet(batch, size, seed, depth=60, width=32):
    """Thousands of small operators: randomly wired cells of five sums of two separable convolutions (as NASNet's), after every
    third a transformer block as exporters write it. `size` is a multiple of 4."""
    b = Builder(seed)
    extent, heads = size // 4, 4

    def separable(x):
        y = b.conv(b.node("Relu", [x]), width, width, 3, group=width)
        return b.conv(b.node("Relu", [y]), width, width, 1, gain=0.7)

    def cell(x, before):
        states, loose = [x, before], set()
        for _ in range(5):
            reads = b.random.integers(0, len(states), 2)
            loose -= set(reads)
            states.append(b.node("Add", [separable(states[i]) for i in reads]))
            loose.add(len(states) - 1)
        return b.conv(b.concat(*(states[i] for i in sorted(loose))), width * len(loose), width, 1, gain=1.0)

    def layer_norm(x):
        centred = b.node("Sub", [x, b.node("ReduceMean", [x], axes=[-1])])
        variance = b.node("ReduceMean", [b.node("Pow", [centred, b.weight(np.array(2.0), "two")])], axes=[-1])
        deviation = b.node("Sqrt", [b.node("Add", [variance, b.weight(np.array(1e-5), "epsilon")])])
        y = b.node("Mul", [b.node("Div", [centred, deviation]), b.weight(b.random.uniform(0.8, 1.2, width), "scale")])
        return b.node("Add", [y, b.weight(b.random.uniform(-0.1, 0.1, width), "shift")])

    def attention(x):
        def part(perm):
            y = b.reshape(b.linear(x, width, width), batch, extent * extent, heads, width // heads)
            return b.node("Transpose", [y], perm=perm)
        scores = b.node("MatMul", [part([0, 2, 1, 3]), part([0, 2, 3, 1])])
        scale = b.weight(np.sqrt(width / heads), "scale")
        y = b.node("MatMul", [b.node("Softmax", [b.node("Div", [scores, scale])], axis=-1), part([0, 2, 1, 3])])
        y = b.reshape(b.node("Transpose", [y], perm=[0, 2, 1, 3]), batch, extent * extent, width)
        return b.linear(y, width, width)

    def perceptron(x):
        y = b.linear(x, width, 4 * width)
        erf = b.node("Erf", [b.node("Div", [y, b.weight(np.sqrt(2.0), "root")])])
        y = b.node("Mul", [b.node("Mul", [y, b.node("Add", [erf, b.weight(np.array(1.0), "one")])]), b.weight(np.array(0.5), "half")])
        return b.linear(y, 4 * width, width)

    def transformer(x):
        y = b.node("Transpose", [b.reshape(x, batch, width, extent * extent)], perm=[0, 2, 1])
        y = b.node("Add", [y, attention(layer_norm(y))])
        y = layer_norm(b.node("Add", [y, perceptron(layer_norm(y))]))
        return b.reshape(b.node("Transpose", [y], perm=[0, 2, 1]), batch, width, extent, extent)

    x = before = b.conv("input", 3, width, 5, stride=4)
    for index in range(depth):
        x, before = cell(x, before), x
        if index % 3 == 2:
            x = transformer(x)
    return b.model("bignet", [("input", [batch, 3, size, size])], b.classifier(b.node("Relu", [x]), width), [batch, 1000])


# By name: the function and the default size.
NETWORKS = {"resnet50": (resnet50, 224), "mobilenetv2": (mobilenetv2, 224), "unet": (unet, 256),
            "unet_transposed": (functools.partial(unet, transposed=True), 256), "yolo": (yolo, 320), "bignet": (bignet, 64)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(NETWORKS))
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--size", type=int, help="height and width of the input in pixels; default: the network's usual one")
    parser.add_argument("--depth", type=int, help="cells of bignet (about 95 operators each; default 60)")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.depth and arguments.name != "bignet":
        parser.error("--depth is for bignet")
    function, size = NETWORKS[arguments.name]
    depth = {"depth": arguments.depth} if arguments.depth else {}
    model = function(arguments.batch, arguments.size or size, arguments.seed, **depth)
    onnx.checker.check_model(model)
    onnx.save(model, arguments.output)


if __name__ == "__main__":
    main()
