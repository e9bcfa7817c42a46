"""Pages that are more than a headline, its chart and its table: one module a section, same stem.

Each defines ``context(section, inputs, known, draw)``, see :func:`section_page.context`. Most hand
what is their own to a common page: ``make(view)``, findings and blocks of a device, to
:func:`question_page.context`; ``more(...)``, further entries of the context, to
:func:`section_page.section_context` or :func:`framework_tables.context`.
"""
