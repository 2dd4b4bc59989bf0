"""The real models of a folder and the generated ones: which there are, their inputs, references and tolerances."""
import csv
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# The networks of python/zoo.py, small: name, pixels, further flags.
GENERATED = [("resnet50", 64, []), ("mobilenetv2", 64, []), ("unet", 64, []), ("unet_transposed", 48, []), ("yolo", 96, []),
             ("bignet", 16, ["--depth", "6"])]


class Model:
    def __init__(self, folder, name, tolerance, required=True):
        """`required`: memopt has all its operators."""
        self.folder, self.name, self.tolerance, self.required = folder, name, tolerance, required
        with open(os.path.join(folder, "io.json"), encoding="utf-8") as file:
            self.io = json.load(file)

    @property
    def path(self):
        return os.path.join(self.folder, "model.onnx")

    @property
    def data(self):
        return os.path.join(self.folder, "test_data_set_0")

    def shape_flags(self):
        """--shape for every input, as the reference was run."""
        inputs = self.io["inputs"] if "inputs" in self.io else [self.io["input"]]
        flags = []
        for item in inputs:
            shape = item.get("shape", [])
            if shape:
                flags += ["--shape", item["name"] + "=" + "x".join(str(d) for d in shape)]
        return flags


def real_models(materialized, manifest, every=False):
    """From the folder that materialize.py wrote: the models tagged `cnn` and the nine light ones, or every one."""
    with open(manifest, encoding="utf-8") as file:
        rows = {row["name"]: row for row in csv.DictReader(file, delimiter="\t")}
    found = []
    for name in sorted(os.listdir(materialized)):
        required = name not in rows or "cnn" in rows[name]["tags"].split(",")
        if every or required:
            floor = float(rows[name]["reference_opt_vs_unopt_maxrel"]) if name in rows else 0.0
            found.append(Model(os.path.join(materialized, name), name, floor, required))
    return found


def add_reference(folder, size):
    """One random input of `size` pixels and the output that onnxruntime gives, beside the model of `folder`; its shape."""
    import numpy as np
    import onnxruntime
    from onnx import numpy_helper
    x = np.random.default_rng(1).random((1, 3, size, size), dtype=np.float32)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(folder + "/model.onnx", options, providers=["CPUExecutionProvider"])
    os.mkdir(folder + "/test_data_set_0")
    for kind, array in (("input", x), ("output", session.run(None, {"input": x})[0])):
        with open(f"{folder}/test_data_set_0/{kind}_0.pb", "wb") as file:
            file.write(numpy_helper.from_array(array, kind).SerializeToString())
    return list(x.shape)


def generated_models(base, full_size=False):
    """The generated networks, written to folders of `base`: small ones with a reference, or only the networks in full size."""
    found = []
    for name, size, flags in GENERATED:
        folder = os.path.join(base, "generated_" + name)
        os.mkdir(folder)
        flags = [] if full_size else ["--size", str(size), *flags]
        subprocess.run([sys.executable, os.path.join(ROOT, "python/zoo.py"), name, *flags, "-o", folder + "/model.onnx"],
                       check=True)
        inputs = [] if full_size else [{"name": "input", "shape": add_reference(folder, size)}]
        with open(folder + "/io.json", "w", encoding="utf-8") as file:
            json.dump({"inputs": inputs}, file)
        found.append(Model(folder, "generated_" + name, 0.0))
    return found


def all_models(base, folder, only=(), every=False, full_size=False):
    """The generated networks and, where `folder` has them, the real ones, written to folders of `base`; `only`: these names."""
    found = [m for m in generated_models(base, full_size) if not only or m.name in only]
    real = [name for name in only or [] if not name.startswith("generated_")]
    if not os.path.exists(os.path.join(folder, "materialize.py")):
        print(f"no models in {folder}: only the generated ones", flush=True)
    elif real or not only:
        subprocess.run([sys.executable, os.path.join(folder, "materialize.py"), base + "/models", *real], check=True,
                       stdout=subprocess.DEVNULL)
        manifest = os.path.join(folder, "manifest.tsv")
        found += [m for m in real_models(base + "/models", manifest, every) if not only or m.name in only]
    return found
