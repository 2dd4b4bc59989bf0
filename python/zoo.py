#!/usr/bin/env python3
"""Writes real network architectures as ONNX files with seeded weights; nothing is downloaded.

usage: zoo.py NAME -o FILE [--size PIXELS] [--batch N] [--seed N]

The networks are built as exporters write them: convolution, batch normalization and activation as separate nodes, with
statistics that keep activations in a sane range, so that optimizers have work to do and outputs mean something.
"""
import argparse
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

    def conv(self, x, channels_in, channels, kernel, stride=1, group=1, gain=2.0):
        """Convolution without bias, He-initialised, padded to keep the extent, and its batch normalization."""
        fan_in = channels_in // group * kernel * kernel
        weight = self.random.standard_normal((channels, channels_in // group, kernel, kernel)) * np.sqrt(gain / fan_in)
        y = self.node("Conv", [x, self.weight(weight, "weight")], kernel_shape=[kernel, kernel], strides=[stride, stride],
                      pads=[kernel // 2] * 4, group=group)
        statistics = [self.random.uniform(0.8, 1.2, channels), self.random.uniform(-0.1, 0.1, channels),
                      self.random.uniform(-0.1, 0.1, channels), self.random.uniform(0.8, 1.2, channels)]
        return self.node("BatchNormalization", [y] + [self.weight(s, "bn") for s in statistics], epsilon=1e-5)

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


NETWORKS = {"resnet50": resnet50, "mobilenetv2": mobilenetv2}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(NETWORKS))
    parser.add_argument("-o", "--output", required=True)
    parser.add_argument("--size", type=int, default=224, help="height and width of the input in pixels")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    model = NETWORKS[arguments.name](arguments.batch, arguments.size, arguments.seed)
    onnx.checker.check_model(model)
    onnx.save(model, arguments.output)


if __name__ == "__main__":
    main()
