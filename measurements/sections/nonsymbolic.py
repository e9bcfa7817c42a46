"""Non-symbolic frameworks: those that execute eagerly. Nothing is timed here."""

from measurements.contract import Section

SECTION = Section(
    title="Non-symbolic frameworks",
    order=20,
    question="Which frameworks run eagerly, and do they compute the same?",
)
