"""Divides sources into groups that compile as one file each: python unity_groups.py SIZE SOURCE... prints "GROUP SOURCE" lines.

Those of one group lie in one folder, so that a new source changes few groups. Sources whose own names meet are never in one
group; scripts/tidy knows these names."""
import importlib.machinery
import importlib.util
import pathlib
import sys


def load_tidy():
    path = pathlib.Path(__file__).parent.parent / "scripts" / "tidy"
    loader = importlib.machinery.SourceFileLoader("tidy", str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("tidy", loader))
    sys.modules["tidy"] = module
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    return module


def main():
    own_names = load_tidy().own_names
    size, sources = int(sys.argv[1]), sorted(sys.argv[2:])
    groups = []  # folder, names, number of sources
    for source in map(pathlib.Path, sources):
        names = own_names(source.read_text())
        place = next((i for i, (folder, taken, count) in enumerate(groups)
                      if folder == source.parent and count < size and not names & taken), len(groups))
        if place == len(groups):
            groups.append((source.parent, set(), 0))
        folder, taken, count = groups[place]
        groups[place] = (folder, taken | names, count + 1)
        print(f"{place:03}", source)


if __name__ == "__main__":
    main()
