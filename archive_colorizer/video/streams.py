"""What of a film is copied beside its pictures: sound, subtitles, timecode; and what is not."""

import io
import re
from typing import Any, Final

import av
from av.error import FFmpegError

from archive_colorizer.video.reading import ContainerReader, FilmFacts, Reader

COPIED: Final = ("audio", "subtitle")
_TIMECODE: Final = re.compile(r"\d\d:\d\d:\d\d[:;.]\d\d")


def add_copied(out: Any, reader: Reader, words: list[str]) -> dict[int, Any]:  # noqa: ANN401
    """Add the streams that are copied packet by packet.

    Args:
        out: PyAV's container that is written.
        reader: of the film.
        words: get a line for what is left out.

    Returns:
        The new stream for the number of each old one.
    """
    if not isinstance(reader, ContainerReader):
        return {}
    copied: dict[int, Any] = {}
    form = out.format.name
    for stream in reader.container.streams:
        if stream.index == reader.stream.index or _is_timecode(stream):
            continue
        if stream.type in COPIED and _holds(form, stream):
            copied[stream.index] = out.add_stream_from_template(stream)
            copied[stream.index].metadata.update(stream.metadata)
        else:
            words.append(_left_out(stream, form))
    return copied


def keep_timecode(out: Any, stream: Any, facts: FilmFacts, words: list[str]) -> None:  # noqa: ANN401
    """Write the film's timecode where the container has a place for it."""
    if not facts.timecode:
        return
    if not _TIMECODE.fullmatch(facts.timecode):
        words.append(f"left out: the timecode {facts.timecode[:40]!r}, which is none")
    elif out.format.name == "matroska":
        out.metadata["timecode"] = facts.timecode
    else:
        stream.metadata["timecode"] = facts.timecode


def _is_timecode(stream: Any) -> bool:  # noqa: ANN401
    """Whether a stream is a track of timecode alone: that is written by `keep_timecode`."""
    return stream.type == "data" and "timecode" in stream.metadata


def _holds(form: str, stream: Any) -> bool:  # noqa: ANN401
    """Whether a container takes a stream as it is: its muxer is asked."""
    if form != "matroska" and stream.type == "subtitle":
        return False
    try:
        with av.open(io.BytesIO(), "w", format=form) as trial:
            trial.add_stream_from_template(stream)
            trial.start_encoding()
    except (FFmpegError, ValueError):
        return False
    return True


def _left_out(stream: Any, form: str) -> str:  # noqa: ANN401
    context = stream.codec_context
    name = f" ({context.name})" if context is not None else ""
    return f"left out: stream {stream.index}, {stream.type}{name}: {form} does not take it as it is"
