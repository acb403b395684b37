"""junit.xml: each gate as a test case, for CI systems that show test results (the dialect of Jenkins and GitLab).

https://github.com/jenkinsci/xunit-plugin, junit-10.xsd
"""

import re
from collections.abc import Iterator
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from evalsvc.records import GateResult, Outcome, Summary
from evalsvc.report.plain import plain
from evalsvc.report.verdict import grounds
from evalsvc.report.words import percent, some

# https://www.w3.org/TR/xml/#charsets
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PROPERTIES: Final = ("id", "model", "revision", "endpoint", "dataset_sha256", "repeats", "evalsvc")


def junit_xml(summary: Summary, *, max_error_rate: float | None = None) -> str:
    """One suite, named as the run, with a case for each gate: a failed one is a failure, one that is not judged is skipped.

    With `max_error_rate` there is a case for the rows in error too, which is an error where there are more: no fault of the model's.
    What cannot be in XML 1.0 is U+FFFD.
    """
    suite = Element("testsuite", name=_text(summary["name"]))
    properties = SubElement(suite, "properties")
    for name, value in _values(summary):
        SubElement(properties, "property", name=_text(name), value=_text(value))
    for gate in summary["gates"]:
        _gate(SubElement(suite, "testcase", classname=_text(summary["name"]), name=_text(gate["gate"]), time="0"), gate)
    if max_error_rate is not None:
        name = f"rows in error <= {max_error_rate:g}"
        _errors(SubElement(suite, "testcase", classname=_text(summary["name"]), name=name, time="0"), summary, max_error_rate)
    for attribute, found in (("tests", "testcase"), ("failures", ".//failure"), ("errors", ".//error"), ("skipped", ".//skipped")):
        suite.set(attribute, str(len(suite.findall(found))))
    suite.set("time", f"{summary['timing'].get('wall_s') or 0:.3f}")
    whole = Element("testsuites")
    whole.append(suite)
    indent(whole)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(whole, encoding="unicode")}\n'


def _values(summary: Summary) -> Iterator[tuple[str, str]]:
    """What was measured and on what, and every metric unrounded."""
    run = summary["run"]
    yield "status", summary["status"]
    yield from ((name, str(run[name])) for name in _PROPERTIES if run.get(name) is not None)
    yield from ((f"rows.{name}", str(number)) for name, number in summary["rows"].items())
    yield from ((name, repr(metric["value"])) for name, metric in summary["metrics"].items() if metric["value"] is not None)


def _gate(case: Element, gate: GateResult) -> None:
    if gate["passed"] is False:
        SubElement(case, "failure", message=_text(grounds(gate)), type="gate").text = _text(grounds(gate))
    elif gate["passed"] is None:
        SubElement(case, "skipped", message=_text(gate["reason"] or "the run is not complete"))
    else:
        # a gate may pass because nobody can tell: the reason says so
        SubElement(case, "system-out").text = _text(grounds(gate))


def _errors(case: Element, summary: Summary, max_error_rate: float) -> None:
    errors, expected = summary["outcomes"][Outcome.ERROR], summary["rows"]["expected"]  # without those that were filtered
    if expected and errors / expected > max_error_rate:
        words = f"{errors:,} of {some(expected, 'row')} are in error ({percent(errors, expected)})"
        SubElement(case, "error", message=words, type="rows").text = words


def _text(value: str) -> str:
    return _NOT_XML.sub("\ufffd", plain(value))
