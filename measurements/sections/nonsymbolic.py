"""Non-symbolic frameworks: those that execute at once. Nothing is timed here."""

from measurements.contract import Section

SECTION = Section(
    title="Non-symbolic frameworks",
    order=20,
    question="Which frameworks execute operations at once, and do they compute the same?",
)
