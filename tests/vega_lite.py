"""Whether a specification is valid Vega-Lite."""

import functools
import importlib.resources
import json

import jsonschema


def validate(specification):
    """Hold a whole specification against the schema once; ``from_dict`` does so at every level."""
    _schema().validate(specification)


@functools.cache
def _schema():
    folder = importlib.resources.files("altair.vegalite.v6.schema")
    text = (folder / "vega-lite-schema.json").read_text(encoding="utf-8")
    return jsonschema.Draft7Validator(json.loads(text))
