"""What of a page shows: the CSS and the attributes by which HTML hides text, for `markup`.

Declarations are read more broadly than a browser reads them (a comment or a quoted semicolon may end one here), so that
what a browser takes for hidden is never missed for a trick of notation.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

Attributes = Mapping[str, str]
Color = tuple[float, float, float, float] | str
"""Red, green, blue from 0 to 255 and opacity from 0 to 1; or the name of a colour that is not near white."""

ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\n\r\f]?|(.))", re.DOTALL)
COMMENT = re.compile(r"/\*.*?(?:\*/|$)", re.DOTALL)
# Of strings and addresses nothing is a comment; a string ends with its line at the latest.
OPAQUE = re.compile(
    r"""/\*.*?(?:\*/|$)|"(?:\\.|[^"\\\n])*(?:["\n]|$)|'(?:\\.|[^'\\\n])*(?:['\n]|$)|(url\([^)"']*\))""",
    re.DOTALL,
)
EDGES = " \t\n\r\f{}"
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
SIZE = re.compile(r"(?:^|\s)(0|(?:\d+\.?\d*|\.\d+)(?:px|pt|em|rem|%))(?=[\s/])")
COLOR = re.compile(r"#[0-9a-f]{3,8}\b|(?:rgb|hsl)a?\([^)]*\)|[a-z]+")
RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
SELECTOR = re.compile(r"([.#]?)([\w\u0080-\U0010ffff-]+)|\*")

FAR, FARTHER = -500, 5000
"""Pixels (or any other unit) that are out of sight: before the edge, or so far behind it that nobody goes there."""

MOST_RULES = 200
"""Rules that hide and are compared one by one; of a sheet with more any element may be meant."""

CLOSE = 48
"""Difference of two colours, summed over red, green and blue, that no eye sees as text."""

NAMES: Mapping[str, Color] = {
    "white": (255, 255, 255, 1), "snow": (255, 250, 250, 1), "ghostwhite": (248, 248, 255, 1),
    "whitesmoke": (245, 245, 245, 1), "ivory": (255, 255, 240, 1), "floralwhite": (255, 250, 240, 1),
    "mintcream": (245, 255, 250, 1), "azure": (240, 255, 255, 1), "aliceblue": (240, 248, 255, 1),
    "honeydew": (240, 255, 240, 1), "seashell": (255, 245, 238, 1), "lavenderblush": (255, 240, 245, 1),
    "black": (0, 0, 0, 1), "red": (255, 0, 0, 1), "lime": (0, 255, 0, 1), "blue": (0, 0, 255, 1),
    "yellow": (255, 255, 0, 1), "navy": (0, 0, 128, 1), "green": (0, 128, 0, 1), "maroon": (128, 0, 0, 1),
    "gray": (128, 128, 128, 1), "grey": (128, 128, 128, 1), "silver": (192, 192, 192, 1),
    "transparent": (0, 0, 0, 0), "none": (0, 0, 0, 0),
}  # fmt: skip
WHITE, BLACK = NAMES["white"], NAMES["black"]
KEYWORDS = frozenset({"inherit", "unset", "revert", "revert-layer", "currentcolor"})

# By these a browser draws nothing of an element and of all that is inside, whatever that says.
GONE: Mapping[str, re.Pattern[str]] = {
    "display": re.compile("none"),
    "content-visibility": re.compile("hidden"),
    "mso-hide": re.compile("all"),
    "filter": re.compile(r"opacity\(\s*0*\.?0*[%)]|opacity\(\s*0?\.0"),
    "clip": re.compile("rect"),
    "clip-path": re.compile("^(?!none)"),
    "transform": re.compile(r"scale\w*\(\s*0*\.?0*[,)]"),
}
FACTORS = frozenset({"opacity", "zoom", "scale"})
OFFSETS = re.compile("left|right|top|bottom|inset.*|margin.*|text-indent|letter-spacing|transform|translate")
BOXES = frozenset({"height", "width", "max-height", "max-width", "line-height"})
FUNCTION = re.compile(r"\b(?:calc|min|max|clamp|var|env|attr)\(")
JUDGED = GONE.keys() | FACTORS | BOXES | {"visibility", "font-size", "font", "color", "text-indent"}


# --- style sheets -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """The last part of a selector whose rule hides: an element that has all of it may be hidden."""

    tag: str
    classes: frozenset[str]
    id: str

    def meets(self, tag: str, attributes: Attributes) -> bool:
        """Whether an element may be meant. What stands around it is not looked at."""
        own = frozenset(attributes.get("class", "").lower().split())
        return (
            self.tag in {"", tag}
            and self.classes <= own
            and self.id in {"", attributes.get("id", "").strip().lower()}
        )


Sheet = Sequence[Rule]


def sheet(text: str) -> Sheet:
    """The rules of style sheets that hide, those for some screens alone included."""
    plain = COMMENT.sub("", _resolved(text))
    found: list[Rule] = []
    for selectors, body in RULE.findall(plain):
        look = Look().styled(body)
        if look.hidden or look.doubtful:
            found += [_rule(selector) for selector in selectors.split(",")]
    distinct = list(dict.fromkeys(found))
    return distinct if len(distinct) <= MOST_RULES else [Rule("", frozenset(), "")]


def _rule(selector: str) -> Rule:
    # Attributes and states could be anything, so they are taken to be met.
    bare = re.sub(r"\[[^\]]*\]?|::?[\w-]+(?:\([^)]*\))?", "", selector)
    last = (re.split(r"[\s>+~]+", bare.strip()) or [""])[-1]
    parts = SELECTOR.findall(last)
    return Rule(
        tag=next((name for kind, name in parts if not kind), ""),
        classes=frozenset(name for kind, name in parts if kind == "."),
        id=next((name for kind, name in parts if kind == "#"), ""),
    )


# --- elements ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Look:
    """How text shows at one place of the page; black on white where nothing else is said."""

    gone: bool = False
    small: bool = False
    unseen: bool = False
    color: Color | None = BLACK
    back: Color | None = WHITE
    doubt: bool = False

    @property
    def hidden(self) -> bool:
        """Whether a person sees nothing of it."""
        return self.gone or self.small or self.unseen or _clear(self.color) or _alike(self.color, self.back)

    @property
    def doubtful(self) -> bool:
        """Whether a person may see nothing of it: by a style sheet, an unknown colour, or white on a picture."""
        return self.doubt or self.color is None or (self.back is None and _alike(self.color, WHITE))

    def inside(self, tag: str, attributes: Attributes, rules: Sheet) -> Look:
        """How the text of an element shows that stands here."""
        look = self
        if tag == "a":
            look = replace(look, color="link")
        if "hidden" in attributes or "popover" in attributes:
            look = replace(look, gone=True)
        if (tag == "details" and "open" not in attributes) or any(
            rule.meets(tag, attributes) for rule in rules
        ):
            look = replace(look, doubt=True)
        if color := attributes.get("bgcolor"):
            look = look.styled(f"background:{color}")
        if color := attributes.get("color"):
            look = look.styled(f"color:{color}")
        return look.styled(attributes.get("style", ""))

    def styled(self, style: str) -> Look:
        """The look under declarations: of all ways to read them, the one that hides the most."""
        looks = [self._under(form) for form in _forms(style)] if style else [self]
        return max(looks, key=lambda look: (look.hidden, look.doubtful))

    def _under(self, given: Sequence[tuple[str, str]]) -> Look:
        look = self
        for name, value in given:
            look = look._declared(name, value) if value else look
        clipped = any(name.startswith("overflow") and value != "visible" for name, value in given)
        if clipped and any(name in BOXES and _tiny(value) for name, value in given):
            look = replace(look, gone=True)
        return look

    def _declared(self, name: str, value: str) -> Look:
        if name in GONE and GONE[name].search(value):
            return replace(self, gone=True)
        if (name in FACTORS and _factor(value) < 0.1) or (OFFSETS.fullmatch(name) and _far(name, value)):
            return replace(self, gone=True)
        if name in JUDGED and FUNCTION.search(value):
            return replace(self, doubt=True)
        if name == "visibility":
            return replace(self, unseen=value in {"hidden", "collapse"})
        if name in {"font-size", "font"}:
            return self._sized(value if name == "font-size" else _size_of(value))
        if name in {"color", "-webkit-text-fill-color"} and value not in KEYWORDS:
            return replace(self, color=_color(value))
        if name in {"background", "background-color", "background-image"}:
            return self._backed(value)
        return self

    def _sized(self, value: str) -> Look:
        """Under a font size. Percent and em are of the size around, so that they cannot undo a size of zero."""
        found = NUMBER.match(value)
        if not found:
            return (
                replace(self, small=False)
                if value and value not in KEYWORDS | {"smaller", "larger"}
                else self
            )
        number, unit = float(found[0]), value[found.end() :].strip()
        if unit in {"em", "%", "ex", "ch", "lh", "cap", "ic"}:
            return replace(self, small=self.small or number <= (10 if unit == "%" else 0.1))
        return replace(self, small=number <= (2 if unit in {"px", "pt", ""} else 0.1))

    def _backed(self, value: str) -> Look:
        if "url(" in value or "gradient(" in value or "image(" in value or "var(" in value:
            return replace(self, back=None)
        colors = [_color(word) for word in COLOR.findall(value)]
        # Words such as no-repeat are no colours; of a colour that is mixed with what is behind, the most counts.
        solid = [each for each in colors if isinstance(each, tuple) and each[3] > 0.5]
        named = [each for each in colors if isinstance(each, str)]
        if solid or (len(colors) == 1 and named):
            return replace(self, back=(solid or named)[0])
        return self


# --- values -----------------------------------------------------------------------------------------------


def _forms(style: str) -> Iterator[list[tuple[str, str]]]:
    """Declarations in lower case, read as a browser should read them, and as if strings were nothing."""
    faithful = OPAQUE.sub(lambda found: found[1] or ";"[: found[0].endswith("\n")], style)
    for form in dict.fromkeys((_resolved(faithful), _resolved(style))):
        parts = (COMMENT.sub("", part).partition(":") for part in form.split(";"))
        yield [(name.strip(EDGES), value.partition("!")[0].strip(EDGES)) for name, _, value in parts]


def _resolved(text: str) -> str:
    """CSS without escapes, in lower case."""

    def sign(found: re.Match[str]) -> str:
        number = int(found[1], 16) if found[1] else 0
        return found[2] or (chr(number) if 0 < number < 0x110000 else "\ufffd")

    return ESCAPE.sub(sign, text).lower()


def _factor(value: str) -> float:
    found = NUMBER.match(value)
    return float(found[0]) / (100 if value.endswith("%") else 1) if found else 1.0


def _far(name: str, value: str) -> bool:
    numbers = [float(number) for number in NUMBER.findall(value)]
    whole_line = name == "text-indent" and value.endswith("%") and max(numbers, default=0) >= 90
    return whole_line or any(number <= FAR or number >= FARTHER for number in numbers)


def _tiny(value: str) -> bool:
    found = NUMBER.match(value)
    return bool(found) and (
        float(found[0]) == 0 or (float(found[0]) <= 1 and value[found.end() :].strip() in {"px", "pt", ""})
    )


def _size_of(font: str) -> str:
    found = SIZE.search(font + " ")
    return found[1] if found else ""


def _color(value: str) -> Color | None:
    """A colour; None if it is in a form that is not read here."""
    if value in NAMES:
        return NAMES[value]
    if value.isalpha():
        return value
    if value.startswith("#"):
        return _hex(value[1:])
    kind, _, inside = value.partition("(")
    if kind not in {"rgb", "rgba", "hsl", "hsla"}:
        return None
    parts = [
        (float(number), value_ == "%") for number, value_ in re.findall(rf"({NUMBER.pattern})(%?)", inside)
    ]
    if len(parts) not in {3, 4}:
        return None
    opacity = parts[3][0] / (100 if parts[3][1] else 1) if len(parts) == 4 else 1.0
    if kind.startswith("hsl"):
        rgb = colorsys.hls_to_rgb(parts[0][0] / 360, parts[2][0] / 100, parts[1][0] / 100)
        return rgb[0] * 255, rgb[1] * 255, rgb[2] * 255, opacity
    red, green, blue = (number * (2.55 if percent else 1) for number, percent in parts[:3])
    return red, green, blue, opacity


def _hex(digits: str) -> Color | None:
    if not re.fullmatch("[0-9a-f]+", digits) or len(digits) not in {3, 4, 6, 8}:
        return None
    wide = digits if len(digits) > 4 else "".join(digit * 2 for digit in digits)
    red, green, blue, opacity = (int((wide + "ff")[at : at + 2], 16) for at in (0, 2, 4, 6))
    return red, green, blue, opacity / 255


def _clear(color: Color | None) -> bool:
    return isinstance(color, tuple) and color[3] < 0.1


def _alike(one: Color | None, other: Color | None) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return sum(abs(a - b) for a, b in zip(one[:3], other[:3], strict=True)) <= CLOSE
    return isinstance(one, str) and one == other
