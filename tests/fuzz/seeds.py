#!/usr/bin/env python
"""Writes the seeds of the corpora that are made by hand: python tests/fuzz/seeds.py. The others are made by the
programs themselves (fuzz_plan --seeds=FOLDER, fuzz_onnx --seeds=FOLDER)."""
import pathlib
import re
import struct

import onnx
from google.protobuf import text_format

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
CORPUS = pathlib.Path(__file__).parent / "corpus"

MODELS = {
    "if": """ir_version: 8 opset_import { version: 17 } graph { name: "g"
        node { op_type: "If" input: "c" output: "y"
        attribute { name: "then_branch" type: GRAPH g { name: "t"
        node { op_type: "Relu" input: "x" output: "a" } output { name: "a" } } }
        attribute { name: "else_branch" type: GRAPH g { name: "e"
        node { op_type: "Neg" input: "x" output: "b" } output { name: "b" } } } }
        initializer { name: "c" data_type: 9 int32_data: 1 }
        input { name: "x" type { tensor_type { elem_type: 1 shape { dim { dim_value: 3 } } } } }
        output { name: "y" } }""",
    "loop": """ir_version: 8 opset_import { version: 17 } graph { name: "g"
        node { op_type: "Loop" input: "n" input: "c" input: "x" output: "y" output: "all"
        attribute { name: "body" type: GRAPH g { name: "b"
        input { name: "i" type { tensor_type { elem_type: 7 shape { } } } }
        input { name: "go" type { tensor_type { elem_type: 9 shape { } } } }
        input { name: "v" type { tensor_type { elem_type: 1 shape { dim { dim_value: 3 } } } } }
        node { op_type: "Identity" input: "go" output: "go2" }
        node { op_type: "Add" input: "v" input: "x" output: "v2" }
        node { op_type: "Relu" input: "v2" output: "scan" }
        output { name: "go2" } output { name: "v2" } output { name: "scan" } } } }
        initializer { name: "n" data_type: 7 int64_data: 3 }
        initializer { name: "c" data_type: 9 int32_data: 1 }
        input { name: "x" type { tensor_type { elem_type: 1 shape { dim { dim_value: 3 } } } } }
        output { name: "y" } output { name: "all" } }""",
    "scan": """ir_version: 8 opset_import { version: 17 } graph { name: "g"
        node { op_type: "Scan" input: "s" input: "x" output: "y" output: "z"
        attribute { name: "num_scan_inputs" type: INT i: 1 }
        attribute { name: "body" type: GRAPH g { name: "b"
        input { name: "a" type { tensor_type { elem_type: 1 shape { dim { dim_value: 3 } } } } }
        input { name: "e" type { tensor_type { elem_type: 1 shape { dim { dim_value: 3 } } } } }
        node { op_type: "Add" input: "a" input: "e" output: "a2" }
        node { op_type: "Abs" input: "a2" output: "o" }
        output { name: "a2" } output { name: "o" } } } }
        input { name: "s" type { tensor_type { elem_type: 1 shape { dim { dim_value: 3 } } } } }
        input { name: "x" type { tensor_type { elem_type: 1
        shape { dim { dim_value: 4 } dim { dim_value: 3 } } } } }
        output { name: "y" } output { name: "z" } }""",
    "function": """ir_version: 8 opset_import { version: 17 } opset_import { domain: "local" version: 1 }
        graph { name: "g" node { op_type: "F" domain: "local" input: "x" output: "y"
        attribute { name: "alpha" type: FLOAT f: 0.5 } }
        input { name: "x" type { tensor_type { elem_type: 1 shape { dim { dim_value: 3 } } } } }
        output { name: "y" } }
        functions { name: "F" domain: "local" input: "a" output: "b" attribute: "alpha"
        opset_import { version: 17 }
        node { op_type: "LeakyRelu" input: "a" output: "t"
        attribute { name: "alpha" type: FLOAT ref_attr_name: "alpha" } }
        node { op_type: "Exp" input: "t" output: "b" } }""",
    "sparse": """ir_version: 8 opset_import { version: 17 } graph { name: "g"
        node { op_type: "Add" input: "x" input: "w" output: "y" }
        sparse_initializer { dims: 2 dims: 3
        values { name: "w" data_type: 1 dims: 2 float_data: 1 float_data: 2 }
        indices { data_type: 7 dims: 2 int64_data: 1 int64_data: 4 } }
        input { name: "x" type { tensor_type { elem_type: 1 shape { dim { dim_value: 3 } } } } }
        output { name: "y" } }""",
    "external": """ir_version: 8 opset_import { version: 17 } graph { name: "g"
        node { op_type: "Add" input: "x" input: "w" output: "y" }
        initializer { name: "w" data_type: 1 dims: 3 data_location: EXTERNAL
        external_data { key: "location" value: "w.bin" } external_data { key: "offset" value: "4" }
        external_data { key: "length" value: "12" } }
        input { name: "x" type { tensor_type { elem_type: 1 shape { dim { dim_value: 3 } } } } }
        output { name: "y" } }""",
    "symbols": """ir_version: 3 opset_import { version: 9 } graph { name: "g"
        node { op_type: "Shape" input: "x" output: "s" }
        node { op_type: "ConstantOfShape" input: "s" output: "o" }
        node { op_type: "Add" input: "o" input: "x" output: "y" }
        node { op_type: "Split" input: "y" output: "l" output: "r"
        attribute { name: "axis" type: INT i: 1 } }
        node { op_type: "Concat" input: "r" input: "l" output: "z"
        attribute { name: "axis" type: INT i: 1 } }
        input { name: "x" type { tensor_type { elem_type: 1
        shape { dim { dim_value: 1 } dim { dim_value: 4 } dim { dim_value: 2 } } } } }
        output { name: "z" } }""",
}

TEXT = ["8MiB", "1.5GiB", "4096", "min", "avx2:2", "avx512_bf16:256", "x=1x3x224x224", "batch=1..8", "clip(0,6)",
        "leaky_relu(0.1)", "y=x,z:2:4:keep", "tile", "nhwc", "f8e4m3fn"]
CSV = {
    "lifetimes": "id,lower,upper,size,alignment\na,0,3,64,64\nb,2,5,100,1\nc,4,9,7,32\n",
    "gaps": "id,lower,upper,size,gaps\na,0,9,64,2-4 5-7@0:16\nb,2,5,64,\n",
    "spaces": "buffer,start,end,size,space,fixed_offset\na,0,3,64,sram,\nb,1,2,64,dram,128\n",
    "conflicts": "id,size,conflicts\na,10,b c\nb,20,a\nc,5,\n",
    "plan": "id,lower,upper,size,offset\na,0,2,8,0\nb,1,3,8,8\n",
}
ORDER = {
    "chain": "4 3 1 1\n8 16 4 2\n0\n3\n0 1 0 1 1\n-1 1 1 1 2\n-1 1 2 1 3\n",
    "diamond": "5 4 1 1\n8 16 4 2 9\n0\n4\n-1 1 0 1 1\n-1 1 0 1 2\n1 2 1 2 1 3\n-1 1 3 1 4\n",
}
CERTIFICATES = {
    name: f'{{"schema":1,"plan":{{"digest":"0123456789abcdef","steps":4,"arena_bytes":960}},"statements":[{statement}]}}'
    for name, statement in {
        "inputs": '{"orders":"all","bytes":0,"witness":"inputs","values":[]}',
        "working_set": '{"orders":"all","bytes":896,"witness":"working_set","at":{"step":1,"name":"conv2"},'
                       '"values":[{"name":"a","bytes":256},{"name":"b","bytes":512}],"scratch_bytes":128,"saved_bytes":0}',
        "flow": '{"orders":"all","bytes":896,"witness":"flow","at":{"step":1,"name":"conv2"},'
                '"values":[{"name":"a","bytes":256},{"name":"b","bytes":512}],"scratch_bytes":128,'
                '"cases":[{"overwrites":"any","bytes":0,"arcs":[{"value":"c","from":"start","to":{"step":2,"name":"slice"},'
                '"bytes":0}]}]}',
        "exhaustion": '{"orders":"all","bytes":896,"witness":"exhaustion","through":{"step":2,"name":"slice"},"steps":3,'
                      '"direction":"forward","states":3,"work":3}',
    }.items()
}
JSON = {
    "cost": '{"schema":"memopt.cost/1","kernels":{"conv.onednn":{"step_ns":100,"ns_per_operation":0.01,"ns_per_byte":0.1}},'
            '"other":{"step_ns":1,"ns_per_operation":1,"ns_per_byte":1}}',
}
NPY = {
    "f4": (1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 24),
    "scalar": (2, "{'descr': '|b1', 'fortran_order': False, 'shape': (), }", 1),
    "fortran": (3, "{'descr': '<c16', 'fortran_order': True, 'shape': (2,), }", 32),
}
TENSORS = {
    "raw": 'name: "t" data_type: 1 dims: 2 raw_data: "\\000\\000\\200\\077\\000\\000\\000\\100"',
    "int64": 'name: "t" data_type: 7 dims: 2 dims: 1 int64_data: 4 int64_data: -4',
    "half": 'data_type: 10 dims: 3 int32_data: 15360 int32_data: 0 int32_data: 65535',
    "int4": 'data_type: 22 dims: 3 int32_data: 18 int32_data: 3',
}
EXTERNAL = {
    "file": ("w.bin", 4, 12), "folder": ("sub/w.bin", 0, 12), "up": ("../secret.bin", 0, 12), "link": ("link.bin", 0, 12),
    "through": ("up/secret.bin", 0, 12), "hard": ("hard.bin", 0, 12), "fifo": ("fifo.bin", 0, 12), "end": ("w.bin", 290, 12),
}


def put(target, name, content):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def npy(version, header, count):
    prefix = 10 if version == 1 else 12
    header += " " * (-(prefix + len(header) + 1) % 64) + "\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header.encode() + bytes(count)


def external(location, offset, length):
    entries = {"location": location, "offset": offset, "length": length}
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[3], data_location=onnx.TensorProto.EXTERNAL)
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor.SerializeToString()


def main():
    for name, text in MODELS.items():
        put("onnx", name, text_format.Parse(text, onnx.ModelProto()).SerializeToString())
    for number, text in enumerate(TEXT):
        put("text", f"{number:02}", text)
    for target, seeds in ("csv", CSV), ("order", ORDER), ("json", JSON), ("certificate", CERTIFICATES):
        for name, text in seeds.items():
            put(target, name, text)
    for path in sorted(GOLDEN.glob("*.ir")):
        graph = re.search(r"^graph .*?^}", path.read_text(), re.MULTILINE | re.DOTALL)
        put("ir", path.stem, graph.group() + "\n")
    for name, fields in NPY.items():
        put("npy", name, npy(*fields))
    for name, text in TENSORS.items():
        put("tensor_pb", name, text_format.Parse(text, onnx.TensorProto()).SerializeToString())
    for name, fields in EXTERNAL.items():
        put("external", name, external(*fields))


if __name__ == "__main__":
    main()
