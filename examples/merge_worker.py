#!/usr/bin/env python3
"""The requirement's MergeWorker, whose every step is one `holdfast merge worker --once`.

Any coordinator that calls step() and get_stats() can run it. A step is a process of its own, so a worker
may be dropped and made anew between any two steps, or killed in one: nothing is lost and nothing is done twice.

    worker = MergeWorker("A", [3, 1, 2], Path("B_to_A.msg"), Path("A_to_B.msg"), Path("out.txt"), Path("state_A.json"))
    while worker.step():
        ...

The program is `holdfast` on the PATH, or what HOLDFAST names. Standard library only, Python 3.11 or newer.
"""
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Message:
    msg_type: str  # at most 5 characters
    values: list[int]  # at most 10 integers


@dataclass
class WorkerStats:
    comparisons: int
    messages_sent: int
    messages_received: int
    values_output: int


class MergeError(Exception):
    """What the worker said: a value in both lists, a mailbox that somebody changed, a full disk."""

    def __init__(self, status: int, text: str):
        super().__init__(text)
        self.status = status


class MergeWorker:
    def __init__(self, worker_id: str, data: list[int], inbox: Path, outbox: Path, output: Path, state_file: Path):
        self.worker_id = worker_id
        self.data = data
        self.inbox = Path(inbox)
        self.outbox = Path(outbox)
        self.output = Path(output)
        self.state_file = Path(state_file)
        self.data_file = self.state_file.with_name(self.state_file.name + ".data")
        self._write_data()
        self.state: dict = self._load_state()
        self.stats = self._load_stats()

    def _write_data(self) -> None:
        """The list as a file, whole or not at all."""
        temporary = self.data_file.with_name(self.data_file.name + ".tmp")
        temporary.write_text("".join(f"{v}\n" for v in self.data), encoding="ascii")
        os.replace(temporary, self.data_file)

    def _load_state(self) -> dict:
        """The state as the worker saved it, or the initial one."""
        try:
            return json.loads(self.state_file.read_text(encoding="utf-8"))["state"]
        except (FileNotFoundError, ValueError, KeyError):  # a damaged one is mended by the next step
            return self._initial_state()

    def _save_state(self) -> None:
        """The worker saves it, before it acts on it."""

    def _initial_state(self) -> dict:
        return {
            "phase": "INIT",
            "my_min": min(self.data) if self.data else None,
            "my_max": max(self.data) if self.data else None,
            "my_count": len(self.data),
            "partner_min": None,
            "partner_max": None,
            "partner_count": None,
            "data_index": 0,
            "output_count": 0,
        }

    def _load_stats(self) -> WorkerStats:
        saved = self.state.get("stats", {})
        return WorkerStats(*(saved.get(name, 0) for name in WorkerStats.__dataclass_fields__))

    def step(self) -> bool:
        """One step; True if more work remains."""
        done = subprocess.run(
            [os.environ.get("HOLDFAST", "holdfast"), "merge", "worker", "--once", "--id", self.worker_id,
             "--data", str(self.data_file), "--inbox", str(self.inbox), "--outbox", str(self.outbox),
             "--output", str(self.output), "--state", str(self.state_file)],
            capture_output=True, text=True)
        if done.returncode != 0:
            raise MergeError(done.returncode, done.stderr.strip())
        reply = json.loads(done.stdout)
        self.state = self._load_state()
        self.stats = WorkerStats(**reply["stats"])
        return reply["more"]

    def get_stats(self) -> WorkerStats:
        return self.stats
