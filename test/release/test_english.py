"""The words that lint refuses are found where people read them, and nowhere else.

SPDX-License-Identifier: Apache-2.0
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def english() -> ModuleType:
    """test/checks/english.py, which is a program."""
    spec = importlib.util.spec_from_file_location("english", ROOT / "test/checks/english.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_rule_finds_its_example() -> None:
    """Guards against a rule whose pattern matches nothing, so that its words come back."""
    check = english()
    assert len(check.RULES) > 10
    for rule in check.RULES:
        for name, text in (
            ("README.md", f"One.\n{rule.example}.\n"),
            ("a.c", f"int a; /* {rule.example}. */\n"),
            ("b.c", f'\nputs("{rule.example}");\n'),
            ("c.h", "/*\n * " + rule.example.replace(" ", "\n * ") + "\n */\n"),
        ):
            found = list(check.faults(name, text))
            assert any(rule.instead in fault for fault in found), (name, rule)


@pytest.mark.parametrize(
    "sentence",
    [
        "Who floods waits behind the others",
        "Bounds hold; who reads on gets SIGSEGV",
        "Whoever connects speaks as the device",
        "SIGHUP is due after each change",
        "the third party apart, on another host",
        "NULL where there is none",
        "The file is renewed, where there is one",
        "Of a context that was empty there is nothing to save",
        "the file that is in force",
        "A reload voids its keys",
        "all keys are void",
        "100 runs, all well",
        "what stands behind the name",
        "written anew at each start",
        "a command that mends the fault",
        "ka, and at will naf-fqdn",
        "the same, one storey up",
        "IPv4 addresses in IPv6 clothes",
        "a wildcard counts for nothing",
        "nobody waits for it in vain",
        "the name, to the letter",
    ],
)
def test_a_sentence_that_stops_a_reader(sentence: str) -> None:
    """Guards against a pattern too narrow for sentences other than its own example."""
    check = english()
    for name, text in (
        ("CHANGELOG.md", f"- {sentence}.\n"),
        ("man/e2e-as.1", f"{sentence}.\n"),
        ("a.c", f'OPTION("name", "{sentence}");\n'),
        ("a.h", f"/* {sentence}. */\n"),
        ("test/a.py", f'"""{sentence}."""\n'),
        ("scripts/a.sh", f"if x; then\n        # {sentence}.\nfi\n"),
        (".github/workflows/a.yml", f"jobs:\n  a:\n    steps: # {sentence}.\n"),
        ("debian/control", f"Description: keys\n {sentence}.\n"),
        ("proofs/a/claims.toml", f'says = "{sentence}"\n'),
    ):
        assert list(check.faults(name, text)), name


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="no git, which names the files")
def test_every_kind_of_file_is_read() -> None:
    """Guards against a kind of text that lint never opens."""
    files = english().files()
    for name in (
        *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "docs/flow.md"),
        *("man/akma.1", "e2e/as/ka_options.c", "e2e/net/dgram.h", "tool/psk.c", "debian/control"),
        *("test/release/test_english.py", "test/checks/lint.sh", "proofs/README.md"),
        *(".github/workflows/ci.yml", "examples/monitoring/alerts.yml", "e2e/CMakeLists.txt"),
        *("proofs/flow/claims.toml", "proofs/flow/flow.maude", "debian/akma-tools.postrm"),
    ):
        assert name in files, name


def test_code_and_names_are_left_alone() -> None:
    """Guards against a word of C, of a code block or of a protocol being taken for prose."""
    check = english()
    assert not list(check.faults("a.c", 'void f(void);\nlog("result", "anew");\n'))
    text = "```sh\nvoids anew\n```\n    whoever stands apart\nThe log's `anew`.\n"
    assert not list(check.faults("README.md", text))


@pytest.mark.parametrize("name", ["a.c", "a.h", "a.py"])
def test_names_of_several_words_are_read(name: str) -> None:
    """Guards against a function that has a name of words which no sentence may have."""
    word = "anew"
    (found,) = english().faults(name, f"\nopen_logs_{word}(log)\nbegin({word})\n{word} = f()\n")
    assert found.startswith(f"{name}:2: 'anew'")


def test_python_is_read_by_its_comments() -> None:
    """Guards against a docstring or a comment that lint does not read, and a name or a value that it takes for
    words.
    """
    check = english()
    source = 'def apart() -> str:\n    """It voids\n    the keys."""\n    return "anew"  # whoever asks\n'
    found = [fault.split(": ")[1] for fault in check.faults("a.py", source)]
    assert found == ["'voids'", "'whoever'"]
