"""Pages that are more than a headline, its chart and its table: one module a section, same stem.

Each defines ``context(section, inputs)``, see
:func:`generator.pages.section_page.context`. Most hand what is their own to a common page:
``make(view)``, findings and blocks of a device, to :func:`generator.pages.question_page.context`;
``more(...)``, further entries of the context, to
:func:`generator.pages.section_page.section_context` or
:func:`generator.pages.framework_tables.context`.
"""
