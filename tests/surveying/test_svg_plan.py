from __future__ import annotations

import base64
import sys
from xml.etree import ElementTree

import pytest

from localizer.errors import PlanError
from localizer.surveying.plans import read_plan
from tests.surveying.test_plans import drawn, png_that_says

NS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def svg(inside: str, attributes: str = 'width="1200" height="800"') -> bytes:
    return f"<svg {NS} {attributes}>{inside}</svg>".encode()


def refusal(data: bytes) -> str:
    with pytest.raises(PlanError) as caught:
        read_plan(data)
    return caught.value.reason


def test_a_drawing_keeps_what_it_draws() -> None:
    inside = '<g id="a"><path d="M0 0L9 9" style="fill:url(#g)"/><text x="1">A &amp; B</text></g>'
    plan = read_plan(svg(f'<defs><linearGradient id="g"/></defs>{inside}<use xlink:href="#a"/>'))
    assert (plan.media_type, plan.size_px) == ("image/svg+xml", (1200, 800))
    text = plan.data.decode()
    for part in ('d="M0 0L9 9"', "url(#g)", "A &amp; B", 'xlink:href="#a"', "<linearGradient"):
        assert part in text
    assert read_plan(plan.data) == plan


def test_what_does_not_draw_is_left_out() -> None:
    plan = read_plan(
        b'<?xml version="1.0"?><?xml-stylesheet href="http://evil.example/a.css"?>'
        + svg(
            '<!-- who drew it --><metadata>me</metadata><s:view xmlns:s="urn:editor" s:zoom="3"/>'
            '<rect xmlns:i="urn:editor" i:label="office" width="3"/>'
        )
    )
    for part in (b"evil", b"who drew", b"metadata", b"editor", b"office"):
        assert part not in plan.data
    assert b"<rect" in plan.data


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<SCRIPT>alert(1)</SCRIPT>",
        '<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>',
        "<metadata><script>1</script></metadata>",
        "<foreignObject><p>x</p></foreignObject>",
        '<rect onclick="alert(1)"/>',
        '<rect ONload="alert(1)"/>',
        '<rect><animate attributeName="href" to="javascript:alert(1)"/></rect>',
        '<g><g><set attributeName="onclick" to="alert(1)"/></g></g>',
        '<iframe xmlns="http://www.w3.org/1999/xhtml"/>',
    ],
)
def test_what_runs_is_refused(inside: str) -> None:
    assert refusal(svg(inside)) == "active_content"


def test_a_handler_on_the_root_is_refused() -> None:
    assert refusal(svg("", 'width="9" height="9" onload="alert(1)"')) == "active_content"


@pytest.mark.parametrize(
    "inside",
    [
        '<image href="http://evil.example/a.png"/>',
        '<image xlink:href="file:///etc/passwd"/>',
        '<image href="other.png"/>',
        '<image href="data:image/svg+xml;base64,PHN2Zy8+"/>',
        '<use href="other.svg#a"/>',
        '<use href="data:image/png;base64,AAAA"/>',
        '<rect style="fill:url(http://evil.example/#a)"/>',
        "<rect fill=\"url( 'http://evil.example/' )\"/>",
        '<rect style="fill:u\\72l(//evil.example)"/>',
        '<rect style="fill:url/**/(a.svg)"/>',
        "<style>@import 'a.css';</style>",
        "<style>@font-face{src:url(a.woff)}</style>",
        "<style>rect{background:image-set('a.png' 1x)}</style>",
        '<g xml:base="http://evil.example/"><use href="#a"/></g>',
    ],
)
def test_what_points_outside_is_refused(inside: str) -> None:
    assert refusal(svg(inside)) == "external_reference"


def test_an_embedded_image_is_judged_by_its_header() -> None:
    def embedded(data: bytes) -> bytes:
        text = base64.b64encode(data).decode()
        return svg(f'<image href="data:image/png;base64,{text}"/>')

    assert b"data:image/png" in read_plan(embedded(drawn())).data
    assert refusal(embedded(png_that_says(20_000, 10_000))) == "too_many_pixels"
    assert refusal(embedded(b"<svg/>")) == "unknown_format"
    assert refusal(svg('<image href="data:image/png;base64,AAA"/>')) == "truncated"


@pytest.mark.parametrize(
    "start",
    [
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/svg11.dtd">',
        '<!DOCTYPE svg [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    ],
)
def test_a_dtd_is_refused(start: str) -> None:
    assert refusal(start.encode() + svg("")) == "entities"


def test_a_script_in_utf_16_is_seen_too() -> None:
    text = svg("<script>alert(1)</script>").decode()
    assert refusal(text.encode("utf-16")) == "active_content"


@pytest.mark.parametrize(
    ("attributes", "size_px"),
    [
        ('width="210mm" height="297mm"', (794, 1123)),
        ('width="1500px" height="500"', (1500, 500)),
        ('viewBox="0 0 24 16"', (1000, 667)),
        ('width="100%" height="100%" viewBox="0,0,2000,1000"', (2000, 1000)),
        ('width="100000" height="50000"', (4096, 2048)),
    ],
)
def test_the_size_is_what_a_browser_shows(attributes: str, size_px: tuple[int, int]) -> None:
    plan = read_plan(svg("<rect/>", attributes))
    assert plan.size_px == size_px
    root = ElementTree.fromstring(plan.data)
    assert (root.get("width"), root.get("height")) == tuple(map(str, size_px))
    assert root.get("viewBox")


@pytest.mark.parametrize("attributes", ["", 'width="0" height="9"', 'viewBox="0 0 a 9"'])
def test_a_drawing_without_a_size_is_refused(attributes: str) -> None:
    assert refusal(svg("", attributes)) == "no_size"


def test_other_xml_is_refused() -> None:
    assert refusal(b"<html><body/></html>") == "unknown_format"
    assert refusal(b"<svg/>") == "unknown_format"
    assert refusal(svg("<g>")) == "not_xml"


def test_deep_nesting_is_refused() -> None:
    assert refusal(svg("<g>" * 50_000 + "</g>" * 50_000)) == "too_costly"


def test_uses_that_multiply_are_refused() -> None:
    levels = "".join(
        f'<g id="l{i}">' + f'<use href="#l{i - 1}"/>' * 10 + "</g>" for i in range(1, 10)
    )
    assert refusal(svg(f'<g id="l0"><rect/></g>{levels}')) == "too_costly"
    assert refusal(svg('<g id="a"><use href="#a"/></g>')) == "too_costly"
    chain = "".join(f'<g id="c{i}"><use href="#c{i + 1}"/></g>' for i in range(5_000))
    assert refusal(svg(chain)) == "too_costly"


def test_without_defusedxml_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "defusedxml", None)
    assert refusal(svg("")) == "extra_missing"
