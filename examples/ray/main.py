"""A training over Ray: `python main.py path/to/rmsprop.wasm [kills]`. Tasks and the actor are killed on the way."""

import os
import random
import signal
import sys
import tempfile
import threading
from pathlib import Path

import ray

# Ray's processes find the modules as this one does.
here = Path(__file__).resolve().parent
paths = os.pathsep.join(map(str, (here, here.parent / "python")))
os.environ["PYTHONPATH"] = paths
sys.path[1:1] = paths.split(os.pathsep)
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

from replica import Replica  # noqa: E402
from training import UNITS_PER_UPDATE, UPDATES, gradient  # noqa: E402


def processes(name: str) -> list[int]:
    """This program's Ray processes of this name. (Ray's agents are no such: who kills these ends the node.)"""
    parents, names = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            names[int(folder.name)] = (folder / "cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue

    def is_own(process: int) -> bool:
        while process in parents and process != os.getpid():
            process = parents[process]
        return process == os.getpid()

    return [process for process, command in names.items() if command.startswith(f"ray::{name}") and is_own(process)]


def kill(count: int, is_over: threading.Event, killed: dict[str, int]) -> None:
    """Kills tasks and the actor by turns."""
    while sum(killed.values()) < count and not is_over.wait(random.uniform(0.2, 0.8)):
        name = min(killed, key=killed.__getitem__)
        # A process has a task's name only while it runs one, which takes milliseconds: looked for until there is one.
        while not (found := processes(name)):
            if is_over.wait(0.002):
                return
        try:
            os.kill(random.choice(found), signal.SIGKILL)
            killed[name] += 1
        except ProcessLookupError:
            pass


def main(module: str, kills: int) -> None:
    ray.init(include_dashboard=False, log_to_driver=False, num_cpus=3)
    task = ray.remote(max_retries=-1)(gradient)
    killed, is_over = {"gradient": 0, "Replica": 0}, threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        replica = Replica.remote(str(Path(module).resolve()), folder)
        killer = threading.Thread(target=kill, args=(kills, is_over, killed))
        killer.start()
        try:
            while True:
                base, values = ray.get(replica.inputs.remote())
                if base >= UPDATES * UNITS_PER_UPDATE:
                    break
                values = ray.put(values)
                units = range(base, base + UNITS_PER_UPDATE)
                ray.get([replica.append.remote(base, unit, task.remote(values, unit)) for unit in units])
        finally:
            is_over.set()
            killer.join()
        print(f"killed: {killed['gradient']} tasks, {killed['Replica']} actors", file=sys.stderr)
        print(values.tobytes().hex())
    ray.shutdown()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
