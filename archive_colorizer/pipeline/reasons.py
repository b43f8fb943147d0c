"""Reasons in plain words: why a picture failed, wants review or was left out, and what to do.

One table for `status`, the summary of a run and the report; English and Korean.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from archive_colorizer.pipeline.flags import (
    ASKED_FOR,
    COLOUR_BESIDE,
    DAMAGED,
    ENLARGED,
    GLARE,
    METADATA_LOST,
    MULTIPAGE,
    NEARLY_GREY,
    NEGATIVE,
    NOT_PANORAMA,
    NOT_REVERSIBLE,
    TRANSLATED,
)


class Words(NamedTuple):
    """One text in both languages."""

    en: str
    ko: str


class Reason(NamedTuple):
    """Why, and what a person does about it."""

    why: Words
    todo: Words


_RETRY: Final = Words(
    "run the same command with --retry-failed", "--retry-failed로 다시 실행하세요"
)


def _then_retry(en: str, ko: str) -> Words:
    return Words(f"{en}, then {_RETRY.en}", f"{ko} 그다음 {_RETRY.ko}")


STATUSES: Final[Mapping[str, Words]] = {
    "ok": Words("the picture has its derivative", "채색본이 만들어졌습니다"),
    "failed": Words(
        "the picture has no derivative, for an error of its own", "오류 때문에 채색본이 없습니다"
    ),
    "skipped": Words(
        "the picture was left out on purpose: it is excluded, withdrawn, or in colour already",
        "제외 목록에 있거나, 철회되었거나, 이미 컬러여서 일부러 건너뛰었습니다",
    ),
    "review": Words(
        "the picture has its derivative, and a person should look at it",
        "채색본이 있지만 사람이 확인해야 합니다",
    ),
    "passed_over": Words(
        "the file is no picture of SOURCE that can be coloured: it has no row",
        "채색 대상이 아닌 파일이라 기록이 없습니다",
    ),
}
ERRORS: Final[Mapping[str, Reason]] = {
    "missing": Reason(
        Words("the file was listed, but is not there", "목록에 있지만 파일이 없습니다"),
        _then_retry(
            "put the file back, or correct the inventory", "파일을 되돌리거나 목록을 고치고"
        ),
    ),
    "unreadable": Reason(
        Words(
            "the file cannot be read: no permission, empty, or not a picture",
            "권한이 없거나, 비어 있거나, 그림이 아니어서 읽을 수 없습니다",
        ),
        _then_retry(
            "open the file by hand; get a good copy of it", "파일을 확인해 온전한 사본을 구하고"
        ),
    ),
    "truncated": Reason(
        Words("the file ends before its pixels do", "파일이 중간에 끊겨 있습니다"),
        _then_retry("copy the file anew from where it came", "원본에서 파일을 다시 복사하고"),
    ),
    "too_large": Reason(
        Words("the picture has more pixels than the limit", "화소 수가 한도를 넘습니다"),
        _then_retry("raise --max-megapixels if the picture is sound", "--max-megapixels를 올리고"),
    ),
    "unsupported": Reason(
        Words("the picture is of a kind that is not handled", "지원하지 않는 형식입니다"),
        _then_retry("convert the file to TIFF or JPEG", "TIFF나 JPEG로 변환하고"),
    ),
    "bad_icc": Reason(
        Words(
            "the colour profile is broken, and the picture needs it",
            "꼭 필요한 ICC 프로파일이 손상되었습니다",
        ),
        _then_retry("give the file a sound profile", "올바른 프로파일을 넣고"),
    ),
    "fixity_mismatch": Reason(
        Words("the file has other bytes than its checksum says", "파일 내용이 체크섬과 다릅니다"),
        _then_retry(
            "find out who changed the file; restore it", "변경 원인을 찾아 파일을 복원하고"
        ),
    ),
    "excluded": Reason(
        Words(
            "the picture is on the exclude list, or its sensitivity closes it",
            "제외 목록에 있거나 공개 제한 자료입니다",
        ),
        Words(
            "nothing; --include-again takes up what is excluded no longer",
            "조치 불필요. 제외가 풀린 것은 --include-again으로 다시 포함합니다",
        ),
    ),
    "withdrawn": Reason(
        Words("the derivative was taken back", "채색본을 철회했습니다"),
        Words(
            "nothing; --include-withdrawn makes it again",
            "조치 불필요. --include-withdrawn을 주면 다시 만듭니다",
        ),
    ),
    "already_colour": Reason(
        Words("the picture is in colour already", "이미 컬러 사진입니다"),
        Words(
            "nothing; --on-colour recolor colours such pictures too",
            "조치 불필요. --on-colour recolor를 주면 채색합니다",
        ),
    ),
    "out_of_memory": Reason(
        Words("memory ran out on this picture", "이 사진에서 메모리가 부족했습니다"),
        _then_retry(
            "use fewer --workers or a larger machine", "--workers를 줄이거나 큰 장비를 쓰고"
        ),
    ),
    "model_error": Reason(
        Words("the model gave no usable colours", "모델이 쓸 수 있는 색을 내지 못했습니다"),
        _then_retry(
            "check the picture's class and hints, or take another model",
            "class_id와 힌트를 확인하거나 다른 모델을 쓰고",
        ),
    ),
    "write_error": Reason(
        Words("the derivative could not be written", "채색본을 저장할 수 없었습니다"),
        _then_retry(
            "make room in OUTPUT, or clear the name that is taken", "공간이나 이름을 확보하고"
        ),
    ),
    "sign_error": Reason(
        Words("the derivative could not be signed", "채색본에 서명할 수 없었습니다"),
        _then_retry(
            "check the certificate's dates and the timestamp authority",
            "인증서 유효 기간과 타임스탬프 서버를 확인하고",
        ),
    ),
    "listing_error": Reason(
        Words("the entry in the listing makes no sense", "목록의 항목을 이해할 수 없습니다"),
        _then_retry("correct that row of the inventory", "목록의 해당 행을 고치고"),
    ),
    "program_error": Reason(
        Words(
            "the program has a fault, which shows here", "프로그램 결함이 이 사진에서 드러났습니다"
        ),
        _then_retry(
            "report the log's traceback; take a newer version", "로그를 제보하고 새 버전을 쓰고"
        ),
    ),
}
"""By error class."""
HAND_COLOURED: Final = Reason(
    Words("the picture is coloured by hand", "손으로 채색한 사진입니다"),
    ERRORS["already_colour"].todo,
)
"""Of `already_colour`, where the tone class is `tinted`."""
_LOOK: Final = Words("compare the derivative with its master", "채색본을 원본과 견주어 보세요")
FLAGS: Final[Mapping[str, Reason]] = {
    MULTIPAGE: Reason(
        Words("the file has further pages, which were left", "뒤쪽 쪽이 남아 있습니다"),
        Words("--pages all does the others too", "--pages all을 주면 모든 쪽을 채색합니다"),
    ),
    DAMAGED: Reason(
        Words("the master has missing or changed pixels", "원본에 빠지거나 바뀐 화소가 있습니다"),
        Words("get a good copy of the master", "온전한 원본을 구하세요"),
    ),
    NEARLY_GREY: Reason(
        Words("the derivative hardly got any colour", "색이 거의 입혀지지 않았습니다"),
        _LOOK,
    ),
    COLOUR_BESIDE: Reason(
        Words(
            "there may be a grey print beside colour, whose place was not found",
            "색상표 옆의 흑백 인화일 수 있으나 위치를 찾지 못했습니다",
        ),
        Words(
            "crop the master, or use --content-box off", "잘라 내거나 --content-box off를 쓰세요"
        ),
    ),
    GLARE: Reason(
        Words("a reflection seems to lie on the print", "인화지에 빛이 반사된 듯합니다"),
        Words(
            "photograph it again without the lamp, or see what --glare repair makes of it",
            "조명 없이 다시 촬영하거나 --glare repair를 써 보세요",
        ),
    ),
    NEGATIVE: Reason(
        Words("the master looks like a negative", "원본이 음화로 보입니다"),
        Words("--negatives invert makes the positive", "--negatives invert로 양화를 만듭니다"),
    ),
    NOT_PANORAMA: Reason(
        Words(
            "it is no panorama that goes round (twice as wide as high, or so by its GPano "
            "metadata), and was coloured as a flat picture",
            "가로가 세로의 두 배이거나 GPano 정보가 있는 360도 파노라마가 아니어서 평면 사진으로 "
            "채색했습니다",
        ),
        Words(
            "nothing, if it is none; else give it GPano metadata",
            "파노라마가 아니면 조치 불필요. 맞으면 GPano 정보를 넣으세요",
        ),
    ),
    METADATA_LOST: Reason(
        Words(
            "some of the master's metadata could not be carried",
            "원본 메타데이터 일부를 옮기지 못했습니다",
        ),
        Words("keep the master's metadata elsewhere too", "원본 메타데이터를 따로 보관하세요"),
    ),
    NOT_REVERSIBLE: Reason(
        Words(
            "the colour cannot be taken off again: the master is no sound grey JPEG",
            "온전한 흑백 JPEG가 아니어서 색을 다시 걷어 낼 수 없습니다",
        ),
        Words("keep the master, as always", "늘 그렇듯 원본을 보관하세요"),
    ),
    ENLARGED: Reason(
        Words("the derivative has more pixels than the master", "원본보다 화소가 많습니다"), _LOOK
    ),
    TRANSLATED: Reason(
        Words("the derivative shows another picture than the master", "원본과 다른 그림입니다"),
        _LOOK,
    ),
}
"""By flag."""
REVIEW_REASONS: Final[Mapping[str, Words]] = {
    "uniform": Words("a uniform or robe has wrong colours", "제복이나 예복의 색이 다릅니다"),
    "flag": Words("a flag or badge has wrong colours", "깃발이나 휘장의 색이 다릅니다"),
    "skin": Words("skin has wrong colours", "피부색이 맞지 않습니다"),
    "foliage": Words("sky, water or foliage has wrong colours", "하늘·물·나뭇잎 색이 다릅니다"),
    "bleeding": Words("colour runs over an edge", "색이 경계를 넘어 번졌습니다"),
    "border": Words("the border or mount is coloured", "테두리나 대지에 색이 입혀졌습니다"),
    "sensitive": Words("the picture should not be shown in colour", "공개하기 민감한 사진입니다"),
    "other": Words("another reason: see the note", "그 밖의 이유(메모 참고)"),
}
"""Why a person rejects a derivative."""
APPROVED: Final = Reason(
    Words("people have approved the derivative", "승인된 채색본입니다"),
    Words("nothing; export --only approved takes it", "조치 불필요. export --only approved에 포함"),
)
REJECTED: Final = Reason(
    Words("people have rejected the derivative", "반려된 채색본입니다"),
    Words(
        "--redo rejected makes it again, with another --model say; or pin its colours in review",
        "--redo rejected로 다시 만들거나(--model로 다른 모델), review에서 색을 지정하세요",
    ),
)
DOUBT: Final = Reason(
    Words("the model is unsure of its colours", "모델이 색을 확신하지 못합니다"), _LOOK
)
"""Of a picture for review that has no flag: its mean doubt is above the model's threshold."""
UNKNOWN: Final = Reason(Words("no words for that", "설명이 없습니다"), _LOOK)
"""Of a class or flag that a later version wrote."""


def reason_of(error_class: str, tone_class: str = "") -> Reason:
    """Find the reason of a row that is not `ok`."""
    if error_class == "already_colour" and tone_class == "tinted":
        return HAND_COLOURED
    return ERRORS.get(error_class, UNKNOWN)


def review_reasons(flags: Iterable[str]) -> dict[str, Reason]:
    """Find why a picture wants a review: by flag, or `doubt` where no flag asks for one."""
    found = {flag: FLAGS.get(flag, UNKNOWN) for flag in flags if flag not in ASKED_FOR}
    return found or {"doubt": DOUBT}


def passed_over_reason(kind: str) -> Reason:
    """Find the reason of a file that was passed over, by its kind: an ending, or in words."""
    if kind in _PASSED_OVER:
        return _PASSED_OVER[kind]
    if kind.startswith("."):
        return Reason(
            Words(
                f"{kind} is no ending of a picture that is read",
                f"{kind}은(는) 읽지 않는 형식입니다",
            ),
            Words(
                "nothing, or convert it to TIFF or JPEG if it is a picture",
                "사진이라면 TIFF나 JPEG로 변환하세요",
            ),
        )
    return Reason(
        Words(
            f"in {kind}, which a NAS, Windows or a Mac keeps for itself",
            f"NAS나 운영체제가 쓰는 폴더({kind})에 있습니다",
        ),
        Words("nothing; --include with its name lists it", "필요하면 --include에 이름을 주세요"),
    )


_PASSED_OVER: Final[Mapping[str, Reason]] = {
    "hidden": Reason(
        Words("the file or its folder is hidden", "숨김 파일이거나 숨김 폴더에 있습니다"),
        Words("rename it if it is a master", "원본이라면 이름을 바꾸세요"),
    ),
    "without ending": Reason(
        Words(
            "the name has no ending that says a format", "이름에 형식을 알리는 확장자가 없습니다"
        ),
        Words("give it its ending if it is a picture", "사진이라면 확장자를 붙이세요"),
    ),
    "filtered out": Reason(
        Words("left out by --include or --exclude", "--include나 --exclude로 걸러졌습니다"),
        Words("nothing; other patterns list it", "패턴을 바꾸면 포함됩니다"),
    ),
}
