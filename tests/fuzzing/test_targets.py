"""What must hold when fuzzed holds for the seeds, and for all by which something was found once."""

import pytest

from tests.fuzzing.judging import STRETCHED, judge, judge_growth, keep, stretch, watch
from tests.fuzzing.targets import KEPT, TARGETS, find_kept


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_what_must_hold_of_seeds_and_findings(name):
    kept = [path.read_bytes() for path in find_kept(name) if not path.name.startswith(STRETCHED)]
    for data in [b"", *TARGETS[name].seeds(), *kept]:
        judge(TARGETS[name], data[: TARGETS[name].longest])


@pytest.mark.growth
@pytest.mark.parametrize("path", sorted(KEPT.glob(f"*/{STRETCHED}-*")), ids=lambda path: path.name)
def test_time_grows_with_the_length_of_findings(path):
    _grows, start, end, *_name = path.name.split("-")
    judge_growth(TARGETS[path.parent.name], path.read_bytes(), int(start), int(end))


def test_kept_inputs_are_of_targets():
    assert {path.name for path in KEPT.iterdir() if path.is_dir()} <= set(TARGETS)


def test_the_smallest_input_of_each_finding_is_kept(tmp_path, capsys):
    def judged(data):
        assert b"x" not in data
        assert b"y" not in data

    take = watch(judged, tmp_path)
    for data in (b"axa", b"fine", b"x", b"xyz", b"by"):
        take(data)
    found = {path.read_bytes() for path in tmp_path.iterdir() if path.suffix != ".txt"}
    assert found == {b"x", b"by"}
    assert capsys.readouterr().out.count("FOUND") == 2
    assert all("AssertionError" in path.read_text() for path in tmp_path.glob("*.txt"))


def test_the_recipe_of_a_stretched_input_stands_in_its_name(tmp_path):
    with pytest.raises(ZeroDivisionError) as caught:
        raise ZeroDivisionError
    keep(tmp_path, b"abcd", caught.value, f"{STRETCHED}-1-3-")
    (path,) = (path for path in tmp_path.iterdir() if path.suffix != ".txt")
    assert path.name.startswith(f"{STRETCHED}-1-3-ZeroDivisionError-test_targets-")
    assert stretch(path.read_bytes(), 1, 3, 10) == b"abcbcbcd"
