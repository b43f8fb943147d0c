"""Films in, coloured films out: frames, times, luma, sound, tags, and what is wrong with them."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow.parquet as pq
import pytest
from films import add_subtitles, drawn_frame, lumas_of, sound_of, times_of, write_film
from PIL import Image

from archive_colorizer.cli.main import main
from archive_colorizer.errors import ConfigError, LocationError, NoPicturesError
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.pipeline.run import colorize
from archive_colorizer.storage import open_store
from archive_colorizer.video.config import VideoConfig
from archive_colorizer.video.job import FilmReport, colorize_films

Colour = Callable[..., FilmReport]
Rows = Callable[[str | Path], list[dict[str, Any]]]


def test_an_ffv1_film_keeps_every_sample_of_its_luma_its_times_and_its_sound(
    reels: Path, tmp_path: Path, colour: Colour, rows: Rows
) -> None:
    planes = write_film(reels / "a.mkv", cut=25, sound="pcm_s16le", metadata={"title": "A walk"})
    report = colour({"container": "mkv"})
    assert report.is_clean, report.text()
    made = tmp_path / "out" / "a.colorized.mkv"
    assert all(map(np.array_equal, planes, lumas_of(made)))
    assert len(lumas_of(made)) == 50
    assert times_of(made) == times_of(reels / "a.mkv")
    assert sound_of(made) == sound_of(reels / "a.mkv")
    (row,) = rows(tmp_path / "out")
    assert (row["status"], row["n_pages"], row["luminance_relation"]) == (
        "ok", 50, "identical_samples",
    )  # fmt: skip
    with av.open(str(made)) as film:
        assert film.metadata["title"] == "A walk"
        assert row["row_id"] in film.metadata["COMMENT"]
        chroma = next(film.decode(video=0)).to_ndarray()[120:]
    assert chroma.std() > 0.5
    shots = pq.read_table(next((tmp_path / "out" / "shots").glob("*.parquet"))).to_pylist()
    assert [(one["first_frame"], one["frames"]) for one in shots] == [(0, 25), (25, 25)]
    report = verify(open_store(str(tmp_path / "out")))
    assert not report.findings


@pytest.mark.parametrize(("container", "sound"), [("mp4", "aac"), ("mov", "pcm_s16le")])
def test_frames_times_and_sound_are_the_films_in_mp4_and_mov(
    reels: Path, tmp_path: Path, colour: Colour, container: str, sound: str
) -> None:
    write_film(reels / "a.mov", codec="mpeg4", frames=30, sound=sound)
    assert colour({"container": container}).is_clean
    made = tmp_path / "out" / f"a.colorized.{container}"
    assert times_of(made) == times_of(reels / "a.mov")
    assert sound_of(made) == sound_of(reels / "a.mov")


def test_ten_bits_stay_ten_bits(reels: Path, tmp_path: Path, colour: Colour, rows: Rows) -> None:
    planes = write_film(reels / "a.mkv", frames=6, pixel_format="yuv422p10le")
    assert colour({"container": "mkv"}).is_clean
    made = lumas_of(tmp_path / "out" / "a.colorized.mkv")
    assert made[0].dtype == np.uint16
    assert all(map(np.array_equal, planes, made))
    (row,) = rows(tmp_path / "out")
    assert row["bits_per_sample"] == 10


def test_the_luma_that_prores_codes_is_the_films(
    reels: Path, tmp_path: Path, colour: Colour
) -> None:
    planes = write_film(reels / "a.mkv", frames=4, pixel_format="yuv422p10le")
    assert colour({"container": "mov"}).is_clean
    made = lumas_of(tmp_path / "out" / "a.colorized.mov")
    miss = [np.abs(a.astype(int) - b.astype(int)).mean() for a, b in zip(planes, made, strict=True)]
    assert max(miss) < 1.5  # of 1023: ProRes loses a little


def test_times_of_variable_rate_are_kept(reels: Path, tmp_path: Path, colour: Colour) -> None:
    pts = [0, 1, 5, 6, 7, 15, 16, 30, 31, 32]
    write_film(reels / "a.mov", codec="mpeg4", frames=10, pts=pts, time_base=Fraction(1, 30))
    assert colour().is_clean
    made = times_of(tmp_path / "out" / "a.colorized.mp4")
    assert made == times_of(reels / "a.mov")
    assert made[5] == Fraction(15, 30)


@pytest.mark.parametrize("field_order", [2, 3])
def test_fields_and_their_order_are_kept(
    reels: Path, tmp_path: Path, colour: Colour, field_order: int
) -> None:
    flags = {"flags": "+ildct+ilme"}
    write_film(reels / "a.mov", codec="prores_ks", frames=5, pixel_format="yuv422p10le",
               field_order=field_order, options=flags)  # fmt: skip
    assert colour({"container": "mov"}).is_clean
    with av.open(str(tmp_path / "out" / "a.colorized.mov")) as film:
        first = next(film.decode(video=0))
        assert first.interlaced_frame
        assert film.streams.video[0].codec_context.field_order in (field_order, field_order + 2)


def test_bwdif_makes_whole_pictures_one_a_frame(
    reels: Path, tmp_path: Path, colour: Colour, rows: Rows
) -> None:
    flags = {"flags": "+ildct+ilme"}
    write_film(reels / "a.mov", codec="prores_ks", frames=8, pixel_format="yuv422p10le",
               field_order=2, options=flags)  # fmt: skip
    assert colour({"deinterlace": "bwdif"}).is_clean
    made = tmp_path / "out" / "a.colorized.mp4"
    assert times_of(made) == times_of(reels / "a.mov")
    with av.open(str(made)) as film:
        assert not next(film.decode(video=0)).interlaced_frame
    (row,) = rows(tmp_path / "out")
    assert row["luminance_relation"] == "rescaled_before_coding"


@pytest.mark.parametrize(("container", "size"), [("mkv", (161, 121)), ("mp4", (162, 122))])
def test_odd_sides(
    reels: Path, tmp_path: Path, colour: Colour, container: str, size: tuple[int, int]
) -> None:
    write_film(reels / "a.mkv", frames=4, size=(161, 121))
    report = colour({"container": container})
    assert report.is_clean
    with av.open(str(tmp_path / "out" / f"a.colorized.{container}")) as film:
        frame = next(film.decode(video=0))
    assert (frame.width, frame.height) == size
    assert any("161x121 became 162x122" in note for note in report.notes) == (container == "mp4")


def test_rotation_timecode_and_colour_tags_are_kept(
    reels: Path, tmp_path: Path, colour: Colour
) -> None:
    write_film(reels / "a.mov", codec="prores_ks", frames=3, pixel_format="yuv422p10le",
               rotation=90, timecode="01:02:03:04")  # fmt: skip
    assert colour({"container": "mov"}).is_clean
    with av.open(str(tmp_path / "out" / "a.colorized.mov")) as film:
        assert any(one.metadata.get("timecode") == "01:02:03:04" for one in film.streams)
        frame = next(film.decode(video=0))
    assert frame.rotation == 90
    assert (frame.color_primaries, frame.color_trc, frame.colorspace) == (1, 1, 1)


def test_a_film_without_tags_gets_the_matrix_that_its_chroma_has(
    reels: Path, tmp_path: Path, colour: Colour
) -> None:
    write_film(reels / "a.mkv", frames=3, matrix=2)
    assert colour({"container": "mkv"}).is_clean
    with av.open(str(tmp_path / "out" / "a.colorized.mkv")) as film:
        assert next(film.decode(video=0)).colorspace == 6


def test_subtitles_are_copied_in_mkv_and_named_as_left_out_in_mp4(
    reels: Path, tmp_path: Path, colour: Colour, rows: Rows
) -> None:
    write_film(tmp_path / "plain.mkv", frames=25)
    add_subtitles(tmp_path / "plain.mkv", reels / "a.mkv")
    assert not colour({"container": "mkv"}).notes
    with av.open(str(tmp_path / "out" / "a.colorized.mkv")) as film:
        said = [bytes(packet) for packet in film.demux(subtitles=0) if packet.size]
    assert said == [b"a line"]
    report = colour()
    assert any("left out: stream 1, subtitle" in note for note in report.notes)
    (row,) = rows(tmp_path / "out")
    assert "metadata_lost" in row["flags"]
    assert row["review_needed"]


def test_a_folder_of_frames_is_a_film(
    reels: Path, tmp_path: Path, colour: Colour, rows: Rows
) -> None:
    folder = reels / "scan"
    folder.mkdir()
    for number in range(12):
        gray = drawn_frame(number, 120, 160) / 255 * 65535
        Image.fromarray(gray.astype(np.uint16)).save(folder / f"f_{number:05d}.tif")
    report = colour({"container": "mkv", "fps": "18"})
    assert report.is_clean, report.text()
    made = tmp_path / "out" / "scan.colorized.mkv"
    assert len(lumas_of(made)) == 12
    assert times_of(made)[9] == Fraction(1, 2)
    written = lumas_of(made)[3]
    assert np.array_equal(written, (drawn_frame(3, 120, 160) / 255 * 65535).astype(np.uint16))
    (row,) = rows(tmp_path / "out")
    assert (row["n_pages"], row["bits_per_sample"], row["source_sha256"]) == (12, 16, "")
    assert not verify(open_store(str(tmp_path / "out"))).findings


def test_ten_bit_dpx_frames_stay_ten_bits(
    reels: Path, tmp_path: Path, colour: Colour, rows: Rows
) -> None:
    for number in range(3):
        gray = (drawn_frame(number, 120, 160) / 255 * 65535).astype(np.uint16)
        rgb = av.VideoFrame.from_ndarray(np.dstack([gray] * 3), "rgb48le")
        codec: Any = av.CodecContext.create("dpx", "w")
        codec.width, codec.height, codec.pix_fmt = 160, 120, "gbrp10le"
        codec.time_base = Fraction(1, 24)
        packets = [*codec.encode(rgb.reformat(format="gbrp10le")), *codec.encode(None)]
        (reels / f"reel.{number:04d}.dpx").write_bytes(b"".join(map(bytes, packets)))
    assert colour({"container": "mkv"}).is_clean
    (row,) = rows(tmp_path / "out")
    assert (row["n_pages"], row["bits_per_sample"]) == (3, 10)
    made = lumas_of(tmp_path / "out" / row["derivative_key"])
    aim = 64 + drawn_frame(1, 120, 160) / 255 * 876
    assert np.abs(made[1] - aim).max() < 4  # of 1023: FFmpeg dithers on the way to 10 bits


def test_mxf_with_its_sound_and_timecode(reels: Path, tmp_path: Path, colour: Colour) -> None:
    write_film(reels / "tape.mxf", codec="mpeg2video", frames=10, pixel_format="yuv422p",
               sound="pcm_s16le", timecode="10:00:00:00")  # fmt: skip
    assert colour({"container": "mkv"}).is_clean
    made = tmp_path / "out" / "tape.colorized.mkv"
    assert all(map(np.array_equal, lumas_of(reels / "tape.mxf"), lumas_of(made)))
    assert b"".join(sound_of(made)) == b"".join(sound_of(reels / "tape.mxf"))
    with av.open(str(made)) as film:
        assert film.metadata["TIMECODE"] == "10:00:00:00"


def test_what_is_no_film_is_its_own_row_and_the_others_are_done(
    reels: Path, tmp_path: Path, colour: Colour, rows: Rows
) -> None:
    write_film(reels / "good.mkv", frames=4)
    (reels / "noise.mp4").write_bytes(b"no film at all" * 100)
    with av.open(str(reels / "sound.mkv"), "w") as out:
        from films import write_tone

        write_tone(out, out.add_stream("pcm_s16le", rate=48000, layout="mono"), 1)
    report = colour({"container": "mkv"})
    found = {Path(row["source_uri"]).name: row for row in rows(tmp_path / "out")}
    assert found["good.mkv"]["status"] == "ok"
    assert found["noise.mp4"]["error_class"] == "unreadable"
    assert found["sound.mkv"]["error_class"] == "unsupported"
    assert "has no video stream" in found["sound.mkv"]["error_message"]
    assert len(report.failed) == 2
    assert len(colour({"container": "mkv"}).failed) == 2  # not tried again unasked


def test_a_protected_film_says_so(reels: Path, tmp_path: Path, colour: Colour) -> None:
    write_film(reels / "a.mp4", codec="mpeg4", frames=4)
    data = (reels / "a.mp4").read_bytes()
    (reels / "a.mp4").write_bytes(data.replace(b"mp4v", b"encv", 1))
    (line,) = colour().failed
    assert "encrypted (DRM)" in line


def test_a_film_that_breaks_off_is_done_as_far_as_it_goes(
    reels: Path, tmp_path: Path, colour: Colour, rows: Rows
) -> None:
    write_film(reels / "a.mkv", frames=50)
    data = (reels / "a.mkv").read_bytes()
    (reels / "a.mkv").write_bytes(data[: len(data) // 2])
    assert colour({"container": "mkv"}).is_clean
    (row,) = rows(tmp_path / "out")
    assert "damaged" in row["flags"]
    assert 10 < row["n_pages"] < 40
    assert len(lumas_of(tmp_path / "out" / "a.colorized.mkv")) == row["n_pages"]
    assert any("ends early" in word for word in row["decoder_words"])


def test_broken_packets_cost_their_frames_alone(
    reels: Path, tmp_path: Path, colour: Colour, rows: Rows
) -> None:
    write_film(reels / "a.mov", codec="prores_ks", frames=20, pixel_format="yuv422p10le")
    data = bytearray((reels / "a.mov").read_bytes())
    middle = data.index(b"icpf", len(data) // 2)
    data[middle - 4 : middle + 200] = bytes(204)
    (reels / "a.mov").write_bytes(data)
    assert colour({"container": "mkv"}).is_clean
    (row,) = rows(tmp_path / "out")
    assert row["n_pages"] == 19
    assert "damaged" in row["flags"]


def test_a_second_run_does_nothing_and_a_new_setting_does_all(
    reels: Path, tmp_path: Path, colour: Colour, rows: Rows
) -> None:
    write_film(reels / "a.mkv", frames=4)
    colour({"container": "mkv"})
    before = (tmp_path / "out" / "a.colorized.mkv").stat().st_mtime_ns
    assert colour({"container": "mkv"}).frames == 0
    assert (tmp_path / "out" / "a.colorized.mkv").stat().st_mtime_ns == before
    assert colour({"container": "mkv", "steady": "off"}).frames == 4
    assert len(rows(tmp_path / "out")) == 1


def test_another_file_is_never_replaced(
    reels: Path, tmp_path: Path, colour: Colour, rows: Rows
) -> None:
    write_film(reels / "a.mkv", frames=4)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "a.colorized.mkv").write_bytes(b"somebody's")
    (line,) = colour({"container": "mkv"}).failed
    assert "is taken by another file" in line
    assert (tmp_path / "out" / "a.colorized.mkv").read_bytes() == b"somebody's"


def test_usage_errors_are_one_line(reels: Path, tmp_path: Path, film_job: Any, job: Any) -> None:
    with pytest.raises(NoPicturesError, match="no films there"):
        colorize_films(film_job())
    with pytest.raises(ConfigError, match="mp4 is written with h264"):
        VideoConfig(container="mp4", codec="ffv1")
    with pytest.raises(ConfigError, match="must be a number"):
        VideoConfig(fps="many")
    write_film(reels / "a.mkv", frames=2)
    colorize_films(film_job())
    with pytest.raises(LocationError, match="has a job of films: stills need"):
        colorize(job())
    (tmp_path / "out" / "job.json").unlink()
    (tmp_path / "out" / "job.json").write_text('{"job_id": "stills"}')
    with pytest.raises(LocationError, match="has a job of stills: films need"):
        colorize_films(film_job())


def test_the_command_says_what_it_did(
    reels: Path, tmp_path: Path, tiny_model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_film(reels / "a.mkv", frames=4)
    settings = tmp_path / "film.toml"
    settings.write_text('[video]\ncontainer = "mkv"\n[color]\nproxy_px = 64\n')
    words = ["video", str(reels), str(tmp_path / "out"), "--config", str(settings)]
    assert main([*words, "--model", tiny_model]) == 0
    said = capsys.readouterr().out
    assert "1 films, 1 coloured, 0 failed" in said
    assert main(["status", str(tmp_path / "out")]) == 0
    assert main(["verify", str(tmp_path / "out")]) == 0
