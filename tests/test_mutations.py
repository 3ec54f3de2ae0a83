import mutations


def test_the_lines_that_mutations_break_are_there():
    mutations.check_table()
