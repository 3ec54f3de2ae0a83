"""The table of tests/mutations.py follows the source."""

from pathlib import Path

import mutations


def test_the_lines_that_mutations_break_are_there():
    mutations.check_table()


def test_the_tests_that_are_likely_to_notice_are_there():
    assert {path.split("/")[0] for path, _, _ in mutations.MUTATIONS} == set(mutations.LIKELY)
    for names in mutations.LIKELY.values():
        for name in names.split():
            assert Path(__file__).with_name(f"test_{name}.py").exists(), name
