"""Runs examples/merge_worker.py under a coordinator that takes turns, as the requirement's does.

    coordinate.py FOLDER-OF-THE-EXAMPLE A.json B.json DIR [anew]

With anew every worker object is made again before each step. Prints what came of it as JSON.
"""
import json
import sys
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from merge_worker import MergeWorker  # noqa: E402

data = {"A": json.loads(Path(sys.argv[2]).read_text()), "B": json.loads(Path(sys.argv[3]).read_text())}
folder = Path(sys.argv[4])
anew = sys.argv[5:] == ["anew"]


def make(me, other):
    return MergeWorker(me, data[me], folder / f"{other}_to_{me}.msg", folder / f"{me}_to_{other}.msg",
                       folder / "merged.txt", folder / f"{me}.state.json")


workers = {"A": make("A", "B"), "B": make("B", "A")}
active, steps = {"A", "B"}, 0
while active and steps < 100000:
    for me, other in (("A", "B"), ("B", "A")):
        if me in active:
            if anew:
                workers[me] = make(me, other)
            steps += 1
            if not workers[me].step():
                active.remove(me)

print(json.dumps({
    "success": not active,
    "total_steps": steps,
    "stats_a": asdict(workers["A"].get_stats()),
    "stats_b": asdict(workers["B"].get_stats()),
    "phases": [workers[w].state["phase"] for w in "AB"],
    "sorted": [int(x) for x in (folder / "merged.txt").read_text().split()] == sorted(data["A"] + data["B"]),
}))
