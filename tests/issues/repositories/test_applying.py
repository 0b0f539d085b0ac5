"""Patches become the commits that they were made from, or nothing at all."""

import datetime as dt

import pytest

from issues import repositories
from issues.repositories import Refused, Why
from tests.clones import git, log_of

NOW = dt.datetime(2026, 11, 25, 8, 0, tzinfo=dt.UTC)


@pytest.fixture
def apply(project, start, developer):
    def apply(mails, on=None, **arguments):
        given = {"start": on or start, "target": start, "committer": developer, "now": NOW}
        return repositories.apply_patches(project, mails, **given | arguments)

    return apply


def everything(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def assert_same(project, clone, start, applied):
    """`git log` and `git diff` read as in the repository where the patches were made."""
    theirs = repositories.path_of(project)
    assert log_of(theirs, start, applied.head) == log_of(clone.folder, start, "HEAD")
    assert git(theirs, "rev-parse", f"{applied.head}^{{tree}}") == clone.git(
        "rev-parse", "HEAD^{tree}"
    )
    assert git(theirs, "diff", "--binary", start, applied.head) == clone.git(
        "diff", "--binary", start, "HEAD"
    )


def test_one_patch(project, clone, start, apply):
    clone.oil(3, "Oil the hinge 3\n\nIt squeaks when opened.\n\nFrom somewhere else it came.")
    applied = apply(clone.patches())
    assert (applied.base, applied.subjects) == (start, ("Oil the hinge 3",))
    assert_same(project, clone, start, applied)


def test_a_series_of_twelve(project, clone, start, apply):
    for number in range(1, 13):
        clone.oil(number)
    applied = apply(clone.patches())
    assert len(applied.subjects) == 12
    assert_same(project, clone, start, applied)


def test_rename_mode_binary_and_new_empty_file(project, clone, start, apply):
    clone.git("mv", "door.txt", "gate.txt")
    (clone.folder / "docs/readme.md").chmod(0o755)
    clone.commit("Rename", logo_png=bytes(range(256)) * 5, empty_txt=b"")
    assert_same(project, clone, start, apply(clone.patches("--binary")))


def test_a_file_with_cr_line_ends(project, clone, start, apply):
    clone.commit("Add", dos_txt=b"one\r\ntwo\r\n")
    clone.commit("Change", dos_txt=b"one\r\nthree\r\n")
    assert_same(project, clone, start, apply(clone.patches()))


def test_a_link_inside_the_tree_and_a_file_in_latin_1(project, clone, start, apply):
    (clone.folder / "docs/door").symlink_to("../door.txt")
    clone.commit("Link", old_txt="Türe\n".encode("latin-1"))
    assert_same(project, clone, start, apply(clone.patches()))


def test_bot_author_with_brackets_is_kept(clone, start, apply, project):
    """P07."""
    bot = "dependabot[bot] <49699333+dependabot[bot]@users.noreply.example.com>"
    clone.write("a.txt", b"a\n")
    clone.git("add", "-A")
    clone.git("commit", "-q", "-m", "Bump", f"--author={bot}")
    applied = apply(clone.patches())
    assert git(repositories.path_of(project), "log", "-1", "--format=%an <%ae>", applied.head) == (
        f"{bot}\n"
    )


def test_committer_is_the_user(clone, apply, project, developer):
    clone.oil(3)
    head = apply(clone.patches()).head
    shown = git(repositories.path_of(project), "log", "-1", "--format=%cn|%ce|%cI", head).strip()
    assert shown == f"{developer.username}|{developer.email}|2026-11-25T08:00:00+00:00"


def test_the_same_patches_make_the_same_commits(clone, apply):
    clone.oil(3)
    (patch,) = clone.patches()
    undated = b"\n".join(line for line in patch.split(b"\n") if not line.startswith(b"Date:"))
    assert apply([patch]) == apply([patch])
    assert apply([undated]) == apply([undated]) != apply([patch])


def test_a_patch_that_fits_elsewhere_is_merged(clone, apply, project, start):
    clone.oil(20)
    patch = clone.patches()
    clone.git("reset", "-q", "--hard", "origin/HEAD")
    clone.oil(3)
    other = apply(clone.patches()).head
    head = apply(patch, on=other).head
    door = git(repositories.path_of(project), "show", f"{head}:door.txt")
    assert "hinge 3, oiled\n" in door
    assert "hinge 20, oiled\n" in door


def test_a_conflict_names_patch_file_and_line_and_leaves_nothing(clone, apply, repositories_root):
    clone.oil(3, "Paint the hinge")
    theirs = apply(clone.patches()).head
    clone.git("reset", "-q", "--hard", "origin/HEAD")
    clone.oil(20)
    clone.commit("Rust", door_txt=b"rust\n")
    before = everything(repositories_root)
    with pytest.raises(Refused) as refusal:
        apply(clone.patches(), on=theirs)
    assert refusal.value.why is Why.CONFLICT
    assert refusal.value.sentence == (
        "Patch 2/2 (“Rust”) does not apply: “door.txt” is different from line 1 on."
        " Rebase your patches and send them again."
    )
    assert everything(repositories_root) == before


def patch_with(diff, author="A <a@example.com>", date="Wed, 25 Nov 2026 08:00:00 +0000"):
    return f"From: {author}\nDate: {date}\nSubject: [PATCH] Trick\n\n---\n{diff}".encode()


def new_file(path, mode="100644", line="x"):
    return (
        f"diff --git a/{path} b/{path}\nnew file mode {mode}\nindex 0000000..1234567\n"
        f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+{line}\n"
    )


LINK = new_file("out", "120000", "{target}") + "\\ No newline at end of file\n"


@pytest.mark.parametrize(
    ("diff", "said"),
    [
        (new_file("../evil"), "“../evil”, which is not allowed"),
        (new_file(".git/hooks/post-checkout"), "“.git/hooks/post-checkout”, which is not allowed"),
        (new_file("docs/.GIT/config"), "“docs/.GIT/config”, which is not allowed"),
        (new_file("git~1/config"), "“git~1/config”, which is not allowed"),
        (new_file("lib", "160000", "Subproject commit " + "1" * 40), "“lib” is a submodule"),
        (new_file(".gitmodules"), "“.gitmodules” declares submodules"),
        (new_file("docs/.GitModules"), "“docs/.GitModules” declares submodules"),
        (new_file("GITMOD~1"), "“GITMOD~1” declares submodules"),
        (new_file("docs/gi7eba~1"), "“docs/gi7eba~1” declares submodules"),
        (new_file(".git\u200cmodules. "), "declares submodules"),
        (LINK.format(target=".g\u200dit/config"), "“out” is a symbolic link that leads out"),
        (LINK.format(target="GIT~1 ./config"), "“out” is a symbolic link that leads out"),
        (
            LINK.format(target=".git::$INDEX_ALLOCATION/x"),
            "“out” is a symbolic link that leads out",
        ),
        (LINK.format(target="/etc"), "“out” is a symbolic link that leads out"),
        (LINK.format(target="../.."), "“out” is a symbolic link that leads out"),
        (LINK.format(target="docs/../.."), "“out” is a symbolic link that leads out"),
        (LINK.format(target=".git/config"), "“out” is a symbolic link that leads out"),
        (LINK.format(target=".git\\config"), "“out” is a symbolic link that leads out"),
        (LINK.format(target="..\\..\\x"), "“out” is a symbolic link that leads out"),
        (LINK.format(target="\\\\host\\x"), "“out” is a symbolic link that leads out"),
        (LINK.format(target="C:x"), "“out” is a symbolic link that leads out"),
        ("nothing\n", "changes no file"),
        (new_file("door.txt"), "it does not fit “door.txt”"),
        (
            "diff --git a/i b/i\nnew file mode 100644\nindex 0000000..abc1234\n"
            "Binary files /dev/null and b/i differ\n",
            "changes the binary file “i” without its content",
        ),
        (new_file("a").replace("+1 @@", "+1,9 @@"), "is damaged at line"),
    ],
)
def test_tricks_are_refused(apply, diff, said, repositories_root, start):
    before = everything(repositories_root)
    with pytest.raises(Refused, match=r".") as refusal:
        apply([patch_with(diff)])
    assert said in refusal.value.sentence
    assert everything(repositories_root) == before


def test_a_name_like_an_option_is_a_name(apply, project):
    head = apply([patch_with(new_file("--output=x"))]).head
    assert "--output=x" in git(repositories.path_of(project), "ls-tree", "--name-only", head)


def test_writing_through_a_link_is_refused(apply, tmp_path):
    """The first patch is fine by itself; nothing outside is touched in the attempt."""
    first = patch_with(LINK.format(target=str(tmp_path)))
    second = patch_with(new_file("out/owned"))
    with pytest.raises(Refused) as refusal:
        apply([first, second])
    assert "“out/owned”, which is not allowed" in refusal.value.sentence
    assert everything(tmp_path) == []


def test_what_a_later_patch_takes_away_is_refused_too(apply):
    gone = new_file("lib", "160000", "Subproject commit " + "1" * 40)
    back = (
        "diff --git a/lib b/lib\ndeleted file mode 160000\nindex 1234567..0000000\n"
        f"--- a/lib\n+++ /dev/null\n@@ -1 +0,0 @@\n-Subproject commit {'1' * 40}\n"
    )
    with pytest.raises(Refused, match="submodule"):
        apply([patch_with(gone), patch_with(back)])


@pytest.mark.parametrize(
    ("author", "date", "said"),
    [("a@example.com", "whenever", "has a date"), ("<>", "", "who wrote it")],
)
def test_headers_that_git_refuses(apply, author, date, said):
    with pytest.raises(Refused) as refusal:
        apply([patch_with(new_file("a"), author=author, date=date or "Wed, 25 Nov 2026 08:00:00")])
    assert said in refusal.value.sentence


def test_limits(apply, settings):
    settings.MAX_PATCH_BYTES = 3000
    settings.MAX_PATCH_FILES = 3
    settings.MAX_PATCH_LINE_BYTES = 1000
    with pytest.raises(Refused, match=r"is the most\. Send them in smaller series"):
        apply([patch_with(new_file("a", line="x" * 500))] * 5)
    with pytest.raises(Refused, match="change 4 files, and 3 is the most"):
        apply([patch_with(new_file("a") + new_file("b"))] * 2)
    with pytest.raises(Refused, match="has a line of"):
        apply([patch_with(new_file("a", line="x" * 1001))])


def test_a_patch_that_unpacks_to_too_much(apply, settings, clone, repositories_root):
    settings.MAX_GIT_FILE_BYTES = 1_000_000
    clone.commit("Bomb", bomb_bin=b"\0" * 1_000_001)
    (patch,) = clone.patches("--binary")
    assert len(patch) < 10_000
    before = everything(repositories_root)
    with pytest.raises(Refused, match="unpacks to"):
        apply([patch])
    with pytest.raises(Refused, match="too much time or memory"):
        apply([patch.replace(b"literal 1000001", b"literal 1000001 ")])
    assert everything(repositories_root) == before


def test_git_that_takes_too_long_is_killed(apply, settings, clone):
    clone.oil(3)
    patches = clone.patches()
    settings.GIT_TIMEOUT_SECONDS = 0.0001
    with pytest.raises(repositories.GitStopped):
        apply(patches)


def test_a_dry_run_leaves_nothing(apply, clone, repositories_root):
    clone.oil(3)
    before = everything(repositories_root)
    with repositories.discarded():
        assert apply(clone.patches()).subjects == ("Oil the hinge 3",)
    assert everything(repositories_root) == before


def test_a_hundred_thousand_files(apply, settings, repositories_root):
    files = b"".join(
        b"diff --git a/%d b/%d\nnew file mode 100644\n" % (n, n) for n in range(100_000)
    )
    before = everything(repositories_root)
    with pytest.raises(Refused, match=r"2\.0 MB is the most"):
        apply([patch_with("") + files])
    settings.MAX_PATCH_BYTES = 10_000_000
    with pytest.raises(Refused, match="100000 files, and 3000 is the most"):
        apply([patch_with("") + files])
    assert everything(repositories_root) == before
