"""Runs memopt's tools for the end-to-end tests."""
import os
import subprocess

# By how much the tools' own sanitizers may multiply their time and memory (CMake sets it).
SANITIZER_FACTOR = int(os.environ.get("MEMOPT_SANITIZER_FACTOR", "1"))


class Tools:
    def __init__(self, folder):
        self.folder = folder

    def command(self, name, *arguments):
        return [os.path.join(self.folder, "memopt-" + name), *map(str, arguments)]

    def run(self, name, *arguments, timeout=600, **how):
        """The finished process of memopt-NAME, its output as text; status 124 where it took too long."""
        command = self.command(name, *arguments)
        how = {"capture_output": True, "text": True, "errors": "replace", "stdin": subprocess.DEVNULL, **how}
        try:
            return subprocess.run(command, timeout=timeout, check=False, **how)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", f"took longer than {timeout} s")


def outputs(folder):
    """The bytes of every output that memopt-run wrote to `folder`, by file name."""
    result = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            result[name] = file.read()
    return result
