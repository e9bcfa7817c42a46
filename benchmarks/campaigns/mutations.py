"""Mutates bytes: bytes flipped and cut, lines doubled, values extreme or hostile."""

import csv
import io
import json
import random
import re

EVALUATED = "x_evaluated"
"""What is on a page only if Jinja computed a text that came from data."""

HOSTILE = (
    "<x-hostile>", "</script></code></div><x-hostile src=y onerror=alert(1)>",
    '" onx-hostile="alert(1)', "' onx-hostile='alert(1)", "[x](javascript:x-hostile)",
    "![x](javascript:x-hostile)", "{{ 'x_' ~ 'evaluated' }}", "{% raw %}", "a | b | `c` | d",
    "```\n<x-hostile>\n```\n", "/// details\n<x-hostile>", "]]><x-hostile/>", "x { onx-hostile=y }",
    "--8<-- 'mkdocs.yml'", "=1+1", "+1", "@x", "-x", "javascript:x-hostile", "../../../etc/passwd",
    "/etc/passwd", "\\..\\x", "C:\\x", "a\x00b", "\x1b[31m", "\u202eevil", "\u200b", "\ud7ff",
    "\U0001f600", "a\nb", "a\rb", "a\tb", "\u2028", "%s%n{0}{x}", "$(id)", "`id`", "~", "",
    " ", " x ", "x" * 501,
    "x" * 100_000, "again", "again x", "none", "null", "nan", "é", "\u0663", "batch 0", "batch x",
    "0 trips", "0 of 0", "2026-13-45T99:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    "20261231T235959Z-ffffff", "ok", "wrong", "failed", "partial", "https://x/<x-hostile>",
)  # fmt: skip
NUMBERS = (
    "0", "-0.0", "-1", "1", "1e308", "-1e308", "5e-324", "1e-60", "1e60", "1e400", "inf", "-inf",
    "nan", "NaN", "1_000", "0x10", "01", "1.", ".5", "+1", "999999999", "1000000000", "1e15",
    "9223372036854775808", "9" * 5000, "true", "1,5", "1e5", "100000", "1e-9",
)  # fmt: skip
ODD = (
    None,
    True,
    False,
    0,
    -1,
    1,
    10**400,
    1e308,
    0.5,
    float("nan"),
    [],
    {},
    [[]],
    [None],
    {"": 0},
)
TOML = (
    "true", "0", "-1", "1e308", "nan", "inf", "9223372036854775807", '""', '" "', "[]", "{}",
    "[[1]]", "[{}]", '[""]', "2026-01-01", "9999-12-31", "0001-01-01", "10:00:00",
    "2026-01-01T00:00:00Z",
)  # fmt: skip


def mutated(data: bytes, suffix: str, chance: random.Random) -> bytes:
    """Return the bytes of a file of one type, mutated one to three times."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        way = chance.choice((*[VALUES[suffix]] * 6, _flipped, _cut, _line, _ends, _encoded))
        try:
            data = way(data, chance)
        except (ValueError, IndexError, csv.Error, RecursionError):  # mutated too much already
            break
    return data


def _flipped(data, chance):
    flipped = bytearray(data)
    for _ in range(chance.choice((1, 1, 4, 64))):
        flipped[chance.randrange(len(flipped))] = chance.randrange(256)
    return bytes(flipped)


def _cut(data, chance):
    first, last = sorted(chance.randrange(len(data)) for _ in range(2))
    return chance.choice((data[:first], data[first:], data[:first] + data[last:], b""))


def _line(data, chance):
    lines = data.splitlines(keepends=True)
    at, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    lines[at] = chance.choice((lines[at] * 2, lines[at] * 50, lines[other], b"\n", b""))
    return b"".join(lines)


def _ends(data, chance):
    return chance.choice(
        (data.replace(b"\n", b"\r\n"), data.replace(b"\n", b"\r"), data.rstrip(), data + b"\n\n")
    )


def _encoded(data, chance):
    encoding = chance.choice(("utf-16", "utf-8-sig", "utf-32-le", "utf-7", "cp037"))
    return data.decode().encode(encoding)


def _cells(data, chance):
    """Replace a cell, or all that are equal in its column, so that the file agrees with itself."""
    head, *rows = csv.reader(io.StringIO(data.decode(), newline=""))
    row, column = chance.choice(rows), chance.randrange(len(head))
    old, others = row[column], [other[column] for other in rows]
    values = NUMBERS if head[column] in ("value", "block", "sample") else HOSTILE
    new = chance.choice((*values, chance.choice(others), chance.choice(row)))
    for other in rows if chance.random() < 0.5 else [row]:
        if other[column] == old:
            other[column] = new
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([head, *rows])
    return text.getvalue().encode("utf-8", "surrogatepass")


def _leaves(data, chance):
    """Replace, rename or remove one thing anywhere in a JSON document."""
    document = json.loads(data)
    places = []

    def walk(value):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            places.append((value, key))
            if isinstance(value[key], dict | list):
                walk(value[key])

    walk(document)
    holder, key = chance.choice(places)
    if chance.random() < 0.15:
        del holder[key]
    elif chance.random() < 0.1 and isinstance(holder, dict):
        holder[chance.choice(HOSTILE)] = holder.pop(key)
    else:
        same = isinstance(holder[key], str) and chance.random() < 0.7
        holder[key] = chance.choice(HOSTILE if same else (*ODD, *HOSTILE))
    return json.dumps(document, indent=1, ensure_ascii=chance.random() < 0.5).encode()


def _settings(data, chance):
    """Replace the value or the key of one line of TOML, or the name of a table."""
    lines = data.decode().split("\n")
    at = chance.choice([n for n, line in enumerate(lines) if re.match(r"[\w.\"-]+ = |\[", line)])
    name, equals, value = lines[at].partition(" = ")
    text = json.dumps(chance.choice(HOSTILE), ensure_ascii=chance.random() < 0.5)
    if not equals:
        lines[at] = re.sub(r"[\w-]+(?=\]+$)", lambda _: chance.choice((text, "x", '""')), name)
    elif chance.random() < 0.1:
        lines[at] = f"{text} = {value}"
    else:
        string = value.startswith('"') and chance.random() < 0.7
        lines[at] = f"{name} = {text if string else chance.choice((*TOML, text, f'[{text}]'))}"
    return "\n".join(lines).encode()


VALUES = {".csv": _cells, ".json": _leaves, ".toml": _settings, ".html": _line}
