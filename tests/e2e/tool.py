"""Runs memopt's tools for the end-to-end tests."""
import os
import subprocess


class Tools:
    def __init__(self, folder):
        self.folder = folder

    def run(self, name, *arguments, timeout=600):
        """The finished process of memopt-NAME, its output as text; status 124 where it took too long."""
        command = [os.path.join(self.folder, "memopt-" + name), *map(str, arguments)]
        try:
            return subprocess.run(command, timeout=timeout, capture_output=True, text=True, errors="replace", check=False)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", f"took longer than {timeout} s")


def outputs(folder):
    """The bytes of every output that memopt-run wrote to `folder`, by file name."""
    result = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            result[name] = file.read()
    return result
