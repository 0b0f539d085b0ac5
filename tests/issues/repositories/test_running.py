"""git is run without a shell, without anybody's configuration, and within limits."""

import os

import pytest

from issues.repositories import Git, GitError, GitStopped
from tests.waiting import is_gone, wait_until


@pytest.fixture
def git(tmp_path):
    bare = Git(tmp_path / "bare.git")
    bare.run("init", "--quiet", "--bare", "--template=", "--initial-branch=main")
    return bare


def test_more_than_a_pipe_holds_goes_both_ways(git):
    content = os.urandom(3_000_000)
    name = git.run("hash-object", "-w", "--stdin", given=content).text
    assert git.run("cat-file", "blob", name).out == content


def test_a_failure_holds_the_words_of_git(git):
    with pytest.raises(GitError, match="Not a valid object name") as error:
        git.run("cat-file", "blob", "1234567")
    assert error.value.answer.code == 128


def test_too_much_output_ends_it(git, settings):
    name = git.run("hash-object", "-w", "--stdin", given=b"x" * 200_000).text
    settings.MAX_GIT_OUTPUT_BYTES = 100_000
    with pytest.raises(GitStopped, match="MAX_GIT_OUTPUT_BYTES"):
        git.run("cat-file", "blob", name)


def test_a_program_that_hangs_is_killed_with_its_children(git, settings, tmp_path, monkeypatch):
    """A git of ours that waits for a child of its own."""
    fake, child = tmp_path / "bin" / "git", tmp_path / "child"
    fake.parent.mkdir()
    # Whole before it is seen, since its writer may be killed at any time.
    fake.write_text(f"#!/bin/sh\nsleep 600 & echo $! > {child}.new; mv {child}.new {child}\nwait\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    seconds = iter((1, 10, 100))
    while not child.exists():  # a busy machine may need longer to come so far
        settings.GIT_TIMEOUT_SECONDS = next(seconds)
        with pytest.raises(GitStopped, match="GIT_TIMEOUT_SECONDS"):
            git.run("status")
    wait_until(lambda: is_gone(int(child.read_text())))


def test_nobodys_configuration_and_no_hook_is_used(git, monkeypatch, tmp_path):
    hostile = tmp_path / "config"
    hostile.write_text("[alias]\n\tversion = !echo owned\n[user]\n\tname = Mallory\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(hostile))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_bytes(hostile.read_bytes())
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    assert git.run("config", "--get", "user.name", accepted=(1,)).text == ""
    hook = git.directory / "hooks" / "reference-transaction"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/owned\n")
    hook.chmod(0o755)
    commit = git.run("hash-object", "-w", "-t", "tree", "--stdin").text
    git.run("update-ref", "refs/letterbox/tree", commit)
    assert not (tmp_path / "owned").exists()


def test_no_transport_is_allowed(git, tmp_path):
    for address in ("ext::sh -c true", "https://git.example.com/x.git", str(git.directory)):
        with pytest.raises(GitError, match="not allowed"):
            git.run("fetch", "--end-of-options", address)
