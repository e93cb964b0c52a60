"""HTML from strangers -> the text that a person sees.

nh3 (ammonia on html5ever, the parser of a browser engine) makes of any markup the tree that a browser makes of it, and
writes that tree down balanced and without scripts, comments and titles; `_Reader` walks it once. What a person does not
see is left out and said to be; where only a style sheet or a form of CSS that is not judged here may hide it, it is
marked. A word too many may be left out, never one too few: declarations are read more broadly than a browser does.
"""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from taskip_mcp import styles
from taskip_mcp.outside import clean
from taskip_mcp.styles import Attributes, Look

if TYPE_CHECKING:
    import nh3

HIDDEN = "[hidden text left out]"
DOUBTFUL = "[may be hidden:"
IMAGE = "[image]"
REST = "[the rest of a very long text left out]"

LONGEST = 100_000
"""Characters of markup that are read; a tree can take time that grows with the square of its text."""

DEEPEST = 300
MOST_FORMATTED = 20
"""Open elements of a kind that are kept. A browser repeats open formatting in every later paragraph: many of them in
many paragraphs would be millions."""

LONGEST_TARGET = 200


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Every element that the HTML standard treats specially while it builds the tree is in one of these sets. Any other is
# the same to it as OTHER, by which it is replaced: nh3 keeps attributes of elements that it knows by name alone.
VOID = _names(
    "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr"
)
FORMATTING = _names("a b big code em font i nobr s small strike strong tt u")
# They end by themselves, so that an unclosed one is no deeper tree.
LINES = _names("caption colgroup dd dt li p tbody td tfoot th thead tr")
DEEP = _names(
    "address article aside blockquote button center details dir div dl fieldset figcaption figure footer form h1 h2 h3"
    " h4 h5 h6 header hgroup listing main marquee menu nav ol pre search section summary table ul"
)
# Places for HTML inside of pictures and formulas.
FOREIGN = _names("annotation-xml desc foreignobject mi mn mo ms mtext")
# What they hold is no text of the page, or shows instead of something else, or on a click.
DROPPED = _names(
    "applet audio canvas datalist dialog iframe math noembed noframes noscript object plaintext script select style svg"
    " template textarea title video xmp"
)
OTHER = "data"
KEPT = VOID | FORMATTING | LINES | DEEP | FOREIGN | {"span", OTHER}
BLOCKS = (DEEP | LINES) - {"td", "th", "button"}

TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
# An address in angle brackets, as plain text has it: `Tom <tom@x.example> wrote`.
ADDRESS = re.compile(r"<(?=(?:mailto:)?[^\s<>\"'=]+@[^\s<>\"'=]+>|https?://[^\s<>\"']+>)", re.IGNORECASE)
MARKUP = re.compile(
    r"<(?:/?(?:" + "|".join(sorted(KEPT | DROPPED | {"html", "head", "body"})) + r")(?=[\s/>])|!)",
    re.IGNORECASE,
)
SHEET = re.compile(r"<style>(.*?)</style>", re.DOTALL)
# A screenshot that was pasted into a mail; it would use up what is read of the text.
INLINE = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,[A-Za-z0-9+/=\s]{100,}")
SPACES = re.compile(r"[ \t\n\r\f\xa0]+")
# Where a point of a list and a further cell begin, until the line is whole; no text has these signs.
POINT, CELL = "\x1e", "\x1f"


def is_markup(text: str) -> bool:
    """Whether a text has an element of HTML in it; without one it is shown as it is."""
    return MARKUP.search(text) is not None


def to_text(markup: str) -> str:
    """What a person sees of HTML, line by line, with the target of every link."""
    markup = INLINE.sub("data:,", markup)
    same, doubt = _rewritten(ADDRESS.sub("&lt;", markup[:LONGEST]))
    reader = _Reader(styles.sheet(_sheets(same)), Look(doubt=doubt))
    # Formatting that the tree repeats can make it longer than its source.
    tree = _cleaner().clean(same)
    reader.feed(tree[: 4 * LONGEST])
    reader.close()
    cut = len(markup) > LONGEST or len(tree) > 4 * LONGEST
    return f"{reader.text()}\n{REST}" if cut else reader.text()


# --- the tree ---------------------------------------------------------------------------------------------


def _rewritten(markup: str) -> tuple[str, bool]:
    """The same without elements that nh3 does not know by name, and whether some were too deep.

    Those are replaced as well: as this can change what is inside what, all is in doubt then.
    """
    counts = {"deep": 0, "formatted": 0}
    limits = {"deep": DEEPEST, "formatted": MOST_FORMATTED}
    over = False

    def tag(found: re.Match[str]) -> str:
        nonlocal over
        slash, name = found[1], found[2].lower()
        if name not in KEPT | DROPPED:
            return f"<{slash}{OTHER}"
        kind = "deep" if name in DEEP else "formatted" if name in FORMATTING else ""
        if not kind:
            return found[0]
        # An end tag belongs to the element that was opened one level up.
        too_deep = counts[kind] - bool(slash) > limits[kind]
        counts[kind] = max(0, counts[kind] + (-1 if slash else 1))
        over = over or too_deep
        return f"<{slash}{OTHER}" if too_deep else found[0]

    return TAG.sub(tag, markup), over


@cache
def _cleaner() -> nh3.Cleaner:
    import nh3

    return nh3.Cleaner(
        tags=set(KEPT),
        clean_content_tags=set(DROPPED),
        attributes={
            "*": {"style", "class", "id", "hidden", "popover", "bgcolor"},
            "a": {"href"},
            "details": {"open"},
            "font": {"color"},
            "img": {"width", "height"},
        },
        url_schemes={"http", "https", "mailto", "tel"},
        link_rel=None,
    )


@cache
def _sheet_cleaner() -> nh3.Cleaner:
    import nh3

    return nh3.Cleaner(
        tags={"style"}, clean_content_tags=set(DROPPED - {"style"}), attributes={}, link_rel=None
    )


def _sheets(markup: str) -> str:
    """The text of all style sheets."""
    if "<style" not in markup.lower():
        return ""
    return "\n".join(SHEET.findall(_sheet_cleaner().clean(markup)))


# --- reading it -------------------------------------------------------------------------------------------


class _Reader(HTMLParser):
    """Walks the balanced tree and collects what shows."""

    def __init__(self, sheet: styles.Sheet, look: Look) -> None:
        super().__init__(convert_charrefs=True)
        self._sheet = sheet
        self._open: list[tuple[str, Look]] = [("", look)]
        self._links: list[tuple[str, int]] = []
        self._out: list[str] = []
        self._cells = 0
        self._doubted = False

    @property
    def _look(self) -> Look:
        return self._open[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Enter an element."""
        attributes: Attributes = {name: value or "" for name, value in attrs}
        look = self._look.inside(tag, attributes, self._sheet)
        self._begin(tag)
        if tag == "img":
            self._image(attributes, look)
        if tag in VOID:
            return
        self._open.append((tag, look))
        if tag == "a":
            self._links.append((attributes.get("href", ""), len(self._out)))

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        if tag in VOID or len(self._open) == 1:
            return
        if tag == "a" and self._links:
            self._link(*self._links.pop())
        self._open.pop()
        if tag in BLOCKS:
            self._put("\n")

    def handle_data(self, data: str) -> None:
        """Text, as it shows."""
        if self._look.hidden:
            # Blank text hides nothing; mails fill their hidden previews with it.
            if clean(data).strip():
                self._leave_out()
            return
        data = data.replace(POINT, "").replace(CELL, "")
        kept = any(tag == "pre" for tag, _ in self._open)
        text = data.replace("\xa0", " ").replace(" ", "\xa0") if kept else SPACES.sub(" ", data)
        self._doubt(self._look.doubtful and bool(clean(data).strip()))
        self._put(text)

    def _begin(self, tag: str) -> None:
        if tag in BLOCKS or tag in {"br", "hr"}:
            self._put("\n")
        if tag == "li":
            self._put(POINT)
        if tag == "tr":
            self._cells = 0
        if tag in {"td", "th"}:
            self._put(CELL if self._cells else "")
            self._cells += 1

    def _image(self, attributes: Attributes, look: Look) -> None:
        """A place for a picture. Its alternative text nobody sees beside it, and a dot that counts readers is none."""
        dot = {attributes.get("width"), attributes.get("height")} & {"0", "1"}
        if not dot and not look.hidden:
            self._put(IMAGE)

    def _link(self, href: str, start: int) -> None:
        """The target behind the text of a link, unless the text is the target."""
        target = shown_target(href)
        text = SPACES.sub(" ", "".join(self._out[start:])).strip()
        if target and not self._look.hidden and text not in {target, re.sub("^(mailto|tel):", "", target)}:
            self._put(f" ({target})" if text else f"({target})")

    def _leave_out(self) -> None:
        if HIDDEN not in self._out[-2:]:
            self._put(" ")
            self._put(HIDDEN)

    def _doubt(self, doubtful: bool) -> None:
        if doubtful and not self._doubted:
            self._put(f" {DOUBTFUL} ")
        elif self._doubted and not doubtful:
            # Behind the last word, not behind the end of its line.
            end = next(at for at in range(len(self._out), 0, -1) if self._out[at - 1].strip())
            self._out.insert(end, "] ")
        self._doubted = doubtful

    def _put(self, text: str) -> None:
        if text:
            self._out.append(text)

    def text(self) -> str:
        """All of it, without empty lines."""
        self._doubt(False)
        lines = (_line(line) for line in "".join(self._out).split("\n"))
        return "\n".join(line for line in lines if line).replace("\xa0", " ")


def _line(text: str) -> str:
    cells = (re.sub(" +", " ", cell).strip(" ").replace(f"{POINT} ", POINT) for cell in text.split(CELL))
    line = " | ".join(cell for cell in cells if cell)
    return "" if line == POINT else line.replace(POINT, "- ")


def shown_target(href: str) -> str:
    """Where a link leads, in a form that shows the real host: cut behind it, in ASCII, without a name before an @."""
    href = "".join(href.split())
    if href.startswith("#"):
        return ""
    try:
        parts = urlsplit(href)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return href[:LONGEST_TARGET]
    if parts.scheme not in {"http", "https"} or not host:
        return href[:LONGEST_TARGET]
    try:
        host = host.encode("idna").decode()
    except UnicodeError:
        host = host.encode("ascii", "backslashreplace").decode()
    rest = href.partition("//")[2][len(parts.netloc) :]
    shown = f"{parts.scheme}://{host}{f':{port}' if port else ''}{rest}"
    return shown if len(shown) <= LONGEST_TARGET else shown[: LONGEST_TARGET - 3] + "..."
