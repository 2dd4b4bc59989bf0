#!/usr/bin/env python3
"""Breaks the sources that safety and proofs rest on, one place at a time, and fails if no test notices.

All mutants of a source are compiled in at once (sites.py, into build/mutants), linked with what the release has of everything
else, and switched on in a process of their own that runs the tests that reach them, cheapest first, up to the first failure
(main.cc). A mutant that survives must stand in tests/mutation/survivors.txt with the reason why it does no harm.
"""
import argparse
import collections
import fnmatch
import hashlib
import json
import os
import queue
import random
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time

import sites

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
RELEASE = os.path.join(ROOT, "build", "release")
FOLDER = os.path.join(ROOT, "build", "mutants")
SURVIVED = os.path.join(FOLDER, "survived.tsv")
SURVIVORS = os.path.join(HERE, "survivors.txt")


class Group:
    """Sources, what of them is broken, and the tests that are asked: of a folder of tests/, these files."""

    def __init__(self, patterns, tests, but=(), functions=None, sample=None):
        self.patterns, self.tests, self.but = patterns, tests, but
        self.functions = re.compile(functions) if functions else None
        self.sample = sample


GROUPS = {
    "certificate": Group(["tools/certificate/*.cc", "tools/certificate/*.h"],
                         {"tools": ["certificate*"]}),
    "planning": Group([f"passes/planning/{name}.cc" for name in ("validate", "instance", "aliases", "view_strides", "order_bound",
                                                                "joint_bound")],
                      {"planning": ["*"], "passes": ["*"]}),
    "plan": Group(["runtime/plan/*.cc"], {"runtime": ["*"], "passes": ["report*", "reuse*", "empty*", "plan_limits*"]},
                  but=["runtime/plan/dump.cc"]),
    # 200 places anywhere else.
    "passes": Group(["passes/*.cc"], {"planning": ["*"], "passes": ["*"]}, sample=100, but=[
        "passes/planning/validate.cc", "passes/planning/instance.cc", "passes/planning/aliases.cc", "passes/planning/view_strides.cc",
        "passes/planning/order_bound.cc", "passes/planning/joint_bound.cc"]),
    "kernels": Group(["runtime/kernels/*.cc"], {"ops": ["*"], "runtime": ["*"]}, sample=100, but=["*_simd.cc"],
                     functions=r"supports|serves|needs|in_place|over_|_only$|same_elements|^is_|^has_|^can_|wants|copies"),
}


class Mutant:
    def __init__(self, number, file, line, function, change):
        self.number, self.file, self.line, self.function, self.change = number, file, line, function, change
        self.reached, self.killed_by, self.is_site, self.unfinished = False, None, True, False

    def key(self):
        return self.file, self.function, self.change

    def __str__(self):
        return f"{self.file}:{self.line} [{self.function}] {self.change}"


def run(command, **options):
    return subprocess.run(command, check=True, text=True, **options)


def tracked_files():
    listed = run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, stdout=subprocess.PIPE).stdout
    return [name for name in listed.split("\n") if name and os.path.isfile(os.path.join(ROOT, name))]


def write(path, text):
    """Keeps the time of a file that has this text already, so that it is not compiled again."""
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            if file.read() == text:
                return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def source_of(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as file:
        return file.read()


def sampled(sites_by_file, count):
    """Places by the digest of what they are, so that a change of the sources leaves the others chosen."""
    places = [(name, site) for name, found in sorted(sites_by_file.items()) for site in found]
    places.sort(key=lambda place: hashlib.sha256(f"{place[0]} {place[1].function} {place[1].changes[0]}".encode()).digest())
    chosen = collections.defaultdict(list)
    for name, site in places[:count]:
        chosen[name].append(site)
    return chosen


def choose_sites(files, group):
    """Sites by file."""
    chosen = {}
    for name in files:
        if not any(fnmatch.fnmatch(name, p) for p in group.patterns) or any(fnmatch.fnmatch(name, p) for p in group.but):
            continue
        found = sites.sites_of(source_of(name))
        if group.functions:
            found = [site for site in found if group.functions.search(site.function)]
        if found:
            chosen[name] = found
    return sampled(chosen, group.sample) if group.sample else chosen


def number_mutants(chosen, first):
    mutants = []
    for name in sorted(chosen):
        text, seen = source_of(name), collections.Counter()
        for site in sorted(chosen[name], key=lambda site: site.at):
            site.mutants = []
            for change in site.changes:
                seen[site.function, change] += 1
                times = seen[site.function, change]
                site.mutants.append(first + len(mutants))
                mutants.append(Mutant(site.mutants[-1], name, sites.line_of(text, site.at), site.function,
                                      change if times == 1 else f"{change} ({times})"))
    return mutants


def write_sources(chosen, dropped):
    """The mutated sources, but for the sites that do not compile; no others, which would be found before the right ones."""
    wanted = {os.path.join(FOLDER, "source", name) for name in chosen}
    for base, _, names in os.walk(os.path.join(FOLDER, "source")):
        for name in names:
            if os.path.join(base, name) not in wanted and os.path.basename(base) != "mutation":
                os.remove(os.path.join(base, name))
    for name in chosen:
        kept = [site for site in chosen[name] if not (dropped & set(site.mutants))]
        write(os.path.join(FOLDER, "source", name), sites.mutate(source_of(name), kept))
    for name in ("mutant.h", "mutant.cc", "main.cc"):
        write(os.path.join(FOLDER, "source/mutation", name), source_of(f"tests/mutation/{name}"))


def object_of(name):
    return os.path.join(FOLDER, "object", name.replace("/", "_") + ".o")


def compile_commands(chosen):
    """As the release compiles these files, but for what is mutated, which is found first."""
    with open(os.path.join(RELEASE, "compile_commands.json"), encoding="utf-8") as file:
        commands = {os.path.relpath(entry["file"], ROOT): shlex.split(entry["command"]) for entry in json.load(file)}
    launcher = [shutil.which("ccache")] if shutil.which("ccache") else []
    source = os.path.join(FOLDER, "source")
    wanted = {name: name for name in chosen if name.endswith(".cc")}
    wanted |= {"mutation/mutant.cc": "runtime/plan/plan.cc", "mutation/main.cc": "tests/support/test_plan.cc"}
    for name, like in wanted.items():
        command = commands[like]
        command = command[:command.index("-o")]
        # What reads one element too many is noticed.
        yield name, launcher + command[:1] + [f"-I{source}", "-D_GLIBCXX_ASSERTIONS"] + command[1:] + [
            "-MMD", "-MF", object_of(name) + ".d", "-o", object_of(name), "-c", os.path.join(source, name)]


def is_compiled(name):
    """Whether the object is newer than all that it was made of."""
    made = object_of(name)
    if not os.path.exists(made) or not os.path.exists(made + ".d"):
        return False
    with open(made + ".d", encoding="utf-8") as file:
        parts = file.read().replace("\\\n", " ").split()[1:]
    return all(os.path.exists(path) and os.path.getmtime(path) <= os.path.getmtime(made)
               for path in (os.path.join(RELEASE, part) for part in parts))


def run_all(commands, jobs):
    """(name, output) of those that fail."""
    failed, waiting = [], queue.Queue()
    for item in commands:
        waiting.put(item)

    def work():
        while True:
            try:
                name, command = waiting.get_nowait()
            except queue.Empty:
                return
            result = subprocess.run(command, cwd=RELEASE, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
            if result.returncode:
                failed.append((name, result.stdout))

    workers = [threading.Thread(target=work) for _ in range(jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return failed


def sites_that_fail(output, chosen):
    """The sites on the lines that the compiler complains about."""
    failed = set()
    for name, line in re.findall(r"([\w/.-]+\.(?:cc|h)):(\d+):\d+: (?:error|  required from here)", output):
        for known, found in chosen.items():
            if not name.endswith(known):
                continue
            text = source_of(known)
            for site in found:
                if sites.line_of(text, site.at) == int(line):
                    failed |= set(site.mutants)
    return failed


def build_mutants(chosen, jobs):
    """Compiles the mutated sources; returns the mutants that do not compile."""
    os.makedirs(os.path.join(FOLDER, "object"), exist_ok=True)
    commands, dropped = dict(compile_commands(chosen)), set()
    while commands:
        write_sources(chosen, dropped)
        failures = run_all([(name, command) for name, command in commands.items() if not is_compiled(name)], jobs)
        failed = set().union(*(sites_that_fail(output, chosen) for _, output in failures)) - dropped
        if failures and not failed:
            sys.exit("a mutated source does not compile:\n" + failures[0][1][-6000:])
        dropped |= failed
        commands = {name: commands[name] for name, _ in failures}
    return dropped


def link(name, patterns, chosen):
    """A test binary as the release links it, of the tests that are asked, with mutated objects before the libraries."""
    target = f"memopt_{name}_test"
    lines = run(["ninja", "-C", RELEASE, "-t", "commands", target], stdout=subprocess.PIPE).stdout.split("\n")
    line = next(line for line in reversed(lines) if f"-o bin/{target}" in line)
    words = shlex.split(line.split("&&")[1])
    command, place = [], None
    for word in words:
        if word.endswith(".o") and f"{target}.dir" in word:
            place = place or len(command)
            if not any(fnmatch.fnmatch(os.path.basename(word), pattern + ".cc.o") for pattern in patterns):
                continue
        command.append(word)
    command[command.index("-o") + 1] = binary(name)
    mutated = [object_of(source) for source in chosen if source.endswith(".cc")]
    command[place:place] = [object_of("mutation/mutant.cc"), object_of("mutation/main.cc"), *mutated]
    needed = [word for word in command if word.endswith((".o", ".a")) and not os.path.isabs(word)]
    run(["ninja", "-C", RELEASE, *needed], stdout=subprocess.DEVNULL)
    run(command, cwd=RELEASE)


def binary(name):
    return os.path.join(FOLDER, f"memopt_{name}_test")


def numbers(text):
    for part in text.split():
        first, last = part.split("-")
        yield from range(int(first), int(last) + 1)


class Test:
    def __init__(self, name, cpu_ms, reached):
        self.name, self.cpu_ms, self.reached = name, int(cpu_ms), reached


def environment_for(worker):
    folder = os.path.join(FOLDER, "tmp", str(worker))
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return dict(os.environ, TEST_TMPDIR=folder + "/", TMPDIR=folder)


def cover(name, tests):
    """What each test reaches and takes; all tests must pass while nothing is broken."""
    path = os.path.join(FOLDER, f"coverage.{name}.tsv")
    result = subprocess.run([binary(name), f"--gtest_filter={tests}", "--gtest_brief=1", f"--mutation-cover={path}"],
                            text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment_for("cover"), check=False)
    if result.returncode:
        sys.exit(f"tests of {name} fail without a mutant:\n{result.stdout[-6000:]}")
    with open(path, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    return [Test(test, ms, set(numbers(reached))) for test, ms, _, reached in rows]


def tiers(tests, most_ms):
    """Filters in rising order of cost, each with the seconds that it is allowed; and whether some tests are left out."""
    result, names, cost, limit, total = [], [], 0, 20, 0
    for test in sorted(tests, key=lambda test: test.cpu_ms):
        if total > most_ms:
            break
        names.append(test.name)
        cost += test.cpu_ms
        total += test.cpu_ms
        if cost >= limit:
            result.append((names, cost))
            names, cost, limit = [], 0, limit * 3
    if names:
        result.append((names, cost))
    return " ".join(f"{2 + 8 * cost // 1000} {':'.join(names)}" for names, cost in result), total > most_ms


def run_mutants(name, tests, mutants, jobs, most_ms):
    """Runs the mutants that the tests of one binary reach; notes who killed them."""
    waiting = queue.Queue()
    reaching = collections.defaultdict(list)
    for test in tests:
        for number in test.reached:
            reaching[number].append(test)
    todo = [mutant for mutant in mutants if mutant.number in reaching and not mutant.killed_by]
    for mutant in todo:
        mutant.reached = True
        waiting.put(mutant)

    def work(worker):
        with subprocess.Popen([binary(name), "--mutation-run"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                              env=environment_for(worker)) as process:
            while True:
                try:
                    mutant = waiting.get_nowait()
                except queue.Empty:
                    break
                show_progress(name, len(todo) - waiting.qsize(), len(todo))
                filters, mutant.unfinished = tiers(reaching[mutant.number], most_ms)
                process.stdin.write(f"{mutant.number} {filters}\n")
                process.stdin.flush()
                _, verdict, by = process.stdout.readline().rstrip("\n").split("\t")
                if verdict == "killed":
                    mutant.killed_by = by or "at the start"
            process.stdin.close()

    workers = [threading.Thread(target=work, args=(worker,)) for worker in range(jobs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return len(todo)


def note_survivors(mutants):
    """For --again, and to look at while tests of other folders run."""
    with open(SURVIVED, "w", encoding="utf-8") as file:
        file.writelines("\t".join(mutant.key()) + "\n" for mutant in mutants if not mutant.killed_by)


def survived_before():
    with open(SURVIVED, encoding="utf-8") as file:
        return {tuple(line.rstrip("\n").split("\t")) for line in file}


def show_progress(name, done, of):
    if done % 50 == 0:
        print(f"{name}: {done} of {of}", file=sys.stderr, flush=True)


def accepted():
    """What survives by the list of survivors: (file, function, change) -> reason."""
    result = {}
    if os.path.exists(SURVIVORS):
        with open(SURVIVORS, encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    name, function, change, reason = line.rstrip("\n").split("\t")
                    result[name, function, change] = reason
    return result


def report(mutants, listed, show_killed):
    """Prints the table and the survivors; returns the number of those that are not listed."""
    by_file = collections.defaultdict(collections.Counter)
    unlisted, stale = [], []
    for mutant in mutants:
        row = by_file[mutant.file]
        row["mutants"] += 1
        if mutant.killed_by:
            row["killed"] += 1
            if mutant.key() in listed:
                stale.append(mutant)
            if show_killed:
                print(f"killed by {mutant.killed_by}: {mutant}")
        elif mutant.key() in listed:
            row["accepted"] += 1
        else:
            row["survived"] += 1
            unlisted.append(mutant)
    for mutant in unlisted:
        why = "" if mutant.reached else " (no test reaches it)"
        print(f"survived: {mutant}{why}{' (not all tests were run)' if mutant.unfinished else ''}")
    for mutant in stale:
        print(f"listed as a survivor, but killed by {mutant.killed_by}: {mutant}")
    columns = ("mutants", "killed", "accepted", "survived")
    print(f"{'file':<44}" + "".join(f"{column:>10}" for column in columns))
    for name in sorted(by_file):
        print(f"{name:<44}" + "".join(f"{by_file[name][column]:>10}" for column in columns))
    total = [sum(row[column] for row in by_file.values()) for column in columns]
    print(f"{'total':<44}" + "".join(f"{number:>10}" for number in total))
    return len(unlisted)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("groups", nargs="*", help=f"of {', '.join(GROUPS)}; default: all")
    parser.add_argument("--files", default="*", help="only sources that match this pattern")
    parser.add_argument("--tests", default="*", help="only tests of this filter")
    parser.add_argument("--sample", type=int, help="only so many mutants, drawn with --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="only what survived the last time")
    parser.add_argument("--unlisted", action="store_true", help="not what stands in the list of survivors")
    parser.add_argument("--budget-ms", type=int, default=6000, help="CPU time of the tests of a folder that one mutant is shown to "
                        "(default 6000)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--compile-jobs", type=int, default=os.cpu_count())
    parser.add_argument("--list", action="store_true", help="print the mutants and do nothing")
    parser.add_argument("--killed", action="store_true", help="print who killed each mutant")
    arguments = parser.parse_args()
    files = [name for name in tracked_files() if fnmatch.fnmatch(name, arguments.files)]
    chosen, tests, mutants = {}, collections.defaultdict(list), []
    for name in arguments.groups or GROUPS:
        if name not in GROUPS:
            parser.error(f"no group '{name}'")
        found = choose_sites(files, GROUPS[name])
        mutants += number_mutants(found, len(mutants))
        chosen.update(found)
        for suite, patterns in GROUPS[name].tests.items():
            tests[suite] += patterns
    if arguments.list:
        print(*mutants, sep="\n")
        return 0
    began = time.time()
    dropped = build_mutants(chosen, arguments.compile_jobs)
    for suite, patterns in tests.items():
        link(suite, patterns, chosen)
    print(f"built {len(mutants) - len(dropped)} mutants in {time.time() - began:.0f} s; {len(dropped)} do not compile", flush=True)
    not_sites = set()
    for name in tests:
        not_sites |= set(numbers(run([binary(name), "--mutation-not-sites"], stdout=subprocess.PIPE).stdout))
    mutants = [mutant for mutant in mutants if mutant.number not in dropped | not_sites]
    if arguments.sample:
        mutants = sorted(random.Random(arguments.seed).sample(mutants, min(arguments.sample, len(mutants))),
                         key=lambda mutant: mutant.number)
    listed = accepted()
    if arguments.unlisted:
        mutants = [mutant for mutant in mutants if mutant.key() not in listed]
    if arguments.again:
        before = survived_before()
        mutants = [mutant for mutant in mutants if mutant.key() in before]
    for name in tests:
        began = time.time()
        covering = cover(name, arguments.tests)
        covered = time.time()
        count = run_mutants(name, covering, mutants, arguments.jobs, arguments.budget_ms)
        note_survivors(mutants)
        print(f"{name}: {len(covering)} tests in {covered - began:.0f} s, {count} mutants in {time.time() - covered:.0f} s", flush=True)
    return 1 if report(mutants, listed, arguments.killed) else 0


if __name__ == "__main__":
    sys.exit(main())
