"""Check that the tables of tests/tools/mutations.py match the source."""

import mutations

from compiled import ROOT


def test_the_lines_that_mutations_break_are_there():
    mutations.check_table()


def test_the_tests_that_are_likely_to_notice_are_there():
    assert {path.split("/")[0] for path, _, _ in mutations.MUTATIONS} == set(mutations.LIKELY)
    for names in mutations.LIKELY.values():
        for name in names.split():
            assert list((ROOT / "tests").rglob(f"test_{name}.py")), name
