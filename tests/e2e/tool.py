"""Runs memopt's tools for the end-to-end tests."""
import os
import subprocess

SKIPPED = 77  # CTest's SKIP_RETURN_CODE


class Tools:
    def __init__(self, folder):
        self.folder = folder

    def run(self, name, *arguments, timeout=600):
        """The finished process of memopt-NAME, its output as text."""
        return subprocess.run([os.path.join(self.folder, "memopt-" + name), *map(str, arguments)], timeout=timeout,
                              capture_output=True, text=True, errors="replace", check=False)


def outputs(folder):
    """The bytes of every output that memopt-run wrote to `folder`, by file name."""
    result = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            result[name] = file.read()
    return result
