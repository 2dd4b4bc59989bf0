#!/usr/bin/env python3
"""`cmake --install` gives what embedders need: a small program, in C and in C++17, builds against the install tree, with CMake and
with pkg-config, and runs a plan that an installed tool compiled."""
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

        said = []
        for consumer in ("consumer", "consumer_cxx17"):  # a project of C alone, and one of C++17
            shutil.copytree(os.path.join(HERE, consumer), os.path.join(base, consumer))
            out = consumer + "_out"
            run("cmake", "-S", consumer, "-B", out, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}", cwd=base, stdout=subprocess.DEVNULL)
            run("cmake", "--build", out, cwd=base, stdout=subprocess.DEVNULL)
            said.append(run(f"{out}/consumer", plan, cwd=base, stdout=subprocess.PIPE).stdout)

        folder = next(p for p, _, files in os.walk(prefix) if "memopt.pc" in files)
        flags = run("pkg-config", "--cflags", "--libs", "memopt", stdout=subprocess.PIPE,
                    env={**os.environ, "PKG_CONFIG_PATH": folder}).stdout.split()
        for compiler, source in (("cc", "consumer/consumer.c"), ("c++", "consumer_cxx17/consumer.cc")):
            run(compiler, source, "-o", "by_pkg_config", *flags, cwd=base)
            said.append(run("./by_pkg_config", plan, cwd=base, stdout=subprocess.PIPE).stdout)
        print(*said)
        assert said[0].startswith("arena ") and said == said[:1] * len(said), said
    return 0


if __name__ == "__main__":
    sys.exit(main())
