"""A plate that is a movie: every picture counted, and found again exactly, through PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av import VideoFrame
from av.error import FFmpegError
from av.stream import Disposition

from model.settings import KeySettings
from service.confined import opened
from service.errors import PlateMismatch, PlateUnreadable
from service.plates.doubts import doubt
from service.plates.h273 import UNSPECIFIED
from service.plates.index import MovieIndex, index_movie
from service.plates.levels import range_seen
from service.plates.orientation import Orientation, orientation_of
from service.plates.pictures import Picture, PlateFormat
from service.plates.planes import NAMES_OF_MATRICES, YuvReading, frame_alpha, frame_to_rgb
from service.plates.sequences import to_light
from service.plates.stills import Limits
from service.plates.tagged import MovieTags, choose_movie_encoding
from service.plates.wholeness import is_cut_short
from service.shots import Shot

# A container is opened by what its name says it is: FFmpeg's playlists could otherwise name other files and hosts.
_CONTAINERS = {
    ".mov": "mov",
    ".mp4": "mov",
    ".m4v": "mov",
    ".mxf": "mxf",
    ".mkv": "matroska",
    ".webm": "matroska",
    ".avi": "avi",
    ".mts": "mpegts",
    ".m2ts": "mpegts",
}

_COVERS = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image

_PICTURES_TO_TRY = 10  # for what all of them share: a broken one must not decide


class MoviePlate:
    """Reads the pictures of a movie, fast in ascending order; made by `open_plate`."""

    def __init__(self, shot: Shot, settings: KeySettings, limits: Limits, threads: int = 0) -> None:
        self._path = shot.folder / shot.prefix
        self._first = shot.first_frame
        self._threads = threads
        self._with_alpha = settings.plate_alpha != "ignore"
        self._settings = settings
        self._next = 0
        self._counted = 0
        self._waiting: tuple[int, VideoFrame] | None = None
        self._open = ExitStack()
        try:
            self._file = self._open.enter_context(opened(self._path, shot.confined_to))
            self._container = self._open.enter_context(open_container(self._path, self._file))
            self._stream = self._video_stream()
            self._limits = limits
            self._check_size(self._stream.codec_context.width, self._stream.codec_context.height)
            cut_short = is_cut_short(self._file, _CONTAINERS[self._path.suffix.casefold()])
            self._index: MovieIndex = index_movie(self._container, self._stream, cut_short=cut_short)
            if not self._index.count:
                raise self._unreadable("it holds no whole picture")
            self._restart()
            self.format = self._describe()
        except OSError as error:  # FFmpeg's errors are among these
            self.close()
            raise self._unreadable(error) from error
        except BaseException:
            self.close()
            raise

    def read(self, frame: int, *, look: bool = False) -> Picture:
        """Read one frame; ``look`` at its levels, too."""
        try:
            decoded = self._decode(frame - self._first)
        except FFmpegError as error:
            raise self._unreadable(error) from error
        if decoded is None or decoded.is_corrupt:
            raise PlateUnreadable(
                "The picture cannot be decoded, or one that it builds upon.", fix="Export or copy the movie again."
            )
        if (decoded.width, decoded.height) != self._coded:
            raise PlateMismatch(
                f"It is {decoded.width} × {decoded.height} pixels; the movie began with {self._coded[0]} × "
                f"{self._coded[1]}.",
                fix="Export the movie in one size.",
            )
        upright = self._orientation.upright
        color = to_light(upright(frame_to_rgb(decoded, self._reading)), self._chosen)
        alpha = frame_alpha(decoded) if self._with_alpha or look else None
        # JPEG is full range by definition, not by a tag.
        telling = look and self._settings.range == "auto" and not self._is_jpeg()
        return Picture(
            color,
            np.ascontiguousarray(upright(alpha)) if alpha is not None and self._with_alpha else None,
            self._otherwise(decoded),
            range_seen(decoded, self._reading) if telling else None,
            float((alpha <= 0).mean()) if look and alpha is not None else None,
        )

    def close(self) -> None:
        """Close the file."""
        self._open.close()

    # ---- finding a picture

    def _decode(self, wanted: int) -> VideoFrame | None:
        """Return picture number ``wanted`` (from 0); None when the decoder leaves it out."""
        if not self._index.next_is_nearest(self._next, wanted):
            self._go_to(wanted)
        while True:
            self._waiting = self._waiting or self._following()
            if self._waiting is None or self._waiting[0] > wanted:
                return None
            number, decoded = self._waiting
            self._waiting, self._next = None, number + 1
            if number == wanted:
                return decoded

    def _go_to(self, wanted: int) -> None:
        """Start decoding at a keyframe from which ``wanted`` can be reached."""
        for time in self._index.seek_times(wanted):
            self._container.seek(time, stream=self._stream, backward=True)
            self._restart()
            self._waiting = self._following()
            if self._waiting is not None and self._waiting[0] <= wanted:
                self._next = self._waiting[0]
                return
        self._container.close()
        self._container = self._open.enter_context(open_container(self._path, self._file))
        self._stream = self._video_stream()
        self._restart()

    def _restart(self) -> None:
        self._frames = self._decoded_frames()
        self._next = 0
        self._counted = 0
        self._waiting = None

    def _following(self) -> tuple[int, VideoFrame] | None:
        """Decode one more picture of the index; None at the end."""
        for decoded in self._frames:
            number = self._index.number_of(decoded.pts, self._counted)
            self._counted += 1
            if number is not None:
                return number, decoded
        return None

    def _decoded_frames(self) -> Iterator[VideoFrame]:
        """Decode on and on; a packet that fails is left out, with the pictures that build upon it.

        Those would come out with traces of another picture in them, and no sign of it: up to the next keyframe, where
        the movie begins anew. Where pictures can only be counted it ends there, as no later number is certain.
        """
        astray = False
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError:
                return
            if packet is None:
                return
            try:
                decoded = packet.decode()
            except FFmpegError:
                if not self._index.times:
                    return
                astray = True
                continue
            for frame in decoded:
                if isinstance(frame, VideoFrame):
                    astray = astray and not frame.key_frame
                    if not astray:
                        yield frame

    # ---- what it is

    def _video_stream(self) -> av.VideoStream:
        streams = sorted(self._container.streams.video, key=_standing, reverse=True)
        if not streams:
            raise PlateUnreadable(f"{self._path.name} has no pictures in it.", fix="Choose another file.")
        stream = streams[0]
        if not _is_readable(stream):
            raise PlateUnreadable(
                f"{self._path.name} uses a codec that cannot be read.", fix="Export ProRes, DNx, H.264 or pictures."
            )
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = self._threads
        return stream

    def _check_size(self, wide: int, high: int) -> None:
        limits = self._limits
        mib = wide * high * 16 / 2**20
        if not 0 < min(wide, high) or max(wide, high) > limits.maximum_side_pixels or mib > limits.maximum_picture_mib:
            raise PlateUnreadable(
                f"{self._path.name} says its pictures are {wide} × {high} pixels.",
                fix="Scale it down, or raise maximum_side_pixels and maximum_picture_mib in dropkey.toml.",
            )

    def _describe(self) -> PlateFormat:
        numbers = range(min(self._index.count, _PICTURES_TO_TRY))
        context = self._stream.codec_context
        container_matrix = int(context.colorspace)  # what is decoded has the last word there afterwards
        first = next((found for number in numbers if (found := self._decode(number)) is not None), None)
        if first is not None and first.interlaced_frame and context.name == "hevc":
            raise self._is_of_fields()
        self._coded = (first.width, first.height) if first is not None else (context.width, context.height)
        self._check_size(*self._coded)  # a stream may become larger than its container says
        self._orientation = orientation_of(first) if first is not None else Orientation()
        self._reading = YuvReading(
            matrix=self._settings.matrix,
            range=self._settings.range,
            centered_chroma=self._is_jpeg(),
            container_matrix=container_matrix,
        )
        self._tags = MovieTags(
            primaries=int(context.color_primaries),
            curve=int(context.color_trc),
            matrix=int(first.colorspace) if first is not None else UNSPECIFIED,
            bits=first.format.components[0].bits if first is not None else 8,
            is_rgb=first is not None and first.format.is_rgb,
        )
        self._chosen = choose_movie_encoding(self._settings.encoding, self._tags)
        self._go_to(0)
        turned = self._orientation.transposed
        width, height = self._coded[::-1] if turned else self._coded
        ratio = self._stream.sample_aspect_ratio or Fraction(1)
        end = self._first + self._index.count
        return PlateFormat(
            width=width,
            height=height,
            fps=self._index.rate,
            pixel_aspect_ratio=float(1 / ratio if turned else ratio),
            encoding=self._chosen.encoding,
            encoding_reason=self._chosen.reason,
            frames=tuple(range(self._first, end)),
            lost_frames=tuple(range(end, end + self._index.lost)),
            warnings=tuple(self._warnings(first)),
        )

    def _warnings(self, first: VideoFrame | None) -> Iterator[str]:
        """Say what the file asks for and does not get, and what is doubtful about it."""
        yield from self._chosen.warnings
        others = [stream for stream in self._container.streams.video if stream.index != self._stream.index]
        if others:
            left_out = ", ".join(_named(stream) for stream in others)
            yield f"The movie has {len(others) + 1} video streams: {_named(self._stream)} is keyed, not {left_out}."
        if first is not None and self._reading.is_impossible(first):
            words = NAMES_OF_MATRICES.get(self._reading.matrix_of(first), "that of its size")
            yield doubt("no-matrix", number=int(first.colorspace), matrix=words)
        if first is not None and first.format.is_rgb and first.color_range == 1 and self._settings.range == "auto":
            yield doubt("rgb-limited")
        if first is not None and first.interlaced_frame:
            yield "The movie is marked as interlaced; its fields are not separated. Deinterlace it if motion is combed."
        if not self._index.is_even():
            yield (
                "The movie has a variable frame rate: each of its pictures is one frame, all of the same length. "
                "Where other footage or sound has to fit, convert it to a constant rate first."
            )
        if self._orientation.unapplied:
            yield f"The movie asks {self._orientation.unapplied}; only quarter turns are applied."

    def _is_jpeg(self) -> bool:
        return bool(self._stream.codec_context.name == "mjpeg")

    def _otherwise(self, decoded: VideoFrame) -> tuple[str, ...]:
        """Say that a picture's own tags ask for another encoding than its movie has."""
        primaries, curve = int(decoded.color_primaries), int(decoded.color_trc)
        silent = (0, UNSPECIFIED)
        if self._settings.encoding.strip().casefold() != "auto" or (primaries in silent and curve in silent):
            return ()
        tags = replace(
            self._tags,
            primaries=self._tags.primaries if primaries in silent else primaries,
            curve=self._tags.curve if curve in silent else curve,
        )
        own = choose_movie_encoding("auto", tags)
        if own.encoding == self._chosen.encoding:
            return ()
        return (doubt("frame-otherwise", reason=own.reason, encoding=self._chosen.encoding),)

    def _is_of_fields(self) -> PlateUnreadable:
        """Refuse fields: HEVC codes interlaced video as pictures of every second line, and its decoder joins none."""
        return PlateUnreadable(
            f"{self._path.name} is interlaced HEVC: each picture is a field, every second line of a frame.",
            fix="Deinterlace it, and export ProRes, DNx or H.264: in FFmpeg, the filters weave and bwdif do both.",
        )

    def _unreadable(self, error: Exception | str) -> PlateUnreadable:
        reason = " ".join(str(error).split())[:200].rstrip(".")
        return PlateUnreadable(f"{self._path.name} cannot be decoded: {reason}.", fix="Export or copy the movie again.")


def _standing(stream: av.VideoStream) -> tuple[bool, bool, int, Fraction]:
    """Order streams, the one that is meant last: readable, no cover or thumbnail, the largest, then the longest."""
    if not _is_readable(stream):
        return False, False, 0, Fraction(0)
    cover = bool(stream.disposition & _COVERS) or stream.frames == 1
    length = (stream.duration or 0) * (stream.time_base or Fraction(0))
    return True, not cover, stream.width * stream.height, Fraction(length)


def _named(stream: av.VideoStream) -> str:
    """Return size and codec of a stream, for people."""
    if not _is_readable(stream):
        return "one that cannot be read"
    cover = " (a cover or thumbnail)" if stream.disposition & _COVERS else ""
    return f"{stream.width} × {stream.height} {stream.codec_context.name}{cover}"


def _is_readable(stream: av.VideoStream) -> bool:
    context: Any = stream.codec_context  # None for a codec that FFmpeg does not know, whatever PyAV's stubs say
    return context is not None


def open_container(path: Path, file: Path) -> av.container.InputContainer:
    """Open a movie, which lies in ``file``, as the kind that its name says. Raises PlateUnreadable."""
    if file.stat().st_size == 0:
        raise PlateUnreadable(f"{path.name} is empty (0 bytes).", fix="Export or copy it again.")
    try:
        return av.open(
            str(file),
            format=_CONTAINERS[path.suffix.casefold()],
            options={"protocol_whitelist": "file"},
            metadata_errors="replace",  # titles in an old camera's own letters are no reason to refuse its movie
        )
    except FFmpegError as error:
        raise PlateUnreadable(
            f"{path.name} cannot be opened as a movie: {error.strerror}.",
            fix="Export or copy it again; a movie that was cut off while it was written cannot be read.",
        ) from error
    except OSError as error:
        raise PlateUnreadable(f"{path.name} cannot be opened: {error}.", fix="Check who may read it.") from error
