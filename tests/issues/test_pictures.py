"""Metadata is taken out of pictures; what is seen of them stays."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issues.pictures import remove_metadata
from issues.pictures.exif import find_orientation, make_exif
from tests.growing import assert_linear
from tests.issues.picture_samples import (
    ADOBE,
    JFIF,
    PROFILE,
    SECRET,
    make_heif,
    make_jpeg,
    make_png,
    make_tiff,
    make_webp,
    segment,
)

EXIF = b"Exif\0\0"
TURNED = b"\xff\xe1" + struct.pack(">H", 2 + len(EXIF) + 26) + EXIF + make_exif(6)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_read_in_either_byte_order(order, orientation):
    assert find_orientation(make_tiff(orientation, order)) == orientation
    assert find_orientation(make_exif(orientation)) == orientation


@pytest.mark.parametrize("tiff", [b"", b"MM\0*", b"MM\0*\xff\xff\xff\xff", make_tiff(9)])
def test_broken_exif_means_upright(tiff):
    assert find_orientation(tiff) == 1


def test_a_jpeg_loses_all_that_is_no_picture():
    talk = [
        segment(0xE1, EXIF + make_tiff(1)),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET),
        segment(0xED, b"Photoshop 3.0\0" + SECRET),
        segment(0xE2, b"MPF\0" + SECRET),
        segment(0xE0, b"JFXX\0" + SECRET),
        segment(0xFE, SECRET),
    ]
    full = make_jpeg(JFIF, *talk, PROFILE, ADOBE, end=b"ftypmp42" + SECRET)
    assert remove_metadata(full) == make_jpeg(JFIF, PROFILE, ADOBE)


def test_a_jpeg_keeps_its_orientation():
    exif = segment(0xE1, EXIF + make_tiff(6))
    assert remove_metadata(make_jpeg(JFIF, exif)) == make_jpeg(JFIF, TURNED)
    assert remove_metadata(make_jpeg(exif)) == make_jpeg(TURNED)


@pytest.mark.parametrize("scans", [0, 1, 2])
def test_a_plain_jpeg_stays_byte_for_byte(scans):
    assert remove_metadata(make_jpeg(JFIF, scans=scans)) == make_jpeg(JFIF, scans=scans)


def test_a_jpeg_that_was_cut_off_stays_as_far_as_it_goes():
    cut = make_jpeg(JFIF, segment(0xFE, SECRET))[:-8]
    assert remove_metadata(cut) == make_jpeg(JFIF)[:-8]


@pytest.mark.parametrize(
    "content", [b"\xff\xd8\xffnonsense", b"\xff\xd8\xff\xe1\xff\xff", b"\xff\xd8\xff"]
)
def test_what_only_begins_as_a_jpeg_cannot_be_read(content):
    assert remove_metadata(content) is None


def test_a_png_loses_texts_and_exif_but_not_its_orientation():
    assert remove_metadata(make_png(text=b"GPS\0" + SECRET, end=SECRET)) == make_png()
    assert remove_metadata(make_png(tiff=make_tiff(1))) == make_png()
    assert remove_metadata(make_png(tiff=make_tiff(8))) == make_png(tiff=make_exif(8))


@pytest.mark.parametrize("length", [8, 20, 40, 60])
def test_a_png_that_was_cut_off_cannot_be_read(length):
    assert remove_metadata(make_png()[:length]) is None


def test_a_webp_loses_exif_and_xmp_and_the_flags_that_announce_them():
    chunks = (b"VP8 ", b"odd"), (b"ALPH", b"even")
    full = make_webp(*chunks, (b"EXIF", make_tiff(1)), (b"XMP ", SECRET), flags=0x1C)
    assert remove_metadata(full) == make_webp(*chunks, flags=0x10)
    turned = make_webp(*chunks, (b"EXIF", EXIF + make_tiff(3)), flags=0x08)
    assert remove_metadata(turned) == make_webp(*chunks, (b"EXIF", make_exif(3)), flags=0x08)


@pytest.mark.parametrize("length", [12, 20, 35])
def test_a_webp_that_was_cut_off_cannot_be_read(length):
    assert remove_metadata(make_webp((b"VP8 ", b"data"))[:length]) is None


@pytest.mark.parametrize("in_idat", [False, True])
def test_a_heif_is_overwritten_in_place(in_idat):
    exif, xmp = b"\0\0\0\0" + make_tiff(6), b"<x>" + SECRET + b"</x>"
    full = make_heif(exif, xmp, in_idat=in_idat)
    nothing = (b"\0\0\0\0" + make_exif(1)).ljust(len(exif), b"\0"), b" " * len(xmp)
    assert SECRET in full
    assert remove_metadata(full) == make_heif(*nothing, in_idat=in_idat)


@pytest.mark.parametrize("length", [12, 30, 80, 150, 200])
def test_a_heif_that_was_cut_off_cannot_be_read(length):
    assert remove_metadata(make_heif(make_tiff(), SECRET)[:length]) is None


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"<svg/>", b"GIF89a", b"RIFF\0\0\0\0WAVE"])
def test_other_files_stay_as_they_are(content):
    assert remove_metadata(content) == content


SAMPLES = st.sampled_from([
    make_jpeg(JFIF, segment(0xE1, EXIF + make_tiff(6))),
    make_png(text=SECRET, tiff=make_tiff(3)),
    make_webp((b"VP8 ", b"x"), (b"EXIF", make_tiff(2)), flags=8),
    make_heif(make_tiff(), SECRET),
    make_heif(make_tiff(), SECRET, in_idat=True),
])  # fmt: skip


@given(SAMPLES, st.lists(st.tuples(st.integers(3, 400), st.integers(0, 255)), max_size=6))
def test_no_damage_raises(sample, changes):
    damaged = bytearray(sample)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    cleaned = remove_metadata(bytes(damaged))
    assert cleaned is None or len(cleaned) <= len(damaged) + 40


@given(SAMPLES)
def test_cleaning_twice_equals_cleaning_once(sample):
    cleaned = remove_metadata(sample)
    assert remove_metadata(cleaned) == cleaned
    assert SECRET not in cleaned


GROWING = {
    "segments": lambda size: make_jpeg(*[segment(0xFE, b"")] * (size // 4)),
    "restarts": lambda size: make_jpeg(JFIF)[:-2] + b"\xff\xd0" * (size // 2),
    "fill bytes": lambda size: make_jpeg(JFIF)[:-2] + b"\xff" * size,
    "chunks": lambda size: make_png()[:-12] + b"\0\0\0\0tEXt\0\0\0\0" * (size // 12),
    "riff": lambda size: make_webp(*[(b"XMP ", b"")] * (size // 8)),
}


@pytest.mark.growth
@pytest.mark.parametrize("make", GROWING.values(), ids=GROWING)
def test_the_time_grows_with_the_length(make):
    assert_linear(remove_metadata, make, 400_000, 1_600_000)
