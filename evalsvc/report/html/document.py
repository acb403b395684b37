"""A whole HTML document around some sections: nothing in it may fetch anything, and no script may run but the one it came with."""

from base64 import b64encode
from hashlib import sha256

from evalsvc.report.html.markup import text
from evalsvc.report.html.style import page_style


def document(*, title: str, heading: str, body: str, foot: str = "", style: str = "", script: str = "") -> str:
    """`heading` holds the only h1; `body` are sections; `style` is added to that of every page; all four are finished markup."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy(script)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # without one a browser asks the server that the page came from
        f'<link rel="icon" href="data:,">\n<title>{text(title)}</title>\n<style>{page_style()}{style}</style>\n</head>\n<body>\n'
        '<a class="skip" href="#content">Skip to the content</a>\n'
        '<header><label class="sheet"><input type="checkbox" id="other-sheet"> light ↔ dark</label>\n'
        f'{heading}</header>\n<main id="content">{body}</main>\n<footer>{foot}</footer>\n'
        + (f"<script>{script}</script>\n" if script else "")
        + "</body>\n</html>\n"
    )


def _policy(script: str) -> str:
    digest = b64encode(sha256(script.encode()).digest()).decode()
    scripts = f"'sha256-{digest}'" if script else "'none'"
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {scripts}; base-uri 'none'; form-action 'none'"
