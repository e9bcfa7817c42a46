"""What this machine lacks for a job, and the command or setting that mends it.

An obstacle is no answer of the framework: its job is skipped, and measured as soon as it is gone.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence

from generator.catalog.model import Catalog, Need
from generator.measure import environments, found, script_metrics, uv
from generator.measure.environments import Environment
from generator.measure.history import is_r
from generator.measure.plan import Job
from generator.results import schema
from generator.subprocesses import Finished

CACHE = "<cache>"
"""Stands for the path of the cache in what is published; see :func:`shown`."""

_SIGNS = {",": "a comma", ":": "a colon", '"': "a quotation mark"}
"""What compilers, linkers and lists of folders take for an end, beside a space."""


def of_job(job: Job, catalog: Catalog, environment: Environment | None) -> str:
    """Return what this machine lacks for a job and how to mend it, or "".

    The environment is that of the framework, None where it is not made yet.
    """
    framework = catalog.framework(job.framework)
    if framework.found and (missing := found.obstacle(framework)):
        return missing
    needs = [need for need in framework.needs if need.concerns(job.mode, job.sections)]
    if unmet := next(_unmet(needs), ""):
        return unmet
    if not in_r(job, catalog):
        return ""
    started = (environment.python, environment.python_version) if environment else ()
    return str(script_metrics.r_obstacle(*started))


def of_machine(catalog: Catalog) -> dict[str, list[str]]:
    """Return what this machine lacks, and for which frameworks."""
    lacked: dict[str, list[str]] = {}
    for framework in catalog.frameworks:
        missing = found.obstacle(framework) if framework.found else ""
        for obstacle in (*filter(None, [missing]), *_unmet(framework.needs)):
            lacked.setdefault(obstacle, []).append(framework.id)
    return lacked


def _unmet(needs: Sequence[Need]) -> Iterator[str]:
    """Yield what this machine lacks of some needs, and how to mend it."""
    missing = {need.program for need in needs if not shutil.which(need.program)}
    return lacking(needs, missing, str(environments.cache_folder()))


def spaced(catalog: Catalog) -> list[str]:
    """Return the names of the frameworks that cannot use the cache for a space in its path."""
    folder = str(environments.cache_folder())
    return [one.name for one in catalog.frameworks if any(lacking(one.needs, (), folder))]


def lacking(needs: Iterable[Need], missing: Collection[str], folder: str) -> Iterator[str]:
    """Yield what needs are not met, and how to meet them: pure.

    Environments, and what is compiled, lie in the folder.
    """
    for need in needs:
        if need.program in missing:
            yield (
                f"{need.program} is not installed ({need.why}); install it, on Debian: "
                f"apt-get install {need.package or need.program}"
            )
        elif need.unspaced and (match := re.search(r'[\s,:"]', folder)):
            sign = _SIGNS.get(match[0], "a space")
            yield (
                f"the folder {CACHE} has {sign} in its path, which {need.program} cannot use "
                f"({need.why}); set SYMBOLIC_COMPARISON_CACHE to a folder without one"
            )


def shown(obstacle: str) -> str:
    """Return an obstacle as people at this machine read it: with the path."""
    return obstacle.replace(CACHE, str(environments.cache_folder()))


def in_r(job: Job, catalog: Catalog) -> bool:
    """Whether a job is driven from R."""
    written = any(is_r(catalog.section(id).script) for id in job.sections)
    return written and schema.replicated(job.case) != "python"


def met(finished: Finished, reasons: Sequence[str]) -> str:
    """Return what stood in the way of a process that failed, or "": pure.

    The reasons are what its rows say of what failed.
    """
    said = [*reasons, *([finished.log] if finished.code else [])]
    words = "\n".join(said).lower()
    return uv.FULL if any(sign.lower() in words for sign in uv.FULL_SIGNS) else ""
