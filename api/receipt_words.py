"""Words of receipts, per language; a language that has none gets English."""

from collections.abc import Mapping

REASONS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "en": {
        "held": (
            "Replaced to protect privacy",
            "Metered values of single buildings must not be recognisable here: fewer than {min_count} would be added "
            "up, one would be most of the sum, or the difference to another area would tell of one. The metered part "
            "is therefore a share of the sum of several neighbouring areas, divided by what a model says of the same "
            "buildings; what these areas hold together is not changed.",
        ),
        "closed_together": (
            "Meters as one sum",
            "Metered values come from a source that is not open. They are told as one sum per energy carrier, neither "
            "feature by feature nor by factor nor how many there are.",
        ),
        "withheld": (
            "Carriers not told apart",
            "Too few use some energy carriers in the whole region to show them by themselves; they are in the total.",
        ),
        "region_hidden": (
            "Not published",
            "So few are metered in the whole region that even its sum would tell of one; values are shown where "
            "nothing is metered.",
        ),
        "not_covered": ("Unknown", "No source of the region speaks for this place and year; unknown is not zero."),
        "not_whole": ("Partly covered", "The sources speak for a part of this area only."),
        "net_unknown": ("No net value", "Net is known only where every sector is known for the whole area."),
        "illustrative": (
            "Illustrative",
            "Some of it rests on an assumption of the region where no published value was found; see the assumptions.",
        ),
    },
    "ko": {
        "held": (
            "개인정보 보호를 위해 대체된 값",
            "개별 건물의 검침값이 드러나지 않도록 보호한 값입니다. 합칠 건물이 {min_count}개보다 적거나, "
            "한 건물이 합의 대부분을 차지하거나, 다른 지역과의 차이로 한 건물의 값을 알 수 있는 경우입니다. "
            "그래서 실측 부분은 이웃한 여러 지역의 합을 같은 건물들의 추정값 비율로 나눈 값이며, "
            "그 지역들을 모두 합한 값은 바뀌지 않습니다.",
        ),
        "closed_together": (
            "검침값은 하나의 합으로",
            "검침값의 출처는 공개되지 않은 자료입니다. 에너지원별로 하나의 합만 보이며, 개별 값, 배출계수별 값, 개수는 "
            "보이지 않습니다.",
        ),
        "withheld": (
            "에너지원을 나누지 않음",
            "지역 전체에서 쓰는 곳이 너무 적어 따로 보일 수 없는 에너지원이 있습니다. 합계에는 들어 있습니다.",
        ),
        "region_hidden": (
            "공개하지 않음",
            "지역 전체에서 검침된 곳이 너무 적어 합계만으로도 개별 값을 알 수 있습니다. 검침된 곳이 없는 곳의 값만 "
            "보입니다.",
        ),
        "not_covered": ("알 수 없음", "이 장소와 연도를 다루는 자료가 없습니다. 모르는 것은 0이 아닙니다."),
        "not_whole": ("일부만 포함", "자료가 이 지역의 일부만 다룹니다."),
        "net_unknown": ("순배출량 없음", "순배출량은 모든 부문을 지역 전체에서 알 때만 있습니다."),
        "illustrative": (
            "예시값",
            "공표된 값이 없어 지역의 가정에 기댄 부분이 있습니다. 가정 목록을 보십시오.",
        ),
    },
}
"""Language -> code -> title and text; `{min_count}` is the least number of features of the region's rule."""

PAGE_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "activity": "Activity",
        "assumptions": "Assumptions",
        "carrier": "Energy carrier",
        "closed": "Meters that are not open, together",
        "factors": "Factors",
        "files": "Files",
        "interval": "90% interval",
        "method": "Method",
        "net": "Net",
        "part": "Part",
        "private": "True numbers, feature by feature, before disclosure control: not to be passed on",
        "receipt": "Where these numbers come from",
        "reason": "Reason",
        "share": "Share",
        "source": "Source",
        "sources": "Sources",
        "total": "Total",
        "withheld": "Carriers that are not told apart",
    },
    "ko": {
        "activity": "활동량",
        "assumptions": "가정",
        "carrier": "에너지원",
        "closed": "공개되지 않는 검침값의 합",
        "factors": "배출계수",
        "files": "파일",
        "interval": "90% 구간",
        "method": "방법",
        "net": "순배출량",
        "part": "부분",
        "private": "비식별 처리 이전의 개별 실제값: 다른 사람에게 전하지 마십시오",
        "receipt": "이 숫자는 어디에서 왔습니까",
        "reason": "이유",
        "share": "몫",
        "source": "자료",
        "sources": "자료",
        "total": "합계",
        "withheld": "나누지 않은 에너지원",
    },
}
