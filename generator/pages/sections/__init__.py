"""Pages that are more than a headline, its chart and its table: one module a section, same stem.

Each defines ``context(section, inputs, known, draw)``, see :func:`section_page.context`.
"""
