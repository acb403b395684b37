"""All that somebody else needs to get the same numbers, and to write down how they were had."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from evalsvc.config.models import EvalConfig
from evalsvc.records import Summary
from evalsvc.report.html.contents import Page
from evalsvc.report.html.markup import Html, block, folded, note, part, table, text
from evalsvc.report.methods import methods
from evalsvc.report.plain import one_line
from evalsvc.report.words import NOTHING, count, interval, score
from evalsvc.rundir import Manifest, RunDir, command_of


def reproduce(page: Page) -> Html:
    """Commands, config, definitions of the metrics, the paragraph for a paper, versions and launches."""
    manifest = page.manifest
    config = part(
        "Config", _preformatted(config_text(manifest.config)), note("what it does not say has its default; run.json has all of it")
    )
    measured = part("How it was measured", f'<p class="prose">{text(methods(page.summary, manifest)[0])}</p>', _metrics(page.summary))
    commands = part("Commands", _preformatted("\n".join(_commands(page))))
    given = part("Of what, with what, when", _facts(manifest), _launches(page) if manifest.launches else "")
    return Html(f'{commands}<div class="side-by-side">{config}{measured}</div>{given}')


def _preformatted(content: str) -> Html:
    return Html(f'<pre tabindex="0">{block(content)}</pre>')


def _commands(page: Page) -> Iterator[str]:
    manifest, folder = page.manifest, quote(page.run_dir)
    if "answers" not in manifest.identity:
        known = manifest.config_file is not None
        why = "the same run: nothing that was answered is asked again" if known else "the config below, saved under this name"
        yield f"{command_of(RunDir(Path(page.run_dir)), manifest, config_file='eval.yaml')}    # {why}"
    yield f"evalsvc score {folder}    # the numbers again, from the answers that are there"
    yield f"evalsvc show {folder}"


def config_text(config: Mapping[str, Any]) -> str:
    """What the config says beyond its defaults, as YAML; secrets are not in it."""
    from io import StringIO

    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width, yaml.default_flow_style = 100, False
    stream = StringIO()
    yaml.dump(_blocks(EvalConfig.model_validate(config).model_dump(mode="json", exclude_defaults=True)), stream)
    return stream.getvalue()


def _blocks(value: Any) -> Any:
    """With texts of several lines as blocks, as people write them."""
    from ruamel.yaml.scalarstring import LiteralScalarString

    if isinstance(value, dict):
        return {key: _blocks(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_blocks(one) for one in value]
    return LiteralScalarString(value) if isinstance(value, str) and "\n" in value else value


def _metrics(summary: Summary) -> Html:
    rows = [
        (name, score(metric["value"]), interval(metric["ci_low"], metric["ci_high"]), count(metric["n"]), _signature(metric["signature"]))
        for name, metric in summary["metrics"].items()
    ]
    lines = table(("metric", "value", "95 % interval", "rows", "signature"), rows, caption="Every metric, and how it was had", words=(4,))
    return folded("every metric with its signature", lines)


def _signature(written: str) -> Html:
    """To be broken where its parts meet."""
    return Html(f"<code>{text(written).replace('|', '|<wbr>')}</code>")


def _facts(manifest: Manifest) -> Html:
    dataset = manifest.dataset
    facts = {
        "data set": f"{one_line(str(manifest.config['dataset']['path']))}, {count(int(dataset['rows']))} rows",
        "its SHA-256": one_line(str(dataset.get("sha256") or NOTHING)),
        "prompt": f"fingerprint {manifest.identity['prompt']}" if manifest.identity.get("prompt") else "",
        "server": ", ".join(f"{key} {value}" for key, value in sorted(manifest.server.items()) if isinstance(value, str)),
        "price": manifest.price_source,
        "versions": ", ".join(f"{name} {version}" for name, version in sorted(manifest.versions.items())),
    }
    return table(
        ("what", "value"), [(name, value) for name, value in facts.items() if value], caption="What went in", words=(1,), kind="facts"
    )


def _launches(page: Page) -> Html:
    """Of the last launch the manifest may not tell the end yet: the page is written before it."""
    *earlier, last = page.manifest.launches
    ended = {"reason": "complete", "exit_code": page.exit_code} if page.summary["status"] == "complete" else {}
    rows = [
        (
            str(number),
            str(launch.get("started_at") or NOTHING),
            str(launch.get("ended_at") or NOTHING),
            str(launch.get("reason") or "no word of its end"),
            str(NOTHING if launch.get("exit_code") is None else launch["exit_code"]),
        )
        for number, launch in enumerate([*earlier, {**ended, **last}], start=1)
    ]
    return table(("launch", "began", "ended", "how", "exit code"), rows, caption="Launches of this run", words=(1, 2, 3))
