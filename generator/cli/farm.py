"""What the commands do with ``--scheduler``: the machines of a Dask cluster measure."""

from __future__ import annotations

import functools

from generator.catalog.model import Catalog
from generator.cli import listing, output
from generator.cli.progress import reporter
from generator.measure import machine, obstacles
from generator.measure.request import Request

_say = functools.partial(output.say, to=output.err)


def measure(address: str, request: Request, catalog: Catalog, *, as_json: bool) -> int:
    """Measure what the machines of a cluster lack; return the exit code.

    Args:
        address: of its scheduler.
        request: what was asked for.
        catalog: the frameworks and sections.
        as_json: for a script.

    """
    from generator.farm import client

    with client.connected(address, request, _say) as farm, reporter(as_json) as shown:
        runs = client.measure(farm, catalog, shown, _say)
    if as_json:
        output.show_json({run.machine.id: vars(run.outcome) for run in runs})
    else:
        for run in runs:
            output.say(f"{run.machine.id}:", style="bold")
            output.show_outcome(run.plan, run.outcome)
    return int(any(run.outcome.failed for run in runs))


def show_machines(
    address: str | None, request: Request, catalog: Catalog, *, as_json: bool
) -> None:
    """Show who is there, what each machine lacks, and what it has measured.

    Args:
        address: of the scheduler; None: of this machine alone.
        request: where the results are.
        catalog: the frameworks.
        as_json: for a script.

    """
    from generator.farm import client

    there = {}
    if address is None:
        there[machine.this().id] = {"workers": 1, "lacks": obstacles.of_machine(catalog)}
    else:
        with client.connected(address, request, _say) as farm:
            for kind in farm.machines.values():
                there[kind.id] = {"workers": len(kind.workers), "lacks": farm.lacks(kind)}
    machines = listing.machines(request.results, there)
    (output.show_json if as_json else output.show_machines)(machines)
