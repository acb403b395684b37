"""junit.xml: well-formed whatever is in it, and a gate is a test."""

from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.records import Summary
from evalsvc.report.junit import junit_xml
from tests.report.cases import summary

# What junit-10.xsd of Jenkins's xunit plugin allows.
ALLOWED = {
    "testsuites": {"name", "time", "tests", "failures", "disabled", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "time", "disabled", "skipped", "timestamp", "hostname", "id", "package"},
    "properties": set(),
    "property": {"name", "value"},
    "testcase": {"name", "time", "classname", "group", "assertions", "status", "class", "file", "line"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
    "system-out": set[str](),
}
REQUIRED = {"testsuite": {"name", "tests", "failures", "errors"}, "property": {"name", "value"}, "testcase": {"name"}}


def suite(of: Summary, **options: Any) -> Element:
    whole = fromstring(junit_xml(of, **options).encode())
    assert whole.tag == "testsuites"
    [one] = whole
    return one


def case(of: Element, name: str) -> Element:
    return next(one for one in of.findall("testcase") if one.get("name") == name)


def test_a_failed_gate_is_a_failure_with_its_reason() -> None:
    one = suite(summary())
    failed = case(one, "f1_macro >= 0.98")
    assert [(child.tag, child.get("message")) for child in failed] == [("failure", "0.979996 is below 0.98")]
    assert failed.get("classname") == "spam-ft-v3"
    assert [child.tag for child in case(one, "recall >= 0.80")] == ["system-out"]
    assert (one.get("tests"), one.get("failures"), one.get("errors"), one.get("skipped")) == ("2", "1", "0", "0")


def test_a_gate_that_nobody_can_judge_yet_is_skipped() -> None:
    gate = {"gate": "recall >= 0.80", "passed": None, "value": None, "reason": "the run is not complete"}
    one = suite(summary(gates=[gate]))
    assert [(child.tag, child.get("message")) for child in case(one, "recall >= 0.80")] == [("skipped", "the run is not complete")]
    assert (one.get("failures"), one.get("skipped")) == ("0", "1")


def test_a_gate_that_passes_because_nobody_can_tell_says_so() -> None:
    gate = {"gate": "no worse", "passed": True, "value": -0.001, "reason": "-0.001 against main-7: cannot tell"}
    assert case(suite(summary(gates=[gate])), "no worse").findtext("system-out") == "-0.001 against main-7: cannot tell"


@pytest.mark.parametrize(("at_most", "tag"), [(0.0001, "error"), (0.01, None)])
def test_too_many_rows_in_error_are_an_error_and_no_failure(at_most: float, tag: str | None) -> None:
    one = suite(summary(), max_error_rate=at_most)
    assert [child.tag for child in case(one, f"rows in error <= {at_most:g}")] == ([tag] if tag else [])
    assert one.get("errors") == str(int(tag is not None))
    assert one.get("tests") == "3"


def test_rows_that_were_filtered_are_no_errors_as_for_the_exit_code() -> None:
    outcomes = {**summary()["outcomes"], "error": 0, "filtered": 4}
    assert suite(summary(outcomes=outcomes), max_error_rate=0.0).get("errors") == "0"


def test_the_run_is_in_the_properties_and_its_time_in_the_suite() -> None:
    one = suite(summary())
    properties = {found.get("name"): found.get("value") for found in one.iter("property")}
    assert properties["id"] == "1a2b3c4d"
    assert properties["model"] == "ft:abc123"
    assert properties["rows.expected"] == "5574"
    assert properties["accuracy"] == "0.98493"
    assert "mcc" not in properties
    assert one.get("time") == "200.000"


def test_a_run_that_was_never_timed_has_no_time() -> None:
    assert suite(summary(timing={"wall_s": None, "launches": 0, "rows_per_s": None})).get("time") == "0.000"


@given(st.text(max_size=40))
def test_whatever_a_gate_is_called_it_can_be_read(name: str) -> None:
    gate = {"gate": name, "passed": False, "value": None, "reason": f"<![CDATA[{name}]]>"}
    one = suite(summary(name=name, gates=[gate], run={"model": name}))
    assert one.get("failures") == "1"


def test_what_xml_cannot_hold_is_replaced_and_the_rest_is_kept() -> None:
    gate = {"gate": "a\x00b\x1b[31mc\ud800\uffff<&\"'>", "passed": False, "value": None, "reason": "é 日 🙂"}
    [found] = suite(summary(gates=[gate])).findall("testcase")
    assert found.get("name") == "abc\\ud800\ufffd<&\"'>"
    assert found[0].text == "é 日 🙂"


def test_elements_and_attributes_are_those_of_the_common_schema() -> None:
    gates = [*summary()["gates"], {"gate": "open", "passed": None, "value": None, "reason": None}]
    for element in fromstring(junit_xml(summary(gates=gates), max_error_rate=0.0).encode()).iter():
        assert set(element.attrib) <= ALLOWED[element.tag]
        assert set(element.attrib) >= REQUIRED.get(element.tag, set())
        if element.tag == "testsuite":
            assert [child.tag for child in element] == ["properties", *["testcase"] * 4]
