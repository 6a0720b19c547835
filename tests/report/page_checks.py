"""What has to be true of any page: it is HTML, it stands alone, and nothing of the data is a tag."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_VOID = {"meta"}


class Page(HTMLParser):
    """A page as a browser would take it apart; tags that are not closed in order are an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.tags, self.attributes, self.ids = "", [], [], []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == [], f"not closed: {self._open}"

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self._open.pop()

    def handle_endtag(self, tag):
        assert self._open, f"</{tag}> closes nothing"
        assert self._open.pop() == tag, f"</{tag}> is out of place"

    def handle_data(self, data):
        if self._open and self._open[-1] != "style":
            self.text += " " + data

    def sections(self) -> list[str]:
        """The anchors of the contents, in their order."""
        return [value[1:] for tag, name, value in self.attributes if (tag, name) == ("a", "href")]

    def attribute(self, tag: str, name: str) -> list[str]:
        return [value for own, key, value in self.attributes if (own, key) == (tag, name)]


def checked(text: str) -> Page:
    """The page, which is well-formed, has no script, loads nothing, and whose links and pictures all lead somewhere."""
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert not re.search(r"https?:|//[\w.]+/|@import|url\((?!#)", text)
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name in ("src", "xlink:href")]
    assert len(page.ids) == len(set(page.ids))
    targets = {value for _, name, value in page.attributes if name == "href"}
    targets |= {f"#{name}" for name in re.findall(r"url\(#([^)]*)\)", text)}
    assert targets <= {f"#{own}" for own in page.ids}
    assert page.tags.count("svg") == len(page.attribute("svg", "aria-label"))
    assert all(label.strip() for label in page.attribute("svg", "aria-label"))
    assert "nan" not in re.sub(r"[A-Za-z]{2,}nan|nan[A-Za-z]+", "", page.text)
    return page
