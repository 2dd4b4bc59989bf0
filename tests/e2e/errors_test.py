#!/usr/bin/env python3
"""What goes wrong gets the right exit status, a message that names the thing, and leaves no file behind."""
import argparse
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper

from tool import Tools

DONE, USAGE, BAD_INPUT, IMPOSSIBLE, NOT_REACHED, VERIFY, ACCURACY, REGRESSION, RESOURCE = 0, 2, 3, 4, 5, 6, 7, 8, 9


def small_model(op="Relu", shape=(1, 4)):
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"], "the_node")], "small", [value("x")], [value("y")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Checker:
    def __init__(self, tools, folder):
        self.tools, self.folder, self.failed, self.passed = tools, folder, 0, 0

    def path(self, name):
        return os.path.join(self.folder, name)

    def expect(self, what, status, words, tool, *arguments, **how):
        """Runs a tool; `words` must all be in its message; nothing but the files that were there may be there."""
        before = sorted(os.listdir(self.folder))
        process = self.tools.run(tool, *arguments, timeout=120, **how)
        problems = []
        if process.returncode != status:
            problems.append(f"status {process.returncode}, needed {status}")
        problems += [f"no '{w}' in the message" for w in words if w not in process.stderr + (process.stdout or "")]
        if max(map(len, process.stderr.split("\n"))) > 1500 or "internal error" in process.stderr:
            problems.append("a message that helps nobody")
        if sorted(os.listdir(self.folder)) != before:
            problems.append(f"left behind: {set(os.listdir(self.folder)) - set(before)}")
        if problems:
            print("FAILED", what, *problems)
            print(process.stdout, process.stderr)
        self.failed, self.passed = self.failed + bool(problems), self.passed + (not problems)

    def check(self, what, is_true):
        if not is_true:
            print("FAILED", what)
        self.failed, self.passed = self.failed + (not is_true), self.passed + bool(is_true)


def check_models(c):
    model = c.path("small.onnx")
    c.expect("no such model", BAD_INPUT, ["nowhere.onnx"], "compile", c.path("nowhere.onnx"), "-o", c.path("a.plan"))
    c.expect("no arguments", USAGE, ["model"], "compile")
    c.expect("unknown option", USAGE, ["--frobnicate"], "compile", model, "--frobnicate")
    c.expect("a folder as model", BAD_INPUT, [c.folder], "compile", c.folder, "-o", c.path("a.plan"))
    c.expect("shape of an unknown input", USAGE, ["nope", "'x'"], "compile", model, "--shape", "nope=1x4", "-o", c.path("a.plan"))
    c.expect("malformed shape", USAGE, ["1x"], "compile", model, "--shape", "x=1xq")
    c.expect("an option without its value", USAGE, ["--memory-budget="], "compile", "--memory-budget=", model)
    c.expect("unknown pass", USAGE, ["nopass"], "compile", model, "--disable", "nopass")
    c.expect("unknown target", USAGE, ["z80"], "compile", model, "--target", "z80")
    onnx.save(small_model("Frobnicate"), c.path("unknown.onnx"))
    c.expect("unknown operator", BAD_INPUT, ["Frobnicate", "the_node"], "compile", c.path("unknown.onnx"), "-o", c.path("a.plan"))
    with open(model, "rb") as file:
        data = file.read()
    for length in (0, 1, len(data) // 2, len(data) - 1):
        with open(c.path("cut.onnx"), "wb") as file:
            file.write(data[:length])
        c.expect(f"model cut to {length} bytes", BAD_INPUT, ["cut.onnx"], "compile", c.path("cut.onnx"), "-o", c.path("a.plan"))
    model = small_model("Add")
    model.graph.node[0].input.append("w")
    weight = model.graph.initializer.add()
    weight.name, weight.data_type = "w", TensorProto.FLOAT
    weight.dims.extend([1, 4])
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "../../../../../../../../../etc/passwd"
    onnx.save(model, c.path("unknown.onnx"))
    c.expect("external data outside of the folder", BAD_INPUT, ["etc/passwd"], "compile", c.path("unknown.onnx"),
             "-o", c.path("a.plan"))


def inputs(c):
    """Every flag that names a file to read: label, the arguments for a path, the ending that the name needs."""
    model, plan, lock = c.path("small.onnx"), c.path("good.plan"), c.path("good.lock")
    return [("compile", lambda p: ["compile", p], ""),
            ("compile --bind", lambda p: ["compile", model, "--bind", f"x=@{p}"], ".npy"),
            ("compile --bind", lambda p: ["compile", model, "--bind", f"x=@{p}"], ".pb"),
            ("compile --cost-model", lambda p: ["compile", model, "--cost-model", p], ""),
            ("run", lambda p: ["run", p], ""),
            ("run --input", lambda p: ["run", plan, "--input", f"x=@{p}"], ".npy"),
            ("run --input", lambda p: ["run", plan, "--input", f"x=@{p}"], ".pb"),
            ("run --expected", lambda p: ["run", plan, "--expected", f"y=@{p}"], ".npy"),
            ("verify", lambda p: ["verify", p], ""),
            ("verify --dump", lambda p: ["verify", "--dump", p], ""),
            ("verify --certificate", lambda p: ["verify", plan, "--certificate", p], ""),
            ("inspect", lambda p: ["inspect", p], ""),
            ("inspect diff", lambda p: ["inspect", "diff", plan, p], ""),
            ("inspect lock", lambda p: ["inspect", "lock", p], ""),
            ("inspect check", lambda p: ["inspect", "check", p, lock], ""),
            ("inspect check, the lock", lambda p: ["inspect", "check", plan, p], ""),
            ("inspect fits", lambda p: ["inspect", "fits", "--budget", "1MiB", p], ""),
            ("pack", lambda p: ["pack", p], ""),
            ("opt", lambda p: ["opt", p], ""),
            ("bench", lambda p: ["bench", p], "")]


def outputs(c):
    """Every flag that names a file to write: label, the arguments for a path, the files that these arguments read."""
    model, plan, csv, ir = c.path("small.onnx"), c.path("good.plan"), c.path("good.csv"), c.path("good.ir")
    return [("compile -o", lambda p: ["compile", model, "-o", p], [model]),
            ("compile --html", lambda p: ["compile", model, "--html", p], [model]),
            ("compile --pareto", lambda p: ["compile", model, "--pareto", p], [model]),
            ("compile --emit-onnx", lambda p: ["compile", model, "--emit-onnx", p], [model]),
            ("compile --certificate", lambda p: ["compile", model, "-o", "-", "--certificate", p], [model]),
            ("inspect -o", lambda p: ["inspect", plan, "-o", p], [plan]),
            ("inspect --html", lambda p: ["inspect", plan, "--html", p], [plan]),
            ("inspect --svg", lambda p: ["inspect", plan, "--svg", p], [plan]),
            ("inspect lock -o", lambda p: ["inspect", "lock", plan, "-o", p], [plan]),
            ("inspect diff -o", lambda p: ["inspect", "diff", plan, c.path("small.plan"), "-o", p], [plan, c.path("small.plan")]),
            ("run --profile", lambda p: ["run", plan, "--profile", p], [plan]),
            ("pack -o", lambda p: ["pack", csv, "-o", p], [csv]),
            ("opt -o", lambda p: ["opt", ir, "-o", p], [ir]),
            ("bench --calibrate", lambda p: ["bench", plan, "--repeat", "1", "--calibrate", p], [plan])]


def contents(folder):
    """What every name in a folder is: a link, a kind of thing, or bytes."""
    result = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.islink(path):
            result[name] = "link to " + os.readlink(path)
        elif os.path.isfile(path):
            with open(path, "rb") as file:
                result[name] = file.read()
        else:
            result[name] = "no file"
    return result


def check_bad_inputs(c):
    for label, arguments, ending in inputs(c):
        paths = {what: c.path("bad-" + what + ending) for what in ("missing", "folder", "empty", "pipe", "socket", "link")}
        os.mkdir(paths["folder"])
        open(paths["empty"], "wb").close()
        os.mkfifo(paths["pipe"])
        os.mknod(paths["socket"], 0o600 | stat.S_IFSOCK)
        os.symlink("nowhere", paths["link"])
        if not ending:
            paths["device"] = "/dev/zero"
        for what, path in paths.items():
            c.expect(f"{label}: {what}", BAD_INPUT, [path], *arguments(path))
        for what in ("empty", "pipe", "socket", "link"):
            os.unlink(paths[what])
        os.rmdir(paths["folder"])


def check_bad_outputs(c):
    for what, words in (("missing/x", []), ("folder", ["folder"]), ("pipe", ["pipe"]), ("link", ["symbolic link"]), ("dangling", ["symbolic link"]),
                        ("fixed", ["permission"]), ("new/", []), ("x" * 256, [])):
        os.mkdir(c.path("folder"))
        os.mkfifo(c.path("pipe"))
        for name in ("target", "fixed"):
            with open(c.path(name), "wb") as file:
                file.write(b"old")
        os.symlink("target", c.path("link"))
        os.symlink("nowhere", c.path("dangling"))
        os.chmod(c.path("fixed"), 0o444)
        before = contents(c.folder)
        for label, arguments, _ in outputs(c):
            c.expect(f"{label}: {what[:20]}", RESOURCE, [c.path(what)] + words, *arguments(c.path(what)))
        c.check("bad outputs change nothing", contents(c.folder) == before)
        for name in ("pipe", "target", "fixed", "link", "dangling"):
            os.unlink(c.path(name))
        os.rmdir(c.path("folder"))
    for label, arguments, _ in outputs(c):
        c.expect(f"{label}: full", RESOURCE, ["/dev/full"], *arguments("/dev/full"))
        c.expect(f"{label}: empty name", USAGE, ["no name of a file"], *arguments(""))
    for label, arguments in (("compile --dump-dir", ["compile", c.path("small.onnx"), "--dump-dir"]), ("run --output-dir", ["run", c.path("good.plan"), "--output-dir"])):
        c.expect(f"{label}: a file", RESOURCE, ["small.onnx"], *arguments, c.path("small.onnx"))
        c.expect(f"{label}: below a file", RESOURCE, ["small.onnx"], *arguments, c.path("small.onnx/x"))


def check_overwriting(c):
    """No output is an input, by whatever name; no two outputs are one file."""
    np.save(c.path("y.npy"), np.zeros((1, 4), np.float32))
    before = contents(c.folder)
    for label, arguments, read in outputs(c):
        for path in read:
            os.link(path, c.path("hard"))
            os.symlink(path, c.path("soft"))
            for name in (path, c.path("hard"), c.path("soft"), os.path.join(c.folder, ".", os.path.basename(path))):
                c.expect(f"{label} onto {os.path.basename(name)}", USAGE, ["is also read"], *arguments(name))
            os.unlink(c.path("hard"))
            os.unlink(c.path("soft"))
    model, plan = c.path("small.onnx"), c.path("good.plan")
    for flag in ("-o", "--html", "--emit-onnx"):
        c.expect(f"compile {flag} onto a bound tensor", USAGE, ["--bind"], "compile", model, "--bind", f"x=@{c.path('y.npy')}", flag, c.path("y.npy"))
    c.expect("outputs onto an input", USAGE, ["y.npy"], "run", plan, "--input", f"x=@{c.path('y.npy')}", "--output-dir", c.folder)
    flags = ("-o", "--html", "--pareto", "--emit-onnx")
    for i, one in enumerate(flags):
        for other in flags[:i]:
            c.expect(f"compile {one} and {other}", USAGE, ["is also written"], "compile", model, one, c.path("new"), other, c.path("./new"))
    examples = os.path.join(c.folder, "examples")
    os.mkdir(examples)
    np.save(os.path.join(examples, "x.npy"), np.zeros((1, 4), np.float32))
    c.expect("a plan onto an example", USAGE, ["--shapes-from"], "compile", model, "--shapes-from", examples, "-o", os.path.join(examples, "x.npy"))
    dump = os.path.join(c.folder, "dump_of_itself")
    os.mkdir(dump)
    shutil.copy(model, os.path.join(dump, "plan.txt"))
    c.expect("a dump onto the model", USAGE, ["plan.txt"], "compile", os.path.join(dump, "plan.txt"), "--dump-dir", dump)
    with open(model, "rb") as a, open(os.path.join(dump, "plan.txt"), "rb") as b:
        c.check("the model is as before", a.read() == b.read())
    shutil.rmtree(examples)
    shutil.rmtree(dump)
    c.expect("inspect --html and --svg", USAGE, ["is also written"], "inspect", plan, "--html", c.path("new"), "--svg", c.path("new"))
    c.expect("two standard inputs", USAGE, ["read once"], "inspect", "diff", "-", "-")
    c.expect("- for a page", USAGE, ["/dev/stdout"], "compile", model, "--html", "-")
    c.check("nothing was overwritten", contents(c.folder) == before)


def check_standard_output(c):
    model, plan = c.path("small.onnx"), c.path("good.plan")
    calls = [["compile", model], ["compile", model, "--json"], ["compile", model, "-o", "-"], ["run", plan], ["run", plan, "--json"], ["verify", plan],
             ["verify", plan, "--json"], ["verify", plan, "--dump"], ["inspect", plan], ["inspect", "lock", plan], ["inspect", "diff", plan, plan],
             ["inspect", "fits", "--budget", "1MiB", model], ["pack", c.path("good.csv")], ["pack", c.path("good.csv"), "-o", "-"],
             ["opt", c.path("good.ir")], ["opt", "--list"], ["bench", plan, "--repeat", "1"], ["compile", "--help"], ["run", "--version"]]
    for call in calls:
        with open("/dev/full", "wb") as full:
            c.expect(f"full standard output: {call[0]} {call[-1][-12:]}", RESOURCE, ["standard output"], *call, capture_output=False, stdout=full,
                     stderr=subprocess.PIPE)
        c.expect(f"closed standard output: {call[0]} {call[-1][-12:]}", RESOURCE, ["standard output"], *call, preexec_fn=lambda: os.close(1))
    # What is written must not land in a file that got the number of a closed stream.
    for number in (0, 1, 2):
        process = c.tools.run("compile", model, "-o", c.path("new.plan"), preexec_fn=lambda: os.close(number))
        with open(c.path("new.plan"), "rb") as new, open(c.path("small.plan"), "rb") as good:
            c.check(f"a plan written with stream {number} closed", new.read() == good.read() and process.returncode in (0, RESOURCE))
        os.unlink(c.path("new.plan"))
    for call in (["compile", model, "-o", "-"], ["verify", plan, "--dump"]):
        reader, writer = os.pipe()
        os.close(reader)
        process = c.tools.run(*call, capture_output=False, stdout=writer, stderr=subprocess.PIPE)
        os.close(writer)
        c.check(f"nobody reads: {call[0]}", process.returncode in (-signal.SIGPIPE, RESOURCE))


def check_streams(c):
    """- is the same as the file."""
    plan = c.path("good.plan")
    for call in (["run", "--input", "x=zeros"], ["verify"], ["verify", "--dump"], ["inspect"], ["inspect", "tensors"], ["inspect", "lock"], ["inspect", "diff", plan], ["bench", "--repeat", "1"]):
        with open(plan, "rb") as file:
            c.expect(f"{' '.join(call[:2])} from standard input", DONE, [], *call, "-", stdin=file)
    with open(plan, "rb") as file:
        c.expect("certificate of a plan from standard input", DONE, ["arena"], "verify", "-", "--certificate", c.path("good.json"), stdin=file)
    with open(c.path("good.json"), "rb") as file:
        c.expect("certificate from standard input", DONE, ["arena"], "verify", plan, "--certificate", "-", stdin=file)
    for tool in ("run", "verify", "inspect", "bench"):
        c.expect(f"{tool}: nothing on standard input", BAD_INPUT, ["standard input"], tool, "-")
        with open("/dev/zero", "rb") as zero:
            c.expect(f"{tool}: no plan on standard input", BAD_INPUT, ["standard input"], tool, "-", stdin=zero)


def check_locks(c):
    """Another network and another target are no smaller plan."""
    onnx.save(small_model(shape=(1, 2)), c.path("other.onnx"))
    onnx.save(small_model("Abs"), c.path("abs.onnx"))
    onnx.save(small_model(shape=("rows", 4)), c.path("symbolic.onnx"))
    model, lock = c.path("small.onnx"), c.path("good.lock")
    c.expect("the locked plan", DONE, ["as locked"], "inspect", "check", c.path("good.plan"), lock)
    c.expect("the locked model", DONE, ["as locked"], "inspect", "check", model, lock)
    c.expect("the locked model, another target", BAD_INPUT, ["portable:7"], "inspect", "check", model, lock, "--target", "portable:7")
    c.expect("the locked model on standard input is a plan", BAD_INPUT, ["standard input"], "inspect", "check", "-", lock)
    for name in ("other.onnx", "abs.onnx"):
        for flags in ([], ["--any-network"]):
            for path in (c.path(name), c.path("new.plan")):
                c.tools.run("compile", c.path(name), "-o", c.path("new.plan"), "--quiet")
                known = [DONE, ["ok"]] if flags else [BAD_INPUT, ["another network", "--any-network"]]
                c.expect(f"{name} against the lock {flags}", *known, "inspect", "check", path, lock, *flags)
                os.unlink(c.path("new.plan"))
    c.expect("a larger shape grew", REGRESSION, ["arena_bytes grew"], "inspect", "check", c.path("symbolic.onnx"), lock, "--dim", "rows=1000",
             "--any-network")


def check_values(c):
    """Values that no flag can have: a short message that names the flag."""
    model, plan, csv = c.path("small.onnx"), c.path("good.plan"), c.path("good.csv")
    numbers = ("-1", "nan", "inf", "-inf", "1e300", "1e999", "99999999999999999999999", "", "x", "1x", "0x")
    for flags in (["compile", model, "--time-limit"], ["compile", model, "--work-limit"], ["compile", model, "--search-limit"], ["pack", csv, "--time-limit"], ["pack", csv, "--work-limit"],
                  ["pack", csv, "--threads"], ["run", plan, "--repeat"], ["run", plan, "--threads"], ["run", plan, "--rtol"], ["run", plan, "--atol"],
                  ["run", plan, "--range-tol"], ["bench", plan, "--repeat"], ["bench", plan, "--warmup"], ["bench", plan, "--threads"],
                  ["inspect", "map", plan, "--columns"], ["inspect", "map", plan, "--rows"], ["compile", model, "--seed"], ["run", plan, "--seed"],
                  ["compile", model, "--memory-budget"], ["inspect", "fits", model, "--budget"], ["pack", csv, "--capacity"]):
        for number in numbers:
            if number == "" and flags[-1] in ("--memory-budget", "--capacity"):
                continue  # as if the flag were not there
            if number.isdigit() and flags[-1] in ("--rtol", "--atol", "--range-tol"):
                continue
            if number == "1e300" and flags[-1] in ("--rtol", "--atol", "--range-tol"):
                continue
            c.expect(f"{flags[-1]} {number}", USAGE, [flags[-1]], *flags[:-1], f"{flags[-1]}={number}")
    for value in ("", "x", "x=", "=1x4", "x=1x", "x=x", "x=-1x4", "x=1x99999999999999999999", "x=1X4", "x= 1x4", "x=1x4 ", "x=1.5", "x=1,4", "nope=1x4",
                  "x=" + "1x" * 5000 + "1", "x=1x2x2", "x=4"):
        c.expect(f"--shape {value[:20]}", USAGE, [], "compile", model, f"--shape={value}")
    for value in ("", "rows", "rows=", "=1", "rows=-1", "rows=1..", "rows=2..1", "rows=1.5", "rows=99999999999999999999", "rows=x", "nope=1"):
        c.expect(f"--dim {value}", USAGE, [], "compile", c.path("symbolic.onnx"), f"--dim={value}")
    c.expect("no folder of examples", USAGE, ["--shapes-from", "nowhere"], "compile", c.path("symbolic.onnx"), "--shapes-from", "nowhere")
    c.expect("no folder", USAGE, ["--external-data-root", "'nowhere' is no folder"], "compile", c.path("symbolic.onnx"), "--external-data-root", "nowhere")
    for value in ("", "x", "x=", "=@a.npy", "x=a.npy", "x=@", "x=@a", "x=@a.txt"):
        c.expect(f"--bind {value}", USAGE, [], "compile", model, f"--bind={value}")
    for value in ("", "y", "y=", "y=@", "y=@a.txt", "=@a.npy", "y=zeros"):
        c.expect(f"--expected {value}", USAGE, [], "run", plan, f"--expected={value}")
    for value in ("", "x", "x=", "x=ones", "x=@", "=zeros", "x=@a.txt"):
        c.expect(f"--input {value}", USAGE, [], "run", plan, f"--input={value}")
    c.expect("one input twice", USAGE, ["twice"], "run", plan, "--input", "x=zeros", "--input", "x=random")
    c.expect("a flag twice", USAGE, ["--target"], "compile", model, "--target", "avx2", "--target", "avx2")
    for value in ("z80", "avx", "avx2:", "avx2:0", "avx2:257", "avx2:-1", "avx2:2:2", ":2"):
        c.expect(f"--target {value}", USAGE, ["avx2"], "compile", model, "--target", value)
    c.expect("an unknown kernel", USAGE, ["unknown 'unary.simdd'", "did you mean unary.simd"], "compile", model, "--disable-kernel", "unary.simdd")
    c.expect("an unknown planner", USAGE, ["unknown 'exakt'", "exact"], "compile", model, "--planner", "exakt")
    c.expect("an unknown planner", USAGE, ["unknown 'exakt'", "exact"], "pack", csv, "--planner", "exakt")
    c.expect("an unknown pass", USAGE, ["did you mean cse"], "opt", c.path("good.ir"), "--passes", "cee")
    c.expect("a size without its unit", USAGE, ["8MiB?"], "inspect", "fits", "--budget", "8M", model)
    c.expect("a bare 8", IMPOSSIBLE, ["8MiB has 8,388,608 B"], "inspect", "fits", "--budget", "8", model)
    c.expect("a bare 8", IMPOSSIBLE, ["8MiB has 8,388,608 B"], "compile", model, "--memory-budget", "8")


def check_tolerances(c):
    """--atol and --rtol are numpy's; --range-tol is relative to the largest element."""
    plan = c.path("good.plan")
    np.save(c.path("in.npy"), np.array([[1, 2, 4, 1000]], np.float32))
    np.save(c.path("want.npy"), np.array([[1.25, 2, 4, 1000]], np.float32))
    call = ["run", plan, "--input", f"x=@{c.path('in.npy')}", "--expected", f"y=@{c.path('want.npy')}"]
    for flags, status in (([], DONE), (["--atol", "0.25"], DONE), (["--atol", "0.2"], ACCURACY), (["--rtol", "0.2"], DONE), (["--rtol", "0.1"], ACCURACY),
                          (["--rtol", "0.1", "--atol", "0.125"], DONE), (["--range-tol", "0.000251"], DONE), (["--range-tol", "0.0002"], ACCURACY),
                          (["--atol", "0"], ACCURACY), (["--range-tol", "0"], ACCURACY)):
        c.expect(f"tolerance {flags}", status, [], *call, *flags)


def check_output_names(c):
    """Outputs whose names are no file names, or the same one, each get a file, and the tool says which."""
    names = ["a/b", "a:b", "Y", "y", "..", "n" * 300, "plain"]
    value = lambda name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4])
    nodes = [helper.make_node("LeakyRelu", ["x"], [name], alpha=float(i + 2)) for i, name in enumerate(names)]
    graph = helper.make_graph(nodes, "names", [value("x")], [value(n) for n in names])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), c.path("names.onnx"))
    with tempfile.TemporaryDirectory() as folder:
        np.save(os.path.join(folder, "in.npy"), np.full((1, 4), -1, np.float32))
        c.tools.run("compile", c.path("names.onnx"), "-o", os.path.join(folder, "p"), "--quiet")
        process = c.tools.run("run", os.path.join(folder, "p"), "--input", f"x=@{folder}/in.npy", "--output-dir", os.path.join(folder, "out"))
        files = ["output_0", "output_1", "Y", "output_3", "output_4", "output_5", "plain"]
        c.check("a file for each output", sorted(os.listdir(os.path.join(folder, "out"))) == sorted(f + ".npy" for f in files))
        for i, (file, name) in enumerate(zip(files, names)):
            array = np.load(os.path.join(folder, "out", file + ".npy"))
            c.check(f"{file} has output {i}", (array == -(i + 2)).all() and f"{file}.npy ({name})" in process.stdout)


def check_outputs(c):
    model = c.path("small.onnx")
    c.expect("budget proved impossible", IMPOSSIBLE, ["1 B", "64 B"], "compile", model, "-o", c.path("a.plan"), "--memory-budget", "1")
    c.expect("no budget at all", IMPOSSIBLE, ["0 B", "64 B"], "compile", model, "-o", c.path("a.plan"), "--memory-budget", "0")
    for seed in ("18446744073709551616", "1.5", "1e3", "-1"):
        c.expect(f"seed {seed}", USAGE, ["--seed", "whole number", seed], "compile", model, f"--seed={seed}")
    c.expect("all of 64 bits as seed", DONE, [], "compile", model, "--quiet", "--seed", "18446744073709551615")
    c.expect("malformed budget", USAGE, ["lots"], "compile", model, "--memory-budget", "lots")


def check_fits(c):
    """memopt-inspect fits, on a model whose arena is 64 bytes."""
    model = c.path("small.onnx")
    c.expect("fits", DONE, ["yes", "64 B", "0 B below"], "inspect", "fits", "--budget", "64", model)
    c.expect("fits as JSON", DONE, ['"answer": "yes"', '"margin_bytes": 960'], "inspect", "fits", "--budget", "1KiB", "--json", model)
    c.expect("does not fit, proved", IMPOSSIBLE, ["no, proved", "64 B"], "inspect", "fits", "--budget", "63", model)
    c.expect("does not fit, JSON", IMPOSSIBLE, ['"answer": "impossible"', '"lower_bound_bytes": 64', '"margin_bytes": -1'], "inspect",
             "fits", "--budget", "63", "--json", model)
    off = [word for name in ("order", "tile", "micro_batch", "rematerialize", "small_scratch") for word in ("--disable", name)]
    c.expect("not found to fit", NOT_REACHED, ["not found", "64 B"], "inspect", "fits", "--budget", "63", *off, model)
    onnx.save(small_model(shape=("rows", 4)), c.path("symbolic.onnx"))
    for flag in (("--shape", "x=256x4"), ("--dim", "rows=256")):
        c.expect("a larger shape does not fit", IMPOSSIBLE, ["no, proved", "4,096 B"], "inspect", "fits", "--budget", "64", *flag,
                 c.path("symbolic.onnx"))
    c.expect("fits without a budget", USAGE, ["--budget"], "inspect", "fits", model)
    c.expect("fits with a malformed budget", USAGE, ["lots"], "inspect", "fits", "--budget", "lots", model)
    c.expect("fits without such a model", BAD_INPUT, ["nowhere.onnx"], "inspect", "fits", "--budget", "1", c.path("nowhere.onnx"))


def check_plans(c):
    plan = c.path("good.plan")
    c.expect("no such plan", BAD_INPUT, ["nowhere.plan"], "run", c.path("nowhere.plan"))
    c.expect("unknown input", USAGE, ["nope", "x"], "run", plan, "--input", "nope=random")
    np.save(c.path("wrong_shape.npy"), np.zeros((2, 2), np.float32))
    np.save(c.path("wrong_type.npy"), np.zeros((1, 4), np.int32))
    np.save(c.path("other.npy"), np.full((1, 4), 7, np.float32))
    c.expect("wrong shape", USAGE, ["1x4", "2x2"], "run", plan, "--input", f"x=@{c.path('wrong_shape.npy')}")
    c.expect("wrong type", USAGE, ["f32", "i32"], "run", plan, "--input", f"x=@{c.path('wrong_type.npy')}")
    c.expect("no such input file", BAD_INPUT, ["none.npy"], "run", plan, "--input", f"x=@{c.path('none.npy')}")
    c.expect("outputs differ", ACCURACY, ["DIFFERS"], "run", plan, "--input", "x=zeros", "--expected",
             f"y=@{c.path('other.npy')}")
    with open(plan, "rb") as file:
        data = bytearray(file.read())
    for position in (0, 20, len(data) // 2, len(data) - 1):
        broken = bytearray(data)
        broken[position] ^= 0x40
        with open(c.path("broken.plan"), "wb") as file:
            file.write(broken)
        for tool in ("verify", "run"):
            process = c.tools.run(tool, c.path("broken.plan"))
            # Padding and constants may be harmless to run; the verifier checks every byte.
            allowed = (BAD_INPUT, VERIFY) if tool == "verify" else (0, BAD_INPUT, VERIFY)
            good = process.returncode in allowed
            print("ok    " if good else "FAILED", f"{tool}: bit flipped at {position}: status {process.returncode}")
            c.failed, c.passed = c.failed + (not good), c.passed + good
    with open(c.path("broken.plan"), "wb") as file:
        file.write(data[:-1])
    c.expect("plan cut by one byte", BAD_INPUT, ["broken.plan"], "run", c.path("broken.plan"))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    tools = Tools(parser.parse_args().bin)
    with tempfile.TemporaryDirectory() as folder:
        c = Checker(tools, folder)
        onnx.save(small_model(), c.path("small.onnx"))
        for command in (["compile", c.path("small.onnx"), "-o", c.path("good.plan"), "--certificate", c.path("good.json"), "--dump-dir", c.path("dump")],
                        ["inspect", "lock", c.path("good.plan"), "-o", c.path("good.lock")], ["compile", c.path("small.onnx"), "-o", c.path("small.plan")]):
            process = tools.run(*command)
            assert process.returncode == 0, process.stderr
        os.rename(c.path("dump/problem.csv"), c.path("good.csv"))
        os.rename(c.path("dump/00-import.ir"), c.path("good.ir"))
        shutil.rmtree(c.path("dump"))
        for name in ("unknown.onnx", "cut.onnx", "broken.plan", "wrong_shape.npy", "wrong_type.npy", "other.npy", "other.onnx",
                     "abs.onnx", "symbolic.onnx", "names.onnx", "in.npy", "want.npy", "y.npy"):
            open(c.path(name), "wb").close()
        for check in (check_models, check_outputs, check_fits, check_plans, check_bad_inputs, check_bad_outputs, check_overwriting,
                      check_standard_output, check_streams, check_locks, check_values, check_tolerances, check_output_names):
            check(c)
        print(f"{c.passed} passed, {c.failed} failed")
        return 1 if c.failed else 0


if __name__ == "__main__":
    sys.exit(main())
