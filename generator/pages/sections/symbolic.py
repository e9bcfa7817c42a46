"""Pure: the page that says who the symbolic frameworks are."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.pages import framework_tables
from generator.pages.framework_tables import gaps_table, of_kind

if TYPE_CHECKING:
    from generator.analysis.panels import Figures
    from generator.catalog.model import Framework


def more(frameworks: tuple[Framework, ...], figures: Figures | None) -> dict[str, Any]:  # noqa: ARG001 - pages are made alike
    """Return the findings and the declared gaps."""
    both = [f.name for f in of_kind(frameworks, "imperative")]
    names = formatting.listing([framework.name for framework in frameworks])
    findings = [f"{len(frameworks)} frameworks build a graph of operations: {names}."]
    if both:
        verb = "executes" if len(both) == 1 else "execute"
        findings.append(
            f"{formatting.listing(both)} {verb} programs both ways today, eagerly or as a graph."
            " The line that the article drew between frameworks now runs through them."
        )
    return {"findings": findings, "gaps": gaps_table(frameworks)}


context = partial(framework_tables.context, kind="symbolic", more=more)
