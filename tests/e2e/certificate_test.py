#!/usr/bin/env python3
"""Certificates of generated networks, real models and published networks with irregular wiring: memopt-compile writes them,
memopt-verify confirms them, and rejects them when they are changed. Prints which witness each model got.

usage: certificate_test.py --bin DIR --models DIR [--all]
"""
import argparse
import json
import os
import sys
import tempfile

import models
from tool import Tools

BAD_INPUT, VERIFY = 3, 6
# One or more of each kind of witness; --all takes every one.
MODELS = ["kws_speechcommand", "mnist_8", "mobilenetv2_128_05_st", "nanodet_m_320", "sinet", "yunet_n_320"]
# No bound over all orders that reaches the arena is known.
OPEN = ["rwbig_100"]


def check(name, model, flags, tools, folder):
    """The list of what is wrong with one model; empty if all is well."""
    plan, certificate, changed = (os.path.join(folder, file) for file in ("a.plan", "c.json", "d.json"))
    compiled = tools.run("compile", model, "-o", plan, "--certificate", certificate, "--quiet", *flags)
    if compiled.returncode:
        return [f"compile: status {compiled.returncode}: {compiled.stderr.strip()[:500]}"]
    with open(certificate, encoding="utf-8") as file:
        content = json.load(file)
    best = content["statements"][0]
    print(f"{name}: {best['witness']}, all orders need {best['bytes']} of {content['plan']['arena_bytes']} bytes", flush=True)
    problems = []
    verified = tools.run("verify", plan, "--certificate", certificate)
    if verified.returncode or "No order of the " not in verified.stdout:
        problems.append(f"verify: status {verified.returncode}: {verified.stderr.strip()[:500]}{verified.stdout[-500:]}")
    if name not in OPEN and best["bytes"] != content["plan"]["arena_bytes"]:
        problems.append("the arena is not proved the least of all orders")
    best["bytes"] += 64
    with open(changed, "w", encoding="utf-8") as file:
        json.dump(content, file)
    rejected = tools.run("verify", plan, "--certificate", changed)
    if rejected.returncode != VERIFY or str(best["bytes"]) not in rejected.stderr:
        problems.append(f"64 bytes more: status {rejected.returncode}: {rejected.stderr.strip()[:500]}")
    return problems


def check_files(tools, folder):
    """Another plan's certificate and a damaged one, with what the last check() left."""
    plan, certificate, changed = (os.path.join(folder, file) for file in ("a.plan", "c.json", "d.json"))
    with open(certificate, encoding="utf-8") as file:
        text = file.read()
    problems = []
    for what, status, words, content in (
            ("another plan", VERIFY, "another plan", text.replace(json.loads(text)["plan"]["digest"], "0" * 16)),
            ("cut", BAD_INPUT, "not JSON", text[:len(text) // 2]),
            ("empty", BAD_INPUT, "not JSON", ""),
            ("no number", BAD_INPUT, "not JSON", text.replace('"schema": 1', '"schema": NaN')),
            ("another type", BAD_INPUT, "not an integer", text.replace('"schema": 1', '"schema": "1"')),
            ("a member twice", BAD_INPUT, "twice", text.replace('"schema"', '"schema": 1, "schema"')),
            ("deep", BAD_INPUT, "within each other", '{"schema":' * 1000000),
            ("wide", BAD_INPUT, "members", "{" + ",".join(f'"{i}":0' for i in range(1000000)) + "}"),
            ("many", BAD_INPUT, "values", "[0" + ",0" * 20000000 + "]"),
            ("unknown member", BAD_INPUT, "does not know", text.replace('"schema"', '"more": 1, "schema"'))):
        with open(changed, "w", encoding="utf-8") as file:
            file.write(content)
        process = tools.run("verify", plan, "--certificate", changed)
        if process.returncode != status or words not in process.stderr:
            problems.append(f"{what}: status {process.returncode}, needed {status}: {process.stderr.strip()[:300]}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    parser.add_argument("--models", required=True, help="folder of manifest.tsv and materialize.py")
    parser.add_argument("--all", action="store_true", help="every convolutional model")
    arguments = parser.parse_args()
    tools, failed, passed = Tools(arguments.bin), 0, 0
    networks = os.path.join(arguments.models, "..", "data", "ordering")
    with tempfile.TemporaryDirectory() as base:
        only = [] if arguments.all else MODELS + ["generated_" + name for name, _, _ in models.GENERATED]
        cases = [(m.name, m.path, m.shape_flags()) for m in models.all_models(base, arguments.models, only)]
        if os.path.isdir(networks):
            cases += [(file[:-5], os.path.join(networks, file), []) for file in sorted(os.listdir(networks))
                      if file.endswith(".onnx")]
        else:
            print(f"no networks in {networks}")
        for name, model, flags in cases:
            problems = check(name, model, flags, tools, base)
            failed, passed = failed + bool(problems), passed + (not problems)
            print(*problems, sep="\n    ", end="\n" if problems else "")
        problems = check_files(tools, base)
        failed += len(problems)
        print(*problems, sep="\n    ")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
