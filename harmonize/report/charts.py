"""Charts of the page as inline SVG, drawn by Vega-Lite (vl-convert). Without it there are none: the page shows the table of each.

An SVG is taken apart and put together again of the shapes, texts and attributes that are listed here, so that it brings no script, style,
font or address. Nothing in it is laid out by the width of letters: it is the same whatever fonts a machine has.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup, escape

_SVG = "{http://www.w3.org/2000/svg}"
_SHAPES = frozenset({"svg", "g", "path", "line", "rect", "circle", "text", "tspan"})
_ATTRIBUTES = frozenset(
    {"d", "transform", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "rx", "ry", "dx", "dy", "width", "height"}
    | {"fill", "fill-opacity", "opacity", "stroke", "stroke-width", "stroke-dasharray", "stroke-miterlimit"}
    | {"text-anchor", "font-size", "font-weight"}
)
_VALUE = re.compile(r"[\w#.,()%+\- ]*")
_LABEL = 42
_LEFT, _RIGHT, _TOP, _BOTTOM, _ROW, _WIDTH = 290, 24, 8, 30, 24, 440
INK, GRID = "#3d4450", "#c9ced6"
PALETTE = ("#0072b2", "#56b4e9", "#009e73", "#e69f00", "#d55e00", "#7a7f87", "#cc79a7")
"""Okabe and Ito, Color Universal Design: told apart by people who are colour-blind."""


class Part(NamedTuple):
    """A part of every bar: its name and its colour."""

    name: str
    colour: str


class Bar(NamedTuple):
    """A bar: its label and a number for each part."""

    label: str
    numbers: tuple[int, ...]


def is_available() -> bool:
    """Whether charts can be drawn here."""
    try:
        import vl_convert  # noqa: F401
    except ImportError:
        return False
    return True


def stacked_bars(name: str, parts: Sequence[Part], bars: Sequence[Bar], *, as_share: bool) -> Markup | None:
    """A bar for each of *bars*, cut into *parts*, from 0 to 100 % where it is *as_share*; None where nothing can be drawn."""
    values = [
        {"row": f"{index}", "part": part.name, "order": order, "number": number}
        for index, bar in enumerate(bars)
        for order, (part, number) in enumerate(zip(parts, bar.numbers, strict=True))
    ]
    colours = {"domain": [part.name for part in parts], "range": [part.colour for part in parts]}
    x: dict[str, Any] = {"field": "number", "type": "quantitative", "stack": "normalize" if as_share else "zero"}
    layer = {
        "mark": {"type": "bar", "stroke": "#ffffff", "strokeWidth": 1, "height": 16},
        "encoding": {
            "y": _rows(bars),
            "x": {**x, "title": None, "axis": _axis("%" if as_share else "~s")},
            "color": {"field": "part", "type": "nominal", "scale": colours, "legend": None},
            "order": {"field": "order"},
        },
    }
    return _drawn(name, bars, [layer], values)


def pareto(name: str, bars: Sequence[Bar], whole: int) -> Markup | None:
    """Bars by number, greatest first, with a line of the share that they make up together of *whole*."""
    values, so_far = [], 0
    for index, bar in enumerate(bars):
        so_far += bar.numbers[0]
        values.append({"row": f"{index}", "order": index, "share": bar.numbers[0] / whole, "together": so_far / whole})
    x = {"type": "quantitative", "title": None, "scale": {"domain": [0, 1]}, "axis": _axis("%")}
    order = {"field": "order", "type": "quantitative"}
    layers = [
        {
            "mark": {"type": "bar", "color": PALETTE[4], "height": 16},
            "encoding": {"y": _rows(bars), "x": {**x, "field": "share"}},
        },
        {
            "mark": {"type": "line", "color": INK, "point": {"color": INK, "size": 30}},
            "encoding": {"y": _rows(bars), "x": {**x, "field": "together"}, "order": order},
        },
    ]
    return _drawn(name, bars, layers, values)


def dots(name: str, parts: Sequence[Part], bars: Sequence[Bar], wholes: Sequence[tuple[int, ...]]) -> Markup | None:
    """A row for each of *bars* with a dot for each part, at its share of the number in *wholes*; no dot where that is 0."""
    values = [
        {"row": f"{index}", "part": part.name, "share": number / whole}
        for index, (bar, whole_of) in enumerate(zip(bars, wholes, strict=True))
        for part, number, whole in zip(parts, bar.numbers, whole_of, strict=True)
        if whole
    ]
    colours = {"domain": [part.name for part in parts], "range": [part.colour for part in parts]}
    layer = {
        "mark": {"type": "point", "filled": True, "size": 90, "opacity": 0.9},
        "encoding": {
            "y": _rows(bars),
            "x": {"field": "share", "type": "quantitative", "title": None, "axis": _axis("%")},
            "color": {"field": "part", "type": "nominal", "scale": colours, "legend": None},
            "shape": {"field": "part", "type": "nominal", "scale": {"domain": colours["domain"]}, "legend": None},
        },
    }
    return _drawn(name, bars, [layer], values)


def _rows(bars: Sequence[Bar]) -> dict[str, Any]:
    domain = [f"{index}" for index in range(len(bars))]
    return {"field": "row", "type": "nominal", "title": None, "scale": {"domain": domain}, "axis": None}


def _axis(form: str) -> dict[str, Any]:
    return {"format": form, "tickCount": 5, "labelOverlap": False, "labelFlush": False, "domain": False, "ticks": False}


def _drawn(name: str, bars: Sequence[Bar], layers: list[dict[str, Any]], values: list[dict[str, Any]]) -> Markup | None:
    if not values or not is_available():
        return None
    import vl_convert

    height = _ROW * len(bars)
    specification = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "width": _WIDTH,
        "height": height,
        "padding": {"left": _LEFT, "right": _RIGHT, "top": _TOP, "bottom": _BOTTOM},
        "autosize": {"type": "none"},
        "background": None,
        "data": {"values": values},
        "layer": layers,
        "config": {
            "axis": {"labelColor": INK, "labelFontSize": 12, "gridColor": GRID, "labelPadding": 6},
            "view": {"stroke": None},
        },
    }
    drawn = vl_convert.vegalite_to_svg(specification, vl_version="6.4", allowed_base_urls=[])
    size = (_LEFT + _WIDTH + _RIGHT, _TOP + height + _BOTTOM)
    return Markup(_labelled(name, bars, size, clean_svg(drawn)))  # noqa: S704 - clean_svg lets nothing but shapes through


def _labelled(name: str, bars: Sequence[Bar], size: tuple[int, int], shapes: str) -> str:
    """The shapes with a name for those who do not see them, and the labels of the rows."""
    labels = "".join(
        f'<text x="{_LEFT - 10}" y="{_TOP + _ROW * index + _ROW // 2 + 4}" text-anchor="end" font-size="12" fill="{INK}">'
        f"{escape(shortened(bar.label))}</text>"
        for index, bar in enumerate(bars)
    )
    width, height = size
    return (
        f'<svg role="img" aria-label="{escape(name)}" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f"{labels}{shapes}</svg>"
    )


def shortened(label: str, most: int = _LABEL) -> str:
    """*label*, cut where it is longer than a chart has room for."""
    return label if len(label) <= most else label[: most - 1] + "…"


def clean_svg(text: str) -> str:
    """What stands in the SVG *text*: its shapes and texts alone, with the attributes that are listed; without anything that is empty.

    >>> clean_svg('<svg xmlns="http://www.w3.org/2000/svg"><script/><rect x="1" fill="url(#a)" onload="b"/></svg>')
    '<rect x="1"/>'
    """
    root = ET.fromstring(text)  # noqa: S314 - made by vl-convert in this process
    return "".join(_clean(child) for child in root)


def _clean(element: ET.Element) -> str:
    name = element.tag.removeprefix(_SVG)
    if name not in _SHAPES or element.get("display") == "none" or element.get("class") in ("background", "foreground"):
        return ""
    inside = escape(element.text or "") if name in ("text", "tspan") else ""
    inside += "".join(_clean(child) for child in element)
    if not inside and name in ("g", "text", "tspan"):
        return ""
    attributes = _attributes(element.attrib)
    return f"<{name}{attributes}>{inside}</{name}>" if inside else f"<{name}{attributes}/>"


def _attributes(given: Mapping[str, str]) -> str:
    kept = {
        name: value
        for name, value in given.items()
        if name in _ATTRIBUTES and _VALUE.fullmatch(value) and "url" not in value.lower()
    }
    return "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
