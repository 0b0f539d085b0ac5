"""Where the shapes of a chart stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incoming_email.admin.charts import HEIGHT, WIDTH, draw_lines, draw_stacks, round_up

TICKS = [(0, "0"), (10, "10 s"), (3600, "1 h")]


@pytest.mark.parametrize(
    ("value", "top"), [(0, 2), (1, 2), (3, 4), (7, 8), (10, 10), (11, 20), (61, 80), (999, 1000)]
)
def test_an_axis_ends_at_a_number_that_reads_well(value, top):
    assert round_up(value) == top


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 10**7)), min_size=1, max_size=40))
def test_stacks_stay_inside_and_on_top_of_each_other(stacks):
    chart = draw_stacks(stacks, ["a", "b"], [str(n) for n in range(len(stacks))])
    assert len(chart.shapes) == sum(bool(count) for stack in stacks for count in stack)
    for shape in chart.shapes:
        assert 0 <= shape.x < shape.x + shape.width <= WIDTH
        assert 0 <= shape.y <= shape.y + shape.height <= HEIGHT - 27


def test_a_line_has_a_gap_where_nothing_is_known():
    chart = draw_lines([("median", [1, 2, None, 3])], TICKS, ["a", "b", "c", "d"])
    lines = [shape.points for shape in chart.shapes if shape.points]
    assert [len(points.split()) for points in lines] == [2, 1]
    assert len([shape for shape in chart.shapes if not shape.points]) == 3


def test_what_is_slower_stands_higher_but_never_outside():
    chart = draw_lines([("m", [0, 5, 10**9])], TICKS, ["a", "b", "c"])
    heights = [shape.y for shape in chart.shapes if not shape.points]
    assert heights == sorted(heights, reverse=True)
    assert min(heights) >= 0


def test_words_below_do_not_touch():
    chart = draw_stacks([[1]] * 30, ["a"], ["1 May"] * 30)
    assert len(chart.below) <= 8
