"""A page that grows is served, and loaded again after each build."""

import re
import urllib.request

from generator.site import content_security_policy, live


def test_a_browser_is_told_of_each_build_and_may_hear_it(tmp_path):
    built = []

    def build():
        built.append(tmp_path / "index.html")
        page = f"<html><head><meta charset='utf-8'></head><body>{len(built)}</body></html>"
        page, _ = content_security_policy.secured(page, ".")
        built[-1].write_text(page)
        return built[-1]

    def get(address):
        with urllib.request.urlopen(address, timeout=60) as answer:
            return answer.read().decode()

    with live.served(build) as page:
        assert built == []
        address = page()
        assert address.startswith("http://127.0.0.1:")
        first = get(address)
        assert "<body>1" in first
        assert content_security_policy.POLICY not in first, "it forbids the script that listens"
        epoch = re.search(r"livereload\((\d+), ", first)[1]
        with live.served(build) as other:
            assert other() != address, "two at a time are served under two addresses"
        assert page() == address
        assert int(get(f"{address}livereload/{epoch}/1")) > int(epoch)  # waits until it is told
        assert "<body>3" in get(address)
