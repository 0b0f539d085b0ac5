"""The forms of arguments of quick actions, each read from its text."""

import pytest

from issues.quick_actions import arguments


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ann", ("ann",)),
        ("@ann @bob,@carl", ("ann", "bob", "carl")),
        ("me", ("me",)),
        ("Me @ann @ann", ("me", "ann")),
        ("@a.b-c+d", ("a.b-c+d",)),
        ("@앤", ("앤",)),
        ("ann", None),
        ("@", None),
        ("@ann.", None),
        ("ann@example.com", None),
        (",", None),
    ],
)
def test_people(text, names):
    assert arguments.parse_people(text) == names


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("~bug", ("bug",)),
        ('~bug ~"two words", ~later', ("bug", "two words", "later")),
        ("~bug~later", ("bug", "later")),
        ("~“two words”", ("two words",)),
        ("~bug ~bug", ("bug",)),
        ("bug", ("bug",)),
        ("~scope::one", ("scope::one",)),
        ("~결함", ("결함",)),
        ("~", None),
        ('~""', None),
        ('~" "', None),
        ("~bug later", None),
        ("two words", None),
        ("@ann", None),
        (" ".join(f"~label{n}" for n in range(60)), None),
    ],
)
def test_labels(text, names):
    assert arguments.parse_labels(text) == names


@pytest.mark.parametrize(
    ("text", "path", "iid"),
    [
        ("#5", "", 5),
        ("acme/shop#5", "acme/shop", 5),
        ("https://letterbox.test/acme/shop/-/issues/5/", "acme/shop", 5),
        ("https://letterbox.test/acme/shop/-/issues/5/#note-7", "acme/shop", 5),
        ("https://letterbox.test/acme/shop/-/issues/5/?note=7#note-7", "acme/shop", 5),
    ],
)
def test_issues(text, path, iid):
    found = arguments.parse_issue(text, base_url="https://letterbox.test")
    assert found == arguments.IssueReference(path, iid)


@pytest.mark.parametrize(
    "text",
    [
        *("5", "#0", "#", "!5", "#1234567890", "https://elsewhere.test/acme/shop/-/issues/5/"),
        *("https://letterbox.test/acme/shop/-/merge_requests/5/", "https://letterbox.test.evil/a"),
    ],
)
def test_no_issues(text):
    assert arguments.parse_issue(text, base_url="https://letterbox.test") is None


@pytest.mark.parametrize("text", ["main", "a/b", "feature-1.2", "한글", "a@b", "x" * 255])
def test_branches(text):
    assert arguments.is_branch(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "a b", "a..b", "-a", "/a", "a/", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "@"),
        *("a@{1}", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a//b", "a\x7f", "x" * 256),
        *("refs/heads/main", "HEAD", "FETCH_HEAD"),
    ],
)
def test_no_branches(text):
    assert not arguments.is_branch(text)
