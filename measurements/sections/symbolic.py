"""Symbolic frameworks: who they are. Nothing is timed; facts come from the framework folders."""

from measurements.contract import Section

SECTION = Section(
    title="Symbolic frameworks",
    order=10,
    question="Which frameworks build a graph, and who makes them?",
)
