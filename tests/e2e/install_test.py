#!/usr/bin/env python3
"""`cmake --install` gives what embedders need: a small C program builds against the install tree, with CMake and with
pkg-config, and runs a plan that an installed tool compiled."""
import argparse
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def run(*command, **options):
    print("+", *command, flush=True)
    return subprocess.run(command, check=True, text=True, **options)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", required=True)
    build = os.path.dirname(parser.parse_args().bin)
    with tempfile.TemporaryDirectory() as base:
        prefix = os.path.join(base, "prefix")
        run("cmake", "--install", build, "--prefix", prefix, stdout=subprocess.DEVNULL)
        model, plan = os.path.join(base, "m.onnx"), os.path.join(base, "m.plan")
        run(sys.executable, os.path.join(ROOT, "python/zoo.py"), "mobilenetv2", "--size", "32", "-o", model)
        run(os.path.join(prefix, "bin/memopt-compile"), model, "-o", plan, "--quiet")

        shutil.copytree(os.path.join(HERE, "consumer"), os.path.join(base, "consumer"))
        run("cmake", "-S", "consumer", "-B", "out", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", cwd=base,
            stdout=subprocess.DEVNULL)
        run("cmake", "--build", "out", cwd=base, stdout=subprocess.DEVNULL)
        first = run("out/consumer", plan, cwd=base, stdout=subprocess.PIPE).stdout
        print(first)

        folder = next(p for p, _, files in os.walk(prefix) if "memopt.pc" in files)
        flags = run("pkg-config", "--cflags", "--libs", f"--define-variable=prefix={prefix}", "memopt", stdout=subprocess.PIPE,
                    env={**os.environ, "PKG_CONFIG_PATH": folder}).stdout.split()
        run("cc", "consumer/consumer.c", "-o", "by_pkg_config", *flags, cwd=base)
        second = run("./by_pkg_config", plan, cwd=base, stdout=subprocess.PIPE).stdout
        assert first == second and first.startswith("arena "), (first, second)
    return 0


if __name__ == "__main__":
    sys.exit(main())
