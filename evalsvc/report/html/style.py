"""How every page looks: colours of a light and of a dark sheet by name, and the rules that use them.

Drawings take their colours from the same names: `stroke: var(--series-1)`. Rules whose selectors start with `&` are of the
first screen, which notebooks show too: `&` is where it stands.
"""

from collections.abc import Mapping
from typing import Final

Colours = Mapping[str, str]

LIGHT: Final[Colours] = {
    "ink": "#1c2126",
    "faint": "#59636e",
    "line": "#d8dde2",
    "paper": "#ffffff",
    "panel": "#f4f6f8",
    "good": "#1a7446",
    "bad": "#b42318",
    "warn": "#8a5a00",
    "accent": "#1f5fa8",
    "heat": "31 95 168",
    "heat-wrong": "184 80 12",
    "series-1": "#1f5fa8",
    "series-2": "#b8500c",
    "series-3": "#1a7446",
    "series-4": "#8440a8",
    "series-5": "#b01e5e",
    "series-6": "#5f6a00",
}
DARK: Final[Colours] = {
    "ink": "#e4e7ea",
    "faint": "#9ba6b1",
    "line": "#363e46",
    "paper": "#14181c",
    "panel": "#1d2329",
    "good": "#54c28a",
    "bad": "#ff8375",
    "warn": "#e0b04a",
    "accent": "#78b1f2",
    "heat": "120 177 242",
    "heat-wrong": "240 151 90",
    "series-1": "#78b1f2",
    "series-2": "#f0975a",
    "series-3": "#54c28a",
    "series-4": "#c79af0",
    "series-5": "#f58bb5",
    "series-6": "#c3c95a",
}
# Notebooks have sheets of either kind and do not say of which: words take their colour, and what is drawn lies in the middle.
BETWEEN: Final[Colours] = {
    "ink": "currentColor",
    "faint": "currentColor",
    "line": "rgb(128 128 128 / .4)",
    "paper": "transparent",
    "panel": "rgb(128 128 128 / .15)",
    "good": "#2e9d62",
    "bad": "#d64545",
    "warn": "#c58a1b",
    "accent": "#4a86c8",
}
# The most of a colour that a cell is tinted with, so that ink on it is still read.
MOST_TINT: Final = 0.5


def page_style() -> str:
    """The style of a whole page."""
    dark, light = _colours(DARK), _colours(LIGHT)
    return (
        f":root{{color-scheme:light;{light}}}"
        f":root:has(#other-sheet:checked){{color-scheme:dark;{dark}}}"
        f"@media (prefers-color-scheme:dark){{:root{{color-scheme:dark;{dark}}}"
        f":root:has(#other-sheet:checked){{color-scheme:light;{light}}}}}"
        f"{_FIRST_SCREEN.replace('&', ':where(main)')}{_PAGE.replace('@TINT@', str(MOST_TINT))}"
        f"@media print{{:root,:root:has(#other-sheet:checked){{color-scheme:light;{light}}}{_PRINT}}}"
    )


def notebook_style(scope: str) -> str:
    """The style of the first screen alone, below the class `scope`; nothing else of the notebook is touched."""
    return f".{scope}{{{_colours(BETWEEN)}}}" + (_NOTEBOOK + _FIRST_SCREEN).replace("&", f".{scope}")


def _colours(colours: Colours) -> str:
    return "".join(f"--{name}:{value};" for name, value in colours.items())


# Numbers in columns, tables, the scale of an interval, the bar of outcomes, the words of the verdict.
_FIRST_SCREEN: Final = """
& .num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
& .good{color:var(--good)}
& .bad{color:var(--bad)}
& .warn{color:var(--warn)}
& .faint{color:var(--faint)}
& td>.good,& td>.bad,& td>.warn{white-space:nowrap}
& th small{display:block;color:var(--faint);font-size:.87em}
& .lines{white-space:pre-wrap;overflow-wrap:anywhere}
& .scroll{position:relative;overflow-x:auto;max-width:100%}
& table{border-collapse:collapse;font-size:inherit;font-variant-numeric:tabular-nums}
& caption{text-align:left;color:var(--faint);font-size:.87em;padding:0 0 .35em;min-width:min(22em,75vw)}
& th,& td{padding:.17em .95em .17em 0;text-align:left;vertical-align:baseline;border:0}
& th:last-child,& td:last-child{padding-right:0}
& thead th{font-weight:500;font-size:.87em;color:var(--faint);border-bottom:1px solid var(--line)}
& tbody th{font-weight:400}
& tbody tr+tr>*{border-top:1px solid var(--line)}
& .scale{position:relative;display:block;width:6em;height:.6em;background:var(--panel);border:1px solid var(--line);border-radius:1px}
& .scale i{position:absolute;top:0;bottom:0;min-width:2px;background:var(--accent);opacity:.5}
& .scale b{position:absolute;top:-.2em;bottom:-.2em;width:2px;margin-left:-1px;background:var(--ink)}
& .unseen,& .gates caption,& .numbers caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);padding:0}
& .verdict{font-size:1.3em;line-height:1.35;margin:.5em 0 .2em;padding:.1em 0 .1em .7em;border-left:.25em solid var(--faint);max-width:56em}
& .verdict b{font-weight:650}
& .verdict.of-good{border-color:var(--good)}
& .verdict.of-bad{border-color:var(--bad)}
& .verdict.of-warn{border-color:var(--warn)}
& .note{color:var(--faint);font-size:.87em;margin:.3em 0;max-width:62em}
& .shares{display:flex;gap:1px;height:1em;margin:.2em 0 .5em;max-width:40em}
& .shares i{display:block;min-width:3px}
& .of-plain-fill{background:var(--accent)}
& .of-good-fill{background:var(--good)}
& .of-bad-fill{background:var(--bad)}
& .of-warn-fill{background:var(--warn)}
& .of-faint-fill{background:var(--line)}
& .legend{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.1em 1.4em}
& .amount{font-variant-numeric:tabular-nums;font-weight:600}
& .lighter-1{opacity:.7}
& .lighter-2{opacity:.5}
& .lighter-3{opacity:.35}
& .lighter-4{opacity:.25}
& .key{display:inline-block;width:.7em;height:.7em;margin-right:.45em}
& .warnings{margin:.2em 0;padding:0 0 0 1.1em;max-width:62em}
& .warnings li{margin:.2em 0;overflow-wrap:anywhere}
"""

_PAGE: Final = """
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;background:var(--paper)}
body{margin:0;background:var(--paper);color:var(--ink);overflow-wrap:break-word}
body{font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header,main,footer{max-width:74rem;margin:0 auto;padding:0 1.5rem}
header{padding-top:1.4rem}
footer{padding-top:1rem;padding-bottom:3rem;color:var(--faint);font-size:.87em}
h1{font-size:1.15rem;font-weight:650;margin:0;overflow-wrap:anywhere}
h2{font-size:1.05rem;font-weight:650;margin:0 0 .5rem}
h3{font-size:.95rem;font-weight:600;margin:1.1rem 0 .4rem}
p{margin:.4rem 0}
section{margin:2.4rem 0 0;padding-top:1.1rem;border-top:1px solid var(--line);min-width:0}
.first{display:grid;grid-template-columns:minmax(0,7fr) minmax(0,5fr);gap:1.3rem 2.5rem;margin-top:1.1rem}
.first section{margin:0;padding:0;border:0}
.first h2{font-size:.95rem;margin-bottom:.3rem}
.first .column{display:flex;flex-direction:column;gap:1.2rem;min-width:0}
nav{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin-top:1.6rem;padding-top:.7rem;border-top:1px solid var(--line);font-size:.9em}
a{color:var(--accent);text-underline-offset:.15em}
a:hover{text-decoration-thickness:2px}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:.5rem;background:var(--paper);padding:.3rem .6rem;z-index:1}
.sheet{float:right;font-size:.87em;color:var(--faint);cursor:pointer;user-select:none}
.sheet input{accent-color:var(--accent)}
details{margin:.6rem 0}
summary{cursor:pointer;color:var(--accent)}
details>*+*{margin-top:.5rem}
pre,code,.mono{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.9em}
pre{background:var(--panel);padding:.7rem .9rem;margin:.4rem 0;overflow:auto;max-height:40rem;line-height:1.45;tab-size:2}
figure{margin:.6rem 0 1.2rem;min-width:0}
figure svg{display:block;width:100%;height:auto;color:var(--ink)}
figcaption{color:var(--faint);font-size:.87em;margin-top:.3rem}
.about{color:var(--faint);margin:.1rem 0 0;font-size:.93em;overflow-wrap:anywhere}
.prose{max-width:62em;overflow-wrap:anywhere}
td code{white-space:normal;overflow-wrap:anywhere}
.numbers,.gates{width:100%}
.facts thead{display:none}
.facts tbody th{color:var(--faint)}
.facts td{overflow-wrap:anywhere}
.matrix{border-collapse:separate;border-spacing:1px}
.matrix tr>*{padding:.3em .6em;text-align:right;border:0;vertical-align:middle}
.matrix tbody th,.matrix tr>.corner{text-align:left;padding-left:0}
.matrix thead th{vertical-align:bottom}
.matrix .groups th{text-align:left;font-style:italic}
.matrix .corner{color:var(--faint);font-size:.87em;vertical-align:bottom}
.matrix td a{color:inherit;text-decoration-color:var(--faint)}
.matrix tbody td{min-width:3.6em;line-height:1.25;background:rgb(var(--heat-wrong)/calc(var(--share,0)*@TINT@))}
.matrix tbody td:not([style]){color:var(--faint)}
.matrix td.right{background:rgb(var(--heat)/calc(var(--share,0)*@TINT@));font-weight:600}
.matrix.dense{font-size:.87em}
.matrix.dense tbody td{min-width:3em}
.matrix small{display:block;white-space:nowrap;font-size:.78em;font-weight:400}
.matrix .apart{border-left:.8em solid var(--paper)}
.upright{writing-mode:vertical-rl;transform:rotate(180deg);max-height:11em;overflow:hidden}
.beside{display:flex;flex-wrap:wrap;gap:1rem 3.5rem}
.part>.scroll+.scroll{margin-top:1rem}
.beside>*{flex:1 1 auto;max-width:100%}
.side-by-side{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:0 2.5rem}
@media (max-width:60rem){
  .first{grid-template-columns:minmax(0,1fr)}
}
@media (max-width:34rem){
  body{font-size:14px}
  header,main,footer{padding-left:1rem;padding-right:1rem}
  th,td{padding-right:.6em}
  .numbers{font-size:.93em}
  .numbers :is(th,td):nth-child(4){display:none}
}
"""

# What is folded is open on paper, but for the numbers behind a drawing.
_PRINT: Final = """
@page{margin:16mm 14mm}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
body{font-size:10pt}
header,main,footer{max-width:none;padding-left:0;padding-right:0}
nav,.skip,.sheet,button,input,select,.no-print{display:none!important}
figure+details{display:none}
details::details-content{content-visibility:visible;block-size:auto;height:auto}
.first{grid-template-columns:minmax(0,1fr)}
section{break-inside:auto;margin-top:1.4rem}
h2,h3,caption{break-after:avoid}
tr,figure,.keep{break-inside:avoid}
thead{display:table-header-group}
.scroll{overflow:visible}
pre{white-space:pre-wrap;overflow:visible;max-height:none;overflow-wrap:anywhere}
a{color:inherit;text-decoration:none}
"""

_NOTEBOOK: Final = """
&{font:13px/1.5 system-ui,sans-serif;max-width:62em;color:inherit}
& h3,& h4{font-size:1.1em;font-weight:650;margin:.2em 0;color:inherit}
& h4{font-size:1em;margin:1em 0 .2em}
& .faint,& .note,& caption,& thead th{opacity:.75}
& table{margin:0;color:inherit;border:0}
& tbody tr,& tbody tr:nth-child(odd),& tbody tr:hover{background:transparent}
"""
