"""The pieces that pages are built from."""

from evalsvc.report.html.markup import Html, beside, block, figure, folded, note, part, section, table, text, toned


def test_text_is_escaped_once_and_markup_not_at_all() -> None:
    assert text("<b>\n'x'") == "&lt;b&gt; &#x27;x&#x27;"
    assert text(text("<b>")) == "&lt;b&gt;"
    assert type(text("a") + "b") is str  # what is put together by hand is no finished markup


def test_line_ends_stay_in_blocks() -> None:
    assert block("a\r\n  <b>\x1b[31m") == '<span class="lines">a\n  &lt;b&gt;</span>'


def test_cells_headings_and_captions_are_text_unless_they_are_markup() -> None:
    html = table(("<h>", "n"), [("<a>", Html("<b>1</b>"))], caption="<c>")
    assert "<h>" not in html
    assert "<a>" not in html
    assert "<c>" not in html
    assert "<b>1</b>" in html


def test_numbers_stand_to_the_right_and_words_do_not() -> None:
    html = table(("name", "value", "why"), [("a", "1", "b")], caption="c", words=(2,))
    assert '<th scope="col">name</th><th scope="col" class="num">value</th><th scope="col">why</th>' in html
    assert '<th scope="row">a</th><td class="num">1</td><td>b</td>' in html


def test_what_has_no_content_is_not_there() -> None:
    assert [
        table(("a",), [], caption="c"),
        section("a", "A", "", ""),
        part("A"),
        figure("", "c"),
        folded("more", ""),
        note("", ""),
        beside("", ""),
    ] == [""] * 7


def test_one_section_alone_stands_beside_nothing() -> None:
    assert beside("", "<p>a</p>") == "<p>a</p>"
    assert beside("<p>a</p>", "<p>b</p>") == '<div class="beside"><p>a</p><p>b</p></div>'


def test_tones_are_words_in_a_colour() -> None:
    assert toned("bad", "<failed>") == '<span class="bad">&lt;failed&gt;</span>'
