"""The real models of a folder: which there are, their inputs, references and tolerances."""
import csv
import json
import os


class Model:
    def __init__(self, folder, name, tolerance):
        self.folder, self.name, self.tolerance = folder, name, tolerance
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


def cnn_models(materialized, manifest):
    """The models tagged `cnn` of the manifest and the nine light ones, from the folder materialize.py wrote."""
    floors = {}
    with open(manifest, encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if "cnn" in row["tags"].split(","):
                floors[row["name"]] = float(row["reference_opt_vs_unopt_maxrel"])
    models = []
    for name in sorted(os.listdir(materialized)):
        if name in floors or name.startswith("light_"):
            models.append(Model(os.path.join(materialized, name), name, floors.get(name, 0.0)))
    return models
