"""Symbolic frameworks: who they are. Nothing is timed; facts come from the framework folders."""

from measurements.contract import Section

SECTION = Section(
    title="Symbolic frameworks",
    order=10,
    question="What are these frameworks, and which of the article's claims still hold?",
)
