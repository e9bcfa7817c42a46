"""Pure: the page that says who the symbolic frameworks are."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from generator import formatting
from generator.analysis.panels import Figures
from generator.catalog.model import Framework
from generator.pages import framework_tables
from generator.pages.framework_tables import gaps_table, of_kind
from generator.pages.parts import Block, Bullet, Part
from generator.pages.urls import slug


def own(frameworks: tuple[Framework, ...], figures: Figures | None, part: Part) -> Part:  # noqa: ARG001 - pages are made alike
    """Say which frameworks build a graph, which of them run eagerly too, and what none can do."""
    lead = formatting.listing([framework.name for framework in frameworks])
    both = [f.name for f in of_kind(frameworks, "imperative")]
    verb = "runs" if len(both) == 1 else "run"
    text = (
        f"{formatting.listing(both)} {verb} the same programs eagerly as well:"
        " the line that the article drew between frameworks now runs through them."
    )
    name, gaps = "What they say they cannot do", gaps_table(frameworks)
    return replace(
        part,
        lead=lead,
        answer=f"{lead} build a graph of operations.",
        bullets=(Bullet(text),) if both else (),
        folds=(*part.folds, Block(name, slug(name), "", (gaps,))),
    )


context = partial(framework_tables.context, kind="symbolic", own=own)
