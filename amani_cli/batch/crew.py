"""The threads that work through a batch, each with a database and connections of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from amani_cli.batch.pace import Pace
from amani_cli.batch.plans import Plan, Purse
from amani_cli.batch.table import Row
from amani_cli.batch.terms import Allowance
from amani_cli.batch.worker import Codes, Job, Worker
from amani_cli.models.batches import BatchRow
from amani_cli.workspace import Workspace

OnRow = Callable[[BatchRow, int, int], None]


class Crew:
    """The threads that work through rows, each with a database and a connection of its own."""

    def __init__(
        self, ws: Workspace, purse: Purse, plan: Plan, allowance: Allowance, *, jobs: int, stop_on_failure: bool
    ) -> None:
        self.ws = ws
        self.done: list[BatchRow] = []
        self._jobs = jobs
        self._stop_on_failure = stop_on_failure
        self._job = Job(purse, plan, allowance, Pace(), Codes(plan))
        self._stop = threading.Event()
        self._todo: queue.SimpleQueue[Row] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[BatchRow | BaseException | None] = queue.SimpleQueue()

    def work_through(self, rows: list[Row], on_row: OnRow) -> bool:
        """Do the rows, in their order but for what runs side by side; returns whether it was interrupted."""
        for row in rows:
            self._todo.put(row)
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(min(self._jobs, len(rows)))]
        for thread in threads:
            thread.start()
        working, interrupted = len(threads), False
        failure: BaseException | None = None
        while working:
            try:
                result = self._results.get()
                if result is None:
                    working -= 1
                elif isinstance(result, BaseException):
                    failure = failure or result
                    self._stop.set()
                else:
                    self.done.append(result)
                    on_row(result, len(self.done), len(rows))
                    if result.status != "unknown":  # what ends the run afterwards says again what is in doubt
                        self.ws.talk.untold.told(result.id, moved=result.status == "settled")
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                self._stop.set()
                self.ws.talk.progress("finishing what is on its way; once more to leave it in doubt")
        if failure is not None and not self.done:
            raise failure
        if failure is not None:
            self.ws.talk.warn(str(failure))
        return interrupted

    def _work(self) -> None:
        try:
            with Worker(self.ws, self._job) as worker:
                while not self._stop.is_set():
                    try:
                        row = self._todo.get_nowait()
                    except queue.Empty:
                        break
                    result, hopeless = worker.do(row)
                    if hopeless or (self._stop_on_failure and result.status != "settled"):
                        self._stop.set()
                    self._results.put(result)
        except BaseException as error:
            self._results.put(error)
        finally:
            self._results.put(None)
