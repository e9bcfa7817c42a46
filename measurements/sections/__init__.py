"""One module a section of the article: its facts, and how it is measured."""
