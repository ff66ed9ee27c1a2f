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
    "ru": {
        "held": (
            "Заменено ради защиты личных данных",
            "Показания отдельных зданий не должны быть узнаваемы: складывалось бы меньше {min_count}, одно "
            "составляло бы почти всю сумму, или его выдала бы разница с другим местом. Поэтому измеренная часть — "
            "доля суммы нескольких соседних мест, разделённой по тому, что о тех же зданиях говорит модель; общая "
            "сумма этих мест не меняется.",
        ),
        "closed_together": (
            "Счётчики одной суммой",
            "Показания взяты из источника, который не открыт. Они даны одной суммой на энергоноситель: ни по "
            "объектам, ни по коэффициентам, ни по числу.",
        ),
        "withheld": (
            "Энергоносители не разделены",
            "Некоторыми энергоносителями во всём регионе пользуются слишком немногие, чтобы показать их отдельно; в "
            "итог они входят.",
        ),
        "region_hidden": (
            "Не опубликовано",
            "Во всём регионе измерено так мало, что и сумма выдала бы отдельное здание; значения показаны там, где "
            "ничего не измерено.",
        ),
        "not_covered": (
            "Неизвестно",
            "Ни один источник региона не говорит об этом месте и годе; неизвестно — не значит ноль.",
        ),
        "not_whole": ("Охвачено частично", "Источники говорят лишь о части этого места."),
        "net_unknown": ("Нетто нет", "Нетто известно только там, где для всего места известен каждый сектор."),
        "illustrative": (
            "Условные значения",
            "Часть опирается на допущения региона, где опубликованных значений не нашлось; см. допущения.",
        ),
    },
    "uz": {
        "held": (
            "Shaxsiy maʼlumotlarni himoyalash uchun almashtirilgan",
            "Alohida binolarning hisoblagich koʻrsatkichlari bu yerda tanib olinmasligi kerak: {min_count} tadan kam "
            "bino qoʻshilgan boʻlardi, bittasi yigʻindining deyarli hammasini tashkil etardi yoki boshqa joy bilan "
            "farq uni oshkor qilardi. Shuning uchun oʻlchangan qism — bir necha qoʻshni joy yigʻindisining shu "
            "binolar haqidagi model bahosiga koʻra boʻlingan ulushi; bu joylarning umumiy yigʻindisi oʻzgarmaydi.",
        ),
        "closed_together": (
            "Hisoblagichlar bitta yigʻindida",
            "Oʻlchangan qiymatlar ochiq boʻlmagan manbadan. Ular har bir energiya turi uchun bitta yigʻindi bilan "
            "aytiladi: alohida obyektlar, koeffitsiyentlar ham, soni ham aytilmaydi.",
        ),
        "withheld": (
            "Energiya turlari ajratilmagan",
            "Baʼzi energiya turlaridan butun hududda juda kam foydalaniladi, shuning uchun ular alohida "
            "koʻrsatilmaydi; yigʻindiga kiradi.",
        ),
        "region_hidden": (
            "Eʼlon qilinmagan",
            "Butun hududda shunchalik kam oʻlchanganki, hatto yigʻindi ham bitta binoni oshkor qilardi; hech narsa "
            "oʻlchanmagan joylar qiymatlari koʻrsatiladi.",
        ),
        "not_covered": (
            "Nomaʼlum",
            "Hududning hech bir manbasi bu joy va yil haqida gapirmaydi; nomaʼlum — nol degani emas.",
        ),
        "not_whole": ("Qisman qamralgan", "Manbalar bu joyning faqat bir qismi haqida gapiradi."),
        "net_unknown": ("Sof qiymat yoʻq", "Sof qiymat faqat butun joy boʻyicha har bir soha maʼlum boʻlganda maʼlum."),
        "illustrative": (
            "Shartli qiymatlar",
            "Bir qismi eʼlon qilingan qiymat topilmagan joyda hudud farazlariga tayanadi; farazlarga qarang.",
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
    "ru": {
        "activity": "Деятельность",
        "assumptions": "Допущения",
        "carrier": "Энергоноситель",
        "closed": "Закрытые счётчики вместе",
        "factors": "Коэффициенты",
        "files": "Файлы",
        "interval": "90%-й интервал",
        "method": "Способ",
        "net": "Нетто",
        "part": "Часть",
        "private": "Истинные значения по объектам, до защиты данных: не передавать",
        "receipt": "Откуда эти числа",
        "reason": "Основание",
        "share": "Доля",
        "source": "Источник",
        "sources": "Источники",
        "total": "Всего",
        "withheld": "Энергоносители, не показанные по отдельности",
    },
    "uz": {
        "activity": "Faoliyat",
        "assumptions": "Farazlar",
        "carrier": "Energiya turi",
        "closed": "Ochiq boʻlmagan hisoblagichlar birgalikda",
        "factors": "Koeffitsiyentlar",
        "files": "Fayllar",
        "interval": "90% oraliq",
        "method": "Usul",
        "net": "Sof",
        "part": "Qism",
        "private": "Maʼlumotlar himoyasidan oldingi haqiqiy qiymatlar, obyektma-obyekt: boshqalarga berilmasin",
        "receipt": "Bu sonlar qayerdan olingan",
        "reason": "Sabab",
        "share": "Ulush",
        "source": "Manba",
        "sources": "Manbalar",
        "total": "Jami",
        "withheld": "Alohida koʻrsatilmaydigan energiya turlari",
    },
}
