"""What is known well enough to be named but not read, and how to make of it what is read."""

from __future__ import annotations

import struct
from typing import Final

WEIGHTS: Final = "a weights file"
"""How a weights file is described."""

_TO_PICTURE: Final = "convert it with ffmpeg -i FILE picture.png"
_TO_VIDEO: Final = "convert it with ffmpeg -i FILE clip.mp4"
_TO_SOUND: Final = "convert it with ffmpeg -i FILE sound.flac"
_DEVELOP: Final = "develop it first, to a 16-bit TIFF, in RawTherapee or darktable"
_TO_FLOATS: Final = "convert it to a TIFF of 32-bit floats with oiiotool FILE -o picture.tif"
_UNPACK: Final = "unpack it first"
_NAME_MEDIA: Final = "name the files that it names"

# Offset and bytes, what it is, and what to do.
_KNOWN: Final[tuple[tuple[int, bytes, str, str | None], ...]] = (
    (0, b"PK\x03\x04", "a ZIP archive", _UNPACK),
    (0, b"\x1f\x8b", "gzip-compressed", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "zstd-compressed", _UNPACK),
    (0, b"BZh", "bzip2-compressed", _UNPACK),
    (0, b"\xfd7zXZ\0", "xz-compressed", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (0, b"%PDF", "a PDF document", "draw a page of it with pdftoppm -png -r 300 FILE page"),
    (0, b"8BPS", "a Photoshop document", "flatten it and save it as a PNG or TIFF"),
    (0, b"gimp xcf", "a GIMP document", "flatten it and export it as a PNG or TIFF"),
    (0, b"\x76\x2f\x31\x01", "an OpenEXR image", _TO_FLOATS),
    (0, b"#?RADIANCE", "a Radiance image", _TO_FLOATS),
    (0, b"\0\0\1\0", "a Windows icon", _TO_PICTURE),
    (0, b"DDS ", "a texture in DDS", _TO_PICTURE),
    (0, b"P7\n", "a PAM image", "convert it with pamtopng FILE > picture.png"),
    (0, b"PF\n", "a PFM image", "convert it to a TIFF of 32-bit floats"),
    (0, b"Pf\n", "a PFM image", "convert it to a TIFF of 32-bit floats"),
    (0, b"SIMPLE  =", "a FITS file", "save its values as an array in .npy"),
    (128, b"DICM", "a DICOM file", "save its values as an array in .npy"),
    (0, b"\x89HDF", "an HDF5 file", "save one of its arrays as .npy"),
    (0, b"MATLAB ", "a MATLAB file", "save one of its arrays as .npy"),
    (8, b"CR", "a raw photograph", _DEVELOP),
    (0, b"FUJIFILMCCD-RAW", "a raw photograph", _DEVELOP),
    (0, b"IIRO", "a raw photograph", _DEVELOP),
    (0, b"IIRS", "a raw photograph", _DEVELOP),
    (0, b"IIU\0", "a raw photograph", _DEVELOP),
    (4, b"ftypcrx", "a raw photograph", _DEVELOP),
    (0, b"MThd", "a MIDI file", "play it to a sound with fluidsynth -F sound.wav SOUNDFONT FILE"),
    (0, b"\x0a\5\1\x08", "a PCX image", _TO_PICTURE),
    (0, b"\x01\xda\0\1", "an SGI image", _TO_PICTURE),
    (0, b"\x01\xda\1\1", "an SGI image", _TO_PICTURE),
    (0, b"YUV4MPEG2 ", "a bare YUV video", _TO_VIDEO),
    (0, b"Creative Voice File", "a VOC sound", _TO_SOUND),
    (0, b"\x64\xa3\1\0", "an IRCAM sound", _TO_SOUND),
    (0, b"\x64\xa3\2\0", "an IRCAM sound", _TO_SOUND),
    (0, b"#!AMR", "an AMR sound", _TO_SOUND),
    (0, b"wvpk", "a WavPack sound", _TO_SOUND),
    (0, b"MAC ", "a Monkey's Audio sound", _TO_SOUND),
    (0, b"DSD ", "a DSD sound", _TO_SOUND),
    (0, b"\x0b\x77", "an AC-3 sound", _TO_SOUND),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media file", _TO_VIDEO),
    (0, b"FLV\x01", "a Flash video", _TO_VIDEO),
    (0, b"\0\0\1\xba", "an MPEG program stream", _TO_VIDEO),
    (0, b"\0\0\1\xb3", "a bare MPEG video", _TO_VIDEO),
    (0, b"#EXTM3U", "an M3U playlist", _NAME_MEDIA),
    (0, b"ffconcat", "an ffconcat script", _NAME_MEDIA),
    (0, b"\x7fELF", "a program", None),
)


def known_content(head: bytes) -> tuple[str, str | None] | None:
    """Return what a file with this head is, in words, and what to do; None for what is unknown."""
    for offset, signature, description, advice in _KNOWN:
        if head.startswith(signature, offset):
            return description, advice
    if head.lstrip().startswith((b"<svg", b"<?xml", b"<!--")) and b"<svg" in head:
        return "an SVG drawing", "draw it with rsvg-convert FILE -o picture.png"
    if len(head) > 9 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] < 10**8:
        return WEIGHTS, None
    return None
