"""Jobs of films: killed and resumed, on Ray, in object stores, signed, and played in a browser."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from films import lumas_of, sound_of, times_of, write_film

from archive_colorizer.errors import ConfigError
from archive_colorizer.pipeline.config import JobConfig
from archive_colorizer.pipeline.output.verify import verify
from archive_colorizer.provenance.c2pa_reading import CHANGED, VALID, read_c2pa
from archive_colorizer.provenance.inspection import inspect
from archive_colorizer.storage import open_store
from archive_colorizer.video import shots
from archive_colorizer.video.config import FilmConfig, VideoConfig
from archive_colorizer.video.job import FilmReport, colorize_films
from archive_colorizer.video.kept import ColouredPiece, PieceFigures, keep_piece, read_piece

Colour = Callable[..., FilmReport]
Rows = Callable[[str | Path], list[dict[str, Any]]]


@pytest.mark.slow
def test_a_killed_run_goes_on_with_the_shots_that_are_missing(
    reels: Path, tmp_path: Path, tiny_model: str, colour: Colour, rows: Rows
) -> None:
    planes = write_film(reels / "a.mkv", frames=300, cut=150)
    words = [sys.executable, "-m", "archive_colorizer", "video", str(reels), str(tmp_path / "out")]
    words += ["--container", "mkv", "--model", tiny_model, "--proxy-px", "64", "--engine", "local"]
    process = subprocess.Popen(words)
    end_s = time.monotonic() + 120
    while not list((tmp_path / "out").glob("shots/*/000000.npz")):
        assert process.poll() is None
        assert time.monotonic() < end_s
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not list((tmp_path / "out").glob("*.mkv"))
    kept = next((tmp_path / "out").glob("shots/*/000000.npz")).stat().st_mtime_ns
    process = subprocess.Popen(words)
    while list((tmp_path / "out").glob("shots/*/plan.npz")) and process.poll() is None:
        found = list((tmp_path / "out").glob("shots/*/000000.npz"))
        assert not found or found[0].stat().st_mtime_ns == kept
        time.sleep(0.02)
    assert process.wait() == 0
    (row,) = rows(tmp_path / "out")
    assert (row["status"], row["n_pages"]) == ("ok", 300)
    assert all(map(np.array_equal, planes, lumas_of(tmp_path / "out" / "a.colorized.mkv")))
    assert not verify(open_store(str(tmp_path / "out"))).findings


def test_a_long_take_is_coloured_in_pieces_without_a_seam(
    reels: Path, tmp_path: Path, colour: Colour, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_film(reels / "a.mov", codec="mpeg4", frames=40)
    whole = colour({"container": "mkv"})
    assert whole.is_clean
    one = _chroma(tmp_path / "out" / "a.colorized.mkv")
    monkeypatch.setattr(shots, "PIECE_FRAMES", 16)
    monkeypatch.setattr(shots, "CONTEXT_FRAMES", 12)
    assert colour({"container": "mkv", "crf": 19}).frames == 40  # another recipe: done again
    other = _chroma(tmp_path / "out" / "a.colorized.mkv")
    assert np.abs(one - other).mean() < 1.0


def test_colours_are_kept_small_and_as_they_were(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    soft = np.cumsum(rng.normal(0, 0.6, (3, 96, 171, 2)), axis=2).clip(-110, 110)
    figures = PieceFigures(3, 0.5, 0.6, 0.1, 1.0, 2.0, 3.0, "cpu", "float32")
    store = open_store(str(tmp_path))
    keep_piece(store, "ab" * 32, 0, ColouredPiece(soft.astype(np.float16), figures))
    found = read_piece(store, "ab" * 32, 0)
    assert found.figures == figures
    assert np.abs(found.ab_thw2 - soft).max() < 0.2


@pytest.mark.parametrize("when", ["frame,2", "time,0.08"])
def test_a_pinned_colour_follows_its_object(
    reels: Path, tmp_path: Path, colour: Colour, when: str
) -> None:
    write_film(reels / "a.mkv", frames=20)
    column, value = when.split(",")
    points = tmp_path / "points.csv"
    points.write_text(f"path,{column},x,y,colour\na.mkv,{value},30,30,#d01010\n")
    assert colour({"container": "mkv"}).is_clean
    before = _reds(tmp_path / "out" / "a.colorized.mkv")
    assert colour({"container": "mkv"}, select={"hints": str(points)}).frames == 20
    more = _reds(tmp_path / "out" / "a.colorized.mkv") - before
    for number in (2, 10, 17):  # the square moves by two pixels a frame to the right
        row, column_px = (10 + number + 20) // 2, (8 + 2 * number + 20) // 2
        on_object = more[number, row - 3 : row + 4, column_px - 3 : column_px + 4].mean()
        elsewhere = np.abs(more[number, :, 60:]).mean()
        assert on_object > 15, number
        assert elsewhere < on_object / 3
    points.write_text("path,frame,x,y,colour\nb.mkv,2,30,30,#d01010\n")
    with pytest.raises(ConfigError, match="row 2: names no film"):
        colour({"container": "mkv"}, select={"hints": str(points)})


def _reds(path: Path) -> np.ndarray:
    """Cr of each frame."""
    with av.open(str(path)) as film:
        frames = [frame.to_ndarray() for frame in film.decode(video=0)]
    return np.stack([one[150:180].reshape(60, 80) for one in frames]).astype(np.float32)


def _chroma(path: Path) -> np.ndarray:
    with av.open(str(path)) as film:
        frames = [frame.to_ndarray()[120:].astype(np.float32) for frame in film.decode(video=0)]
    return np.stack(frames)


def test_a_film_is_signed_as_the_last_thing_that_is_done_to_it(
    reels: Path, tmp_path: Path, tiny_model: str, colour: Colour, rows: Rows
) -> None:
    pytest.importorskip("c2pa")
    from archive_colorizer.provenance.trial_certificates import write_test_certificate

    chain, key = write_test_certificate(tmp_path / "certificates")
    write_film(reels / "a.mkv", frames=4)
    signing = {"c2pa": str(chain), "c2pa_key": str(key)}
    with pytest.raises(ConfigError, match="MKV has no place"):
        colour({"container": "mkv"}, run=signing)
    assert colour(run=signing).is_clean
    made = tmp_path / "out" / "a.colorized.mp4"
    (row,) = rows(tmp_path / "out")
    assert row["c2pa_state"] == "signed"
    with made.open("rb") as file:
        reading = read_c2pa(file, "video/mp4")
    assert (reading.state, reading.said["row_id"]) == (VALID, row["row_id"])
    assert not verify(open_store(str(tmp_path / "out"))).findings
    said = inspect(made)
    assert (said.format, said.row_id, said.error) == ("MP4", row["row_id"], "")
    assert any("yes, and unchanged" in line for line in said.lines())
    data = bytearray(made.read_bytes())
    data[-200] ^= 1
    made.write_bytes(data)
    with made.open("rb") as file:
        assert read_c2pa(file, "video/mp4").state == CHANGED


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.usefixtures("ray_token")
def test_ray_does_the_same(
    reels: Path, tmp_path: Path, colour: Colour, film_job: Callable[..., FilmConfig], rows: Rows
) -> None:
    for name in ("a", "b"):
        write_film(reels / f"{name}.mkv", frames=30, cut=15)
    (reels / "bad.mp4").write_bytes(b"nothing" * 50)
    report = colour({"container": "mkv"}, run={"engine": "ray", "workers": 2})
    assert (report.ok, len(report.failed)) == (2, 1)
    first = [_chroma(tmp_path / "out" / f"{name}.colorized.mkv") for name in ("a", "b")]
    job = film_job({"container": "mkv"})
    local = JobConfig(source=str(reels), output=str(tmp_path / "local"), color=job.job.color,
                      run=job.job.run)  # fmt: skip
    colorize_films(FilmConfig(local, VideoConfig(container="mkv")))
    for name, one in zip(("a", "b"), first, strict=True):
        other = _chroma(tmp_path / "local" / f"{name}.colorized.mkv")
        assert np.abs(one - other).max() <= 1
    assert len(rows(tmp_path / "out")) == 3


@pytest.mark.s3
@pytest.mark.slow
def test_films_and_their_colours_may_be_objects(
    reels: Path, tmp_path: Path, bucket: str, film_job: Callable[..., FilmConfig]
) -> None:
    write_film(reels / "a.mkv", frames=30, cut=15, sound="pcm_s16le")
    store = open_store(f"s3://{bucket}/reels")
    store.put_file("x/a.mkv", reels / "a.mkv")
    job = film_job().job
    moved = JobConfig(source=f"s3://{bucket}/reels", output=f"s3://{bucket}/out", color=job.color,
                      run=job.run)  # fmt: skip
    report = colorize_films(FilmConfig(moved, VideoConfig(container="mkv")))
    assert report.is_clean, report.text()
    out = open_store(f"s3://{bucket}/out")
    out.get_file("x/a.colorized.mkv", tmp_path / "made.mkv")
    assert sound_of(tmp_path / "made.mkv") == sound_of(reels / "a.mkv")
    assert len(times_of(tmp_path / "made.mkv")) == 30
    assert not verify(out).findings


@pytest.mark.slow
def test_the_shipped_model_flickers_at_least_three_times_less_than_frame_by_frame(
    reels: Path, tmp_path: Path
) -> None:
    import pyarrow.parquet as pq
    from skimage import data

    rng = np.random.default_rng(0)
    photograph = data.coffee()[..., :3] @ np.array([0.299, 0.587, 0.114])
    with av.open(str(reels / "a.mkv"), "w") as out:
        stream: Any = out.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "gray"
        for number in range(16):
            view = photograph[number : number + 240, 2 * number : 2 * number + 320]
            worn = view * (1 + rng.normal(0, 0.04)) + rng.normal(0, 4, view.shape)
            gray = np.clip(worn, 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(gray, "gray")
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    job = JobConfig(source=str(reels), output=str(tmp_path / "out"))
    film = FilmConfig(job, VideoConfig(container="mkv")).with_run(engine="local", quiet=True)
    assert colorize_films(film).is_clean
    (shot,) = pq.read_table(next((tmp_path / "out" / "shots").glob("*.parquet"))).to_pylist()
    assert shot["flicker"] < shot["flicker_frame_by_frame"] / 3


@pytest.mark.browser
@pytest.mark.slow
def test_a_browser_plays_the_film_with_its_sound(
    reels: Path, tmp_path: Path, colour: Colour, chromium: Any
) -> None:
    write_film(reels / "a.mov", codec="mpeg4", frames=50, sound="aac", size=(320, 240))
    assert colour().is_clean
    page = tmp_path / "out" / "page.html"
    page.write_text("<video src='a.colorized.mp4' muted></video>", encoding="utf-8")
    tab = chromium.new_page()
    tab.goto(page.as_uri())
    played = tab.evaluate(
        """async () => {
            const film = document.querySelector('video');
            await film.play();
            await new Promise((done, failed) => {
                film.onended = done; film.onerror = () => failed(film.error.message);
            });
            const quality = film.getVideoPlaybackQuality();
            return [film.videoWidth, film.videoHeight, film.duration,
                    quality.totalVideoFrames, film.webkitAudioDecodedByteCount];
        }"""
    )
    tab.close()
    width, height, duration, frames, sound = played
    assert (width, height) == (320, 240)
    assert 1.9 < duration < 2.2
    assert frames > 10
    assert sound > 0
