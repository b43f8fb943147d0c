"""The columns of the tables for people: headers and words in both languages, and cells."""

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any, Final, NamedTuple

from archive_colorizer.exports.pictures import DECISIONS, VERDICT, Picture
from archive_colorizer.pipeline.reasons import (
    FLAGS,
    REVIEW_REASONS,
    UNKNOWN,
    Reason,
    Words,
    reason_of,
    review_reasons,
)
from archive_colorizer.storage import Store


class Link(NamedTuple):
    """A place that a cell opens."""

    uri: str
    shown: str


Cell = str | int | float | Link | None
COLUMNS: Final = (
    "tone_class", "error_class", "error_message", "flags", "review_needed", "doubt_mean", "steps",
    "started_at", "derivative_width", "derivative_height", "derivative_bytes", "source_sha256",
    "c2pa_state",
)  # fmt: skip
STATUSES: Final[Mapping[str, Words]] = {
    "ok": Words("coloured", "채색됨"),
    "failed": Words("failed", "실패"),
    "skipped": Words("left out", "건너뜀"),
}
VERDICTS: Final[Mapping[str, Words]] = {
    "approved": Words("approved", "승인"),
    "rejected": Words("rejected", "반려"),
    "disputed": Words("disputed", "의견 다름"),
    "later": Words("put off", "보류"),
    "": Words("", ""),
}
YES: Final = Words("yes", "예")
NO: Final = Words("no", "아니요")


def _say(words: Words, language: str) -> str:
    return words.ko if language == "ko" else words.en


def _reasons(row: Mapping[str, Any]) -> list[Reason]:
    """Why a picture has no derivative, or why a person should look at it."""
    if row["status"] != "ok":
        return [reason_of(row["error_class"] or "", row["tone_class"] or "")]
    return list(review_reasons(row["flags"] or ()).values()) if row["review_needed"] else []


def _join(texts: list[str]) -> str:
    return "; ".join(dict.fromkeys(filter(None, texts)))


class _Row(NamedTuple):
    """What a cell is made of."""

    picture: Picture
    store: Store
    language: str

    @property
    def values(self) -> Mapping[str, Any]:
        return self.picture.row

    def say(self, words: Words) -> str:
        return _say(words, self.language)

    def why(self) -> str:
        return _join([self.say(one.why) for one in _reasons(self.values)])

    def todo(self) -> str:
        return _join([self.say(one.todo) for one in _reasons(self.values)])

    def flags(self) -> str:
        flags = self.values["flags"] or ()
        return _join([self.say(FLAGS.get(flag, UNKNOWN).why) for flag in flags])

    def verdict_reasons(self) -> str:
        said = self.values[DECISIONS]
        words = [REVIEW_REASONS.get(one["reason"]) for one in said]
        return _join([self.say(one) for one in words if one])

    def models(self, name: str) -> str:
        return _join([step[name] or "" for step in self.values["steps"] or ()])

    def made(self) -> str:
        value = self.values["started_at"]
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if value else ""

    def link_derivative(self) -> Cell:
        key = self.picture.key
        return Link(self.store.uri_of(key), key) if key else None


class _Column(NamedTuple):
    header: Words
    width: int
    make: Callable[[_Row], Cell]


def _columns() -> tuple[_Column, ...]:
    def of(name: str) -> Callable[[_Row], Cell]:
        return lambda row: row.values[name]

    def said(name: str) -> Callable[[_Row], Cell]:
        return lambda row: _join([one[name] for one in row.values[DECISIONS]])

    return (
        _Column(Words("Path", "경로"), 40, of("source_path")),
        _Column(Words("Page", "쪽"), 7, lambda row: row.values["page"] + 1),
        _Column(Words("Object id", "자료 번호"), 16, of("object_id")),
        _Column(Words("Collection", "컬렉션"), 20, of("collection")),
        _Column(
            Words("Status", "상태"), 11,
            lambda row: row.say(STATUSES.get(row.values["status"], UNKNOWN.why)),
        ),
        _Column(Words("Reason", "사유"), 50, _Row.why),
        _Column(Words("What to do", "조치"), 50, _Row.todo),
        _Column(
            Words("To review", "검토 대상"), 10,
            lambda row: row.say(YES if row.values["review_needed"] else NO),
        ),
        _Column(Words("Remarks", "특이 사항"), 40, _Row.flags),
        _Column(
            Words("Verdict", "판정"), 11,
            lambda row: row.say(VERDICTS.get(row.values[VERDICT], UNKNOWN.why)),
        ),
        _Column(Words("Reasons of the verdict", "판정 사유"), 30, _Row.verdict_reasons),
        _Column(Words("Notes of reviewers", "검토자 메모"), 30, said("note")),
        _Column(Words("Reviewers", "검토자"), 18, said("reviewer")),
        _Column(Words("Doubt (0 to 1)", "불확실도(0~1)"), 14, of("doubt_mean")),
        _Column(Words("Coloured picture", "채색본"), 40, _Row.link_derivative),
        _Column(
            Words("Original", "원본"), 40,
            lambda row: Link(row.values["source_uri"], row.values["source_path"]),
        ),
        _Column(Words("Width (pixels)", "너비(화소)"), 14, of("derivative_width")),
        _Column(Words("Height (pixels)", "높이(화소)"), 14, of("derivative_height")),
        _Column(Words("Bytes", "용량(바이트)"), 14, of("derivative_bytes")),
        _Column(Words("Made (UTC)", "만든 때(UTC)"), 19, _Row.made),
        _Column(Words("Model", "모델"), 24, lambda row: row.models("model_ref")),
        _Column(Words("Model version", "모델 버전"), 12, lambda row: row.models("model_version")),
        _Column(Words("Signed (C2PA)", "서명(C2PA)"), 12, of("c2pa_state")),
        _Column(Words("Coloured SHA-256", "채색본 SHA-256"), 30, of("derivative_sha256")),
        _Column(Words("Original SHA-256", "원본 SHA-256"), 30, of("source_sha256")),
        _Column(Words("Message", "메시지"), 40, of("error_message")),
        _Column(Words("Row", "행 ID"), 30, of("row_id")),
    )  # fmt: skip


_COLUMNS: Final = _columns()


def headers(language: str) -> list[str]:
    """Give the header of each column."""
    return [_say(one.header, language) for one in _COLUMNS]


def widths() -> list[int]:
    """Give the width of each column, in characters."""
    return [one.width for one in _COLUMNS]


def cells_of(picture: Picture, store: Store, language: str) -> list[Cell]:
    """Make the cells of one row.

    Args:
        picture: with COLUMNS.
        store: of OUTPUT.
        language: en or ko; empty is en.
    """
    row = _Row(picture, store, language)
    return [one.make(row) for one in _COLUMNS]
