"""The measure of growth tells linear work from quadratic work."""

import pytest

from tests.growing import assert_linear

pytestmark = pytest.mark.growth


def count_up(steps: int) -> None:
    for _ in range(steps):
        pass


def test_linear_work_passes():
    assert_linear(count_up, lambda size: size * 500, 1_000, 4_000)


def test_quadratic_work_fails():
    with pytest.raises(AssertionError, match=r"\d+: .* s, \d+: .* s"):
        assert_linear(count_up, lambda size: size * size // 4, 1_000, 8_000)
