"""A config that is written elsewhere still names the same files."""

from pathlib import Path

from evalsvc.starting.moved import moved

FILES = {
    "dataset": {"path": "data/a.csv", "format": "readers.py:cards"},
    "prompt": {"system": {"file": "s.j2"}, "messages": [{"role": "user", "content": {"file": "u.j2"}}], "few_shot": {"path": "b.csv"}},
    "model": {"api": "apis.py:mine", "ca_file": "ca.pem", "azure": {"token_provider": "t.py:get"}, "sandbox": {"train": "t.csv", "rpm": 3}},
    "scoring": {"scorer": "scorers.py:half"},
    "metrics": ["accuracy", "m.py:One", {"m.py:Two": {"file": "x"}}],
}


def test_every_file_that_a_config_can_name_is_found_from_the_new_folder() -> None:
    up = "../.."
    assert moved(FILES, Path("runs/x")) == {
        "dataset": {"path": f"{up}/data/a.csv", "format": f"{up}/readers.py:cards"},
        "prompt": {
            "system": {"file": f"{up}/s.j2"},
            "messages": [{"role": "user", "content": {"file": f"{up}/u.j2"}}],
            "few_shot": {"path": f"{up}/b.csv"},
        },
        "model": {
            "api": f"{up}/apis.py:mine",
            "ca_file": f"{up}/ca.pem",
            "azure": {"token_provider": f"{up}/t.py:get"},
            "sandbox": {"train": f"{up}/t.csv", "rpm": 3},
        },
        "scoring": {"scorer": f"{up}/scorers.py:half"},
        "metrics": ["accuracy", f"{up}/m.py:One", {f"{up}/m.py:Two": {"file": "x"}}],
    }


def test_names_urls_texts_and_absolute_paths_stay_as_they_are() -> None:
    values = {
        "name": "a/b",
        "dataset": {"path": "https://host/a.csv", "format": "csv", "input": "data/a.csv"},
        "prompt": {"system": "a/b", "user": None},
        "model": {"name": "org/model", "api": "chat", "ca_file": "/etc/ca.pem", "params": {"file": "x"}},
    }
    assert moved(values, Path("runs/x")) == values
