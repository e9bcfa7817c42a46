"""Pages that are more than a headline, its chart and its table: one module a section, same stem.

Each defines ``context(section, inputs, known, draw)``, see
:func:`generator.pages.section_page.context`. A page of blocks defines ``make(view)`` and hands it
to :func:`generator.pages.question_page.context`.
"""
