#!/usr/bin/env python3
"""States from the shell: --state keeps values from run to run, memopt-run --stream feeds one entry per run, and the bits are
those of a plan without states whose caller carries them by hand. A generated stream of causal convolutions with a running
mean, and real models with a cache where there are any."""
import argparse
import json
import os
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tool import Tools

RUNS = 1000
RUNS_BY_HAND = 12
CHANNELS = 16
GENERATED = {"c1": "c1_next", "c2": "c2_next", "mean": "mean_next"}


def save_stream(path):
    """Two causal convolutions over frames of four steps, each with the steps that it still needs, and a mean that decays."""
    chance = np.random.default_rng(1)
    ints = lambda name, *values: numpy_helper.from_array(np.array(values, np.int64), name)
    floats = lambda name, array: numpy_helper.from_array(array.astype(np.float32), name)
    value = lambda name, *shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    node = helper.make_node
    nodes = [
        node("Concat", ["c1", "x"], ["k1"], axis=2), node("Slice", ["k1", "four", "end", "two"], ["c1_next"]),
        node("Conv", ["k1", "w1"], ["y1"]), node("Relu", ["y1"], ["r1"]),
        node("Concat", ["c2", "r1"], ["k2"], axis=2), node("Slice", ["k2", "four", "end", "two"], ["c2_next"]),
        node("Conv", ["k2", "w2"], ["y2"]), node("ReduceMean", ["y2"], ["now"], axes=[2]),
        node("Mul", ["mean", "decay"], ["old"]), node("Add", ["old", "now"], ["mean_next"]), node("Sub", ["y2", "mean_next"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "stream", [value("x", 1, 8, 4), value("c1", 1, 8, 2), value("c2", 1, CHANNELS, 4), value("mean", 1, CHANNELS, 1)],
        [value("y", 1, CHANNELS, 4), value("c1_next", 1, 8, 2), value("c2_next", 1, CHANNELS, 4), value("mean_next", 1, CHANNELS, 1)],
        [floats("w1", chance.standard_normal((CHANNELS, 8, 3)) / 5), floats("w2", chance.standard_normal((CHANNELS, CHANNELS, 5)) / 9),
         floats("decay", np.full((1, CHANNELS, 1), 0.9)), ints("four", 4), ints("end", 1000), ints("two", 2)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


class Test:
    def __init__(self, tools, folder):
        self.tools, self.folder, self.failed = tools, folder, 0

    def check(self, what, good, detail=""):
        print("ok    " if good else "FAILED", what, detail)
        self.failed += not good

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run(self, *command):
        process = self.tools.run(*command)
        if process.returncode != 0:
            raise RuntimeError(f"{' '.join(map(str, command))}: {process.stderr}")
        return process.stdout

    def compile(self, model, states, *flags):
        given = [flag for pair in states.items() for flag in ("--state", "=".join(pair))]
        return json.loads(self.run("compile", model, "-o", self.path("a.plan"), "--json", *given, *flags))

    def stream(self, frames, *flags):
        """What memopt-run says, and the outputs, of a run per frame."""
        given = []
        for name, array in frames.items():
            np.save(self.path(f"in_{name}.npy"), array)
            given += ["--input", f"{name}=@{self.path(f'in_{name}.npy')}"]
        said = json.loads(self.run("run", self.path("a.plan"), "--stream", "--json", "--output-dir", self.path("out"), *given, *flags))
        outputs = {os.path.basename(file)[:-4]: np.load(file) for file in said["files"]}
        return said, outputs

    def by_hand(self, frames, states, initial):
        """The outputs of runs whose caller feeds the states, of a plan without any."""
        kept, outputs = dict(initial), []
        for run in range(RUNS_BY_HAND):
            given = []
            for name, array in {**{n: a[run] for n, a in frames.items()}, **kept}.items():
                np.save(self.path(f"in_{name}.npy"), array)
                given += ["--input", f"{name}=@{self.path(f'in_{name}.npy')}"]
            said = json.loads(self.run("run", self.path("hand.plan"), "--json", "--output-dir", self.path("hand"), *given))
            found = {os.path.basename(file)[:-4]: np.load(file) for file in said["files"]}
            kept = {before: found.pop(after) for before, after in states.items()}
            outputs.append(found)
        return {name: np.stack([output[name] for output in outputs]) for name in outputs[0]}

    def same_bits(self, what, model, states, shapes, flags=()):
        """A plan with states in a stream against a plan without that is fed."""
        chance = np.random.default_rng(2)
        frames = {n: chance.standard_normal((RUNS_BY_HAND, *s)).astype(np.float32) for n, s in shapes.items() if n not in states}
        for io in ("arena", "caller"):
            said = self.compile(model, states, "--io", io, *flags)
            self.run("compile", model, "-o", self.path("hand.plan"), "--quiet", *flags)
            ran, outputs = self.stream(frames, "--guard")
            expected = self.by_hand(frames, states, {n: np.zeros(s, np.float32) for n, s in shapes.items() if n in states})
            self.check(f"{what}, io {io}: the bits of feeding by hand",
                       all(outputs[name].tobytes() == expected[name].tobytes() for name in expected), f"{len(expected)} outputs")
            total = sum(4 * int(np.prod(s)) for n, s in shapes.items() if n in states)
            self.check(f"{what}, io {io}: state bytes", total <= said["state_bytes"] < total + 64 * len(states)
                       and ran["state_bytes"] == said["state_bytes"] and len(ran["states"]) == len(states), str(said["state_bytes"]))


def reference(frames):
    """The generated stream, frame by frame, in f64."""
    graph = onnx.load(reference.path).graph
    weights = {t.name: numpy_helper.to_array(t).astype(np.float64) for t in graph.initializer}
    c1, c2, mean, outputs = np.zeros((8, 2)), np.zeros((CHANNELS, 4)), np.zeros((CHANNELS, 1)), []

    def convolve(x, w):
        steps = x.shape[1] - w.shape[2] + 1
        return np.stack([np.tensordot(w, x[:, t:t + w.shape[2]], axes=([1, 2], [0, 1])) for t in range(steps)], axis=1)
    for frame in frames:
        k1 = np.concatenate([c1, frame[0]], axis=1)
        k2 = np.concatenate([c2, np.maximum(convolve(k1, weights["w1"]), 0)], axis=1)
        y2 = convolve(k2, weights["w2"])
        mean = 0.9 * mean + y2.mean(axis=1, keepdims=True)
        c1, c2 = k1[:, 4:], k2[:, 4:]
        outputs.append((y2 - mean)[None])
    return np.stack(outputs)


def check_generated(test, model):
    shapes = {"x": (1, 8, 4), "c1": (1, 8, 2), "c2": (1, CHANNELS, 4), "mean": (1, CHANNELS, 1)}
    test.same_bits("generated", model, GENERATED, shapes)
    test.same_bits("generated, portable", model, GENERATED, shapes, ["--target", "portable"])
    test.same_bits("generated, smallest", model, GENERATED, shapes, ["--memory-budget", "min", "--disable", "small_scratch"])

    frames = {"x": np.random.default_rng(3).standard_normal((RUNS, 1, 8, 4)).astype(np.float32)}
    said = test.compile(model, GENERATED)
    fed = test.compile(model, {})
    test.check("generated: the arena is smaller than with fed states", said["arena_bytes"] < fed["arena_bytes"],
               f"{said['arena_bytes']}, {fed['arena_bytes']}")
    test.compile(model, GENERATED, "--certificate", test.path("a.json"))
    test.check("generated: the bound is confirmed", "the bound is reached" in test.run("verify", test.path("a.plan"), "--certificate", test.path("a.json")))
    ran, outputs = test.stream(frames)
    expected = reference(frames["x"])
    error = np.abs(outputs["y"] - expected).max() / np.abs(expected).max()
    test.check(f"generated: {RUNS} runs", outputs["y"].shape == expected.shape and error < 1e-5, f"error {error:.1e}")
    counted = ran.get("allocations")
    test.check("generated: no allocation in any run", counted is None or counted["memopt"] == 0)

    # The mean begins elsewhere.
    np.save(test.path("mean.npy"), np.full((1, CHANNELS, 1), 100, np.float32))
    zero = {"x": np.zeros((2, 1, 8, 4), np.float32)}
    test.compile(model, GENERATED, "--state-from", f"mean=@{test.path('mean.npy')}")
    _, outputs = test.stream(zero)
    test.check("generated: an initial state", np.allclose(outputs["y"][:, 0, :, 0], np.array([[-90.0], [-81.0]])))

    # Without --stream every run reads the same; the last one is written.
    np.save(test.path("one.npy"), frames["x"][0])
    test.compile(model, GENERATED)
    test.run("run", test.path("a.plan"), "--repeat", RUNS, "--input", f"x=@{test.path('one.npy')}", "--output-dir", test.path("out"))
    expected = reference(np.repeat(frames["x"][:1], RUNS, axis=0))[-1]
    test.check("generated: --repeat goes on", np.abs(np.load(test.path("out", "y.npy")) - expected).max() < 1e-4)

    exported = test.path("exported.onnx")
    test.run("compile", model, "--quiet", "--emit-onnx", exported, "--state", "c1=c1_next")
    names = lambda values: [value.name for value in values]
    before, after = onnx.load(model).graph, onnx.load(exported).graph
    test.check("generated: an exported model has its own signature",
               names(before.input) == names(after.input) and names(before.output) == names(after.output))


def check_mistakes(test, model):
    np.save(test.path("short.npy"), np.zeros((1, 3), np.float32))
    cases = [
        (["--state", "c1"], "needed INPUT=OUTPUT, found 'c1'"),
        (["--state", "h=c1_next"], "the model has no input 'h'; it has 'x', 'c1', 'c2', 'mean'"),
        (["--state", "c1=h"], "the model has no output 'h'; it has 'y', 'c1_next'"),
        (["--state", "c1=c2_next"], "the input is f32[1x8x2], the output f32[1x16x4]"),
        (["--state", "c1=c1_next", "--state", "c1=c1_next"], "the input is a state already"),
        (["--state", "c2=c2_next", "--state", "mean=c2_next"], "the output is that of another state"),
        (["--state", "c1=c1_next", "--bind", "c1=0"], "the model has no input 'c1'"),
        (["--state-from", f"c1=@{test.path('short.npy')}"], "--state names no such input"),
        (["--state", "c1=c1_next", "--state-from", f"c1=@{test.path('short.npy')}"], "needed f32[1x8x2] to begin with, found f32[1x3]"),
        (["--state", "c1=c1_next", "--state-from", "c1=@/nowhere.npy"], "/nowhere.npy"),
    ]
    for flags, message in cases:
        process = test.tools.run("compile", model, "--quiet", *flags)
        test.check(f"mistake: {' '.join(flags)[:60]}", process.returncode in (2, 3) and message in process.stderr
                   and process.stderr.count("\n") == 1, process.stderr.strip())
    test.compile(model, GENERATED)
    np.save(test.path("x3.npy"), np.zeros((3, 1, 8, 4), np.float32))
    np.save(test.path("x.npy"), np.zeros((1, 8, 4), np.float32))
    np.save(test.path("none.npy"), np.zeros((0, 1, 8, 4), np.float32))
    cases = [
        (["--stream"], "needed an input from a file"),
        (["--stream", "--input", f"x=@{test.path('x.npy')}"], "needs f32[1x1x8x4]"),
        (["--stream", "--input", f"x=@{test.path('none.npy')}"], "has no runs"),
        (["--stream", "--repeat", "3", "--input", f"x=@{test.path('x3.npy')}"], "--repeat"),
        (["--input", "c1=zeros"], "the plan has no input 'c1'; it has 'x'"),
        (["--input", f"x=@{test.path('x3.npy')}"], "needs f32[1x8x4]"),
    ]
    for flags, message in cases:
        process = test.tools.run("run", test.path("a.plan"), *flags)
        test.check(f"mistake: {' '.join(flags)[:60]}", process.returncode == 2 and message in process.stderr, process.stderr.strip())


def check_real(test, models):
    path = os.path.join(models, "kws_speechcommand")
    found = [name for name in os.listdir(path) if name.endswith(".onnx")] if os.path.isdir(path) else []
    if not found:
        print("skipped: no model with a cache in", models)
        return
    test.same_bits("kws_speechcommand", os.path.join(path, found[0]), {"cache": "r_cache"}, {"input": (1, 10, 80), "cache": (1, 64, 244)},
                   ["--dim", "T=10"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--models", default="")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        test = Test(Tools(options.bin), folder)
        model = test.path("stream.onnx")
        save_stream(model)
        reference.path = model
        check_generated(test, model)
        check_mistakes(test, model)
        check_real(test, options.models)
    return 1 if test.failed else 0


if __name__ == "__main__":
    sys.exit(main())
