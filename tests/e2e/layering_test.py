#!/usr/bin/env python3
"""Includes point one way: runtime <- compiler <- passes <- tools; tools/certificate, the checker of bounds, sees runtime/ alone.
Only compiler/onnx sees protobuf, only runtime/kernels/onednn sees oneDNN, LLVM stays in compiler/ and passes/, nothing reads the
environment, files and JSON are written in one place. No two types have the same full name: the linker would take the templates of one for those of the other."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAYERS = ["runtime", "compiler", "passes", "tools"]
# (what may not appear, where, except beneath)
RULES = [
    (r'#include [<"](google/protobuf|onnx_schema)/', LAYERS, "compiler/onnx"),
    (r'#include [<"](oneapi/)?dnnl', LAYERS, "runtime/kernels/onednn"),
    (r'#include [<"]llvm/', ["runtime", "tools"], None),
    (r'#include [<"]flatbuffers/', LAYERS, "runtime/plan"),
    (r"\bgetenv\b", LAYERS, None),
    (r"\bassert\(", LAYERS, None),
    # Ways to write a file that is not atomic, or JSON that throws at a name: runtime/base has the right ones.
    (r"\b(ofstream|fstream|fopen|creat)\b", LAYERS, "tools/cli/streams.cc"),
    (r"\bO_(WRONLY|RDWR|CREAT|TRUNC)\b", LAYERS, ("runtime/base/file.cc", "tools/cli/app.cc")),
    (r"\.dump\(", LAYERS, "runtime/base/json_text.h"),
]


def sources(folder):
    for base, _, files in os.walk(os.path.join(ROOT, folder)):
        for name in sorted(files):
            if name.endswith((".h", ".hpp", ".cc", ".c")):
                path = os.path.join(base, name)
                with open(path, encoding="utf-8") as file:
                    yield os.path.relpath(path, ROOT), file.read()


def types(text):
    """The full names of the types that a source defines outside of anonymous namespaces, where the format lets it begin a line."""
    namespace = re.search(r"^namespace ([\w:]+) \{$", text, re.MULTILINE)
    text = re.sub(r"^namespace \{$.*?^\}  // namespace$", "", text, flags=re.MULTILINE | re.DOTALL)
    for name in re.findall(r"^(?:struct|class|enum class) (\w+)(?: final)?(?: : [^;(]*)? \{", text, re.MULTILINE):
        yield f"{namespace[1]}::{name}" if namespace else name


def main():
    problems = [f"{path} includes more than runtime/" for path, text in sources("tools/certificate")
                if re.search(r'#include "(?!runtime/|tools/certificate/)', text)]
    for rank, layer in enumerate(LAYERS):
        above = "|".join(LAYERS[rank + 1:])
        for path, text in sources(layer):
            if above and re.search(rf'#include "({above})/', text):
                problems.append(f"{path} includes a layer above {layer}")
    for pattern, layers, except_beneath in RULES:
        for layer in layers:
            for path, text in sources(layer):
                if re.search(pattern, text) and not (except_beneath and path.startswith(except_beneath)):
                    problems.append(f"{path} matches {pattern}")
    first = {}
    for path, text in (source for folder in LAYERS + ["tests", "benchmarks"] for source in sources(folder)):
        for name in types(text):
            if first.setdefault(name, path) != path:
                problems.append(f"{path} defines {name}, and so does {first[name]}")
    print(*problems, sep="\n")
    print(f"{sum(1 for layer in LAYERS for _ in sources(layer))} files checked, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
