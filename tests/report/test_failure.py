"""An error says what happened, and what to do next."""

import json

from evalsvc.errors import CredentialsRefused, JournalDamaged, UsageError
from evalsvc.report import error_block, error_event


def test_the_message_comes_first_and_the_hint_on_its_own_line() -> None:
    error = UsageError("eval.yaml, line 3: unknown key `modle`", hint="did you mean `model`?")
    assert error_block(error) == "error: eval.yaml, line 3: unknown key `modle`\n  try: did you mean `model`?"


def test_an_error_without_a_hint_is_one_line() -> None:
    assert error_block(UsageError("no such file")) == "error: no such file"


def test_further_lines_stand_under_the_first() -> None:
    error = JournalDamaged("damaged at\n  line 7", hint="one\ntwo")
    assert error_block(error).splitlines() == ["error: damaged at", "         line 7", "  try: one", "       two"]


def test_what_a_provider_said_cannot_move_the_cursor() -> None:
    assert error_block(CredentialsRefused("the server said: \x1b[2J\x1b[Hno\u202e")) == "error: the server said: no"


def test_as_an_event_it_carries_its_class_and_exit_code() -> None:
    event = json.loads(error_event(CredentialsRefused("401", hint="set OPENAI_API_KEY")))
    assert event == {"event": "error", "kind": "CredentialsRefused", "message": "401", "hint": "set OPENAI_API_KEY", "exit_code": 5}
