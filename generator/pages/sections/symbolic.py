"""Pure: the page that says who the symbolic frameworks are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from generator import formatting
from generator.pages.framework_tables import gaps_table, modes_table, of_kind, who_they_are
from generator.pages.inputs import claim_views, main_figures

if TYPE_CHECKING:
    from generator.analysis.panels import Figures
    from generator.catalog.model import Section
    from generator.pages.inputs import Draw, Inputs


def context(
    section: Section,
    inputs: Inputs,
    known: Mapping[tuple[str, str], Figures],
    draw: Draw,  # noqa: ARG001 - pages are made alike
) -> dict[str, Any]:
    """Return the context of the page; nothing is drawn."""
    frameworks = of_kind(inputs.catalog.frameworks, "symbolic")
    both = [f.name for f in of_kind(frameworks, "imperative")]
    names = formatting.listing([framework.name for framework in frameworks])
    findings = [f"{names} build a graph of operations, {len(frameworks)} frameworks of this kind."]
    if both:
        verb = "executes" if len(both) == 1 else "execute"
        findings.append(
            f"{formatting.listing(both)} {verb} both ways today, eagerly or as a graph: the line"
            " that the article drew between frameworks now runs through them."
        )
    return who_they_are(frameworks) | {
        "title": section.title,
        "description": section.question,
        "findings": findings,
        "modes": modes_table(frameworks, "symbolic"),
        "gaps": gaps_table(frameworks),
        "claims": claim_views(inputs.book, section.id, main_figures(inputs, known)),
    }
