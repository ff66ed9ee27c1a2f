"""Notes of results in the reader's language, by their codes; a language that has no words for one gets English.

`RESULT_WORDS` has words for the notes of `scenarios.notes.TEXTS`, `PROCESS_WORDS` for those of documents that processes
and results give (`api.scenario_answers.NOTES`, `api.mix_answers.NOTES`, `scenarios.edition_where.NOTES`).
"""

from collections.abc import Mapping

RESULT_WORDS: Mapping[str, Mapping[str, str]] = {
    "ko": {
        "cut_off": "자동차나 도보로 일자리에 닿지 못하는 주민이 {residents}명 더 늘어납니다.",
        "edition_assumptions": "이 판의 {sector} 부문 값은 일부가 지역 파일의 가정에 근거합니다.",
        "fleet": "차종별 교통량은 지역 전체에 하나의 차종 구성과 하나의 평균 속도를 적용해 나눕니다.",
        "floor_area": "용도별 연면적을 알려 주는 공개 자료가 없어 배출량과 인구로 추정합니다.",
        "green": "녹지를 알려 주는 공개 자료가 없습니다. 1인당 녹지는 알 수 없고, 새로 개발되는 땅에서 줄어드는 "
        "녹지도 없는 것으로 봅니다.",
        "invented": "가상의 지역이며, 모든 값은 만들어 낸 것입니다.",
        "jobs": "일자리 수는 비주거 건물의 연면적에 비례한다고 봅니다.",
        "jobs_gaps": "일자리 자료에서 {places}곳의 수가 비어 있으며, 없는 것으로 셉니다.",
        "net_unknown": "이 판에 다음 부문의 값이 없어 순배출량을 알 수 없습니다: {sectors}.",
        "new_use": "이 지역에는 다음 용도의 연면적이 없어, 새 연면적은 건물 평균만큼 배출하는 것으로 봅니다: {uses}.",
        "people": "인구 자료가 없어 주택 연면적으로 인구를 추정합니다.",
        "ranges": "다음 매개변수에 입력한 범위는 구간에 반영되지 않으며, 표본은 입력값 자체를 씁니다: {parameters}.",
        "resident_share": "승용차 교통에서 주민 통행이 차지하는 비율은 가정값입니다.",
        "resident_travel": "주민의 승용차 통행 배출량이 1인당 연 {tonnes} t으로 {most} t을 넘습니다. 주민 통행의 "
        "비율이나 통행 거리가 이 지역에 비해 너무 크게 설정되어 있습니다.",
        "road_background": "공개된 도로 자료가 없어 배경 지도의 도로를 양방향으로 보고 도로 등급별 속도를 적용합니다.",
        "road_speeds": "제한 속도를 평균 속도로 봅니다. 정체와 회전 금지는 반영하지 않습니다.",
        "road_trips": "주민 통행은 교통량과 관계없이(평형 배정 없이) 지역 안 일자리까지 가장 빠른 길로 갑니다. 통과 "
        "교통, 화물차, 버스는 그대로 둡니다.",
        "rooftop_pv": "전력망으로 보내는 전기에도 쓰는 전기와 같은 배출계수를 적용합니다.",
        "sector_gaps": "{sector} 부문의 값이 없는 격자가 {cells}개 있습니다. 전후 모두 없는 것으로 셉니다.",
        "sector_unknown": "이 판에는 {sector} 부문의 값이 없습니다. 전후 모두 없는 것으로 셉니다.",
        "target_unknown": "순배출량을 알 수 없어 목표와 비교할 수 없습니다.",
        "travel": "도시 형태에 반응하는 것은 주민의 승용차 통행뿐이며, 주로 미국 도시에서 얻은 두 가지 탄력성 집합을 "
        "씁니다.",
    },
    "ru": {
        "cut_off": "Ещё {residents} жителей не могут добраться ни до одного места работы на машине или пешком.",
        "edition_assumptions": "Значения сектора «{sector}» в издании отчасти опираются на допущения файла региона.",
        "fleet": "Классы машин разделены по одному составу парка на весь регион, при одной средней скорости.",
        "floor_area": "Открытых данных о площади по назначению нет: она выведена из выбросов и числа жителей.",
        "green": "Открытых данных о зелени нет: зелень на жителя неизвестна, и новая застройка её не отнимает.",
        "invented": "Всё в этом регионе вымышлено.",
        "jobs": "Рабочие места распределены по площади нежилых зданий.",
        "jobs_gaps": "Мест без числа в источнике рабочих мест: {places}. Они не учитываются.",
        "net_unknown": "Нетто неизвестно: в издании нет значений секторов: {sectors}.",
        "new_use": "Площадей этого назначения в регионе нет ({uses}): новые выбрасывают, как здания в среднем.",
        "people": "Жители не посчитаны: их число выведено из площади жилья.",
        "ranges": "Диапазоны, заданные для {parameters}, в интервалы не входят: выборки берут сами значения.",
        "resident_share": "Доля поездок жителей в движении легковых машин — допущение.",
        "resident_travel": "Поездки жителей на машине дают {tonnes} т на человека в год, больше {most}: доля жителей "
        "в движении или длина их поездок для этого региона слишком велика.",
        "road_background": "Открытых данных о дорогах нет: взяты дороги фоновой карты, в обе стороны, со скоростью их "
        "класса.",
        "road_speeds": "Разрешённая скорость принята за среднюю; заторы и запреты поворотов не учтены.",
        "road_trips": "Жители едут кратчайшим по времени путём при любом движении, без равновесия, к местам работы "
        "внутри региона; транзит, грузовики и автобусы остаются как есть.",
        "rooftop_pv": "Отданное в сеть электричество считается с тем же коэффициентом, что и взятое.",
        "sector_gaps": "Ячеек без значения сектора «{sector}»: {cells}. До и после они не учитываются.",
        "sector_unknown": "В издании нет значений сектора «{sector}». До и после они не учитываются.",
        "target_unknown": "Нетто неизвестно, поэтому сравнить его с целью нельзя.",
        "travel": "На форму города отзываются только поездки жителей на машине, по двум наборам эластичностей, в "
        "основном из городов США.",
    },
    "uz": {
        "cut_off": "Yana {residents} nafar aholi mashinada yoki piyoda hech bir ish joyiga yetib bora olmaydi.",
        "edition_assumptions": "Nashrdagi “{sector}” sohasi qiymatlari qisman hudud faylidagi farazlarga tayanadi.",
        "fleet": "Transport turlari butun hudud uchun bitta park tarkibi va bitta oʻrtacha tezlik boʻyicha ajratilgan.",
        "floor_area": "Vazifasi boʻyicha maydon haqida ochiq maʼlumot yoʻq: u chiqindilar va aholi sonidan olingan.",
        "green": "Yashil hududlar haqida ochiq maʼlumot yoʻq: aholi boshiga yashil maydon nomaʼlum, yangi qurilish "
        "uni kamaytirmaydi deb olingan.",
        "invented": "Bu hududdagi hamma narsa oʻylab topilgan.",
        "jobs": "Ish oʻrinlari noturar binolar maydoniga qarab taqsimlangan.",
        "jobs_gaps": "Ish oʻrinlari manbasida soni yoʻq joylar: {places}. Ular hisobga olinmaydi.",
        "net_unknown": "Sof qiymat nomaʼlum: nashrda quyidagi sohalar qiymati yoʻq: {sectors}.",
        "new_use": "Hududda bu vazifadagi maydon yoʻq ({uses}): yangisi binolar oʻrtachasicha chiqaradi deb olingan.",
        "people": "Aholi sanalmagan: uning soni turar joy maydonidan olingan.",
        "ranges": "{parameters} uchun berilgan chegaralar oraliqlarga kirmaydi: tanlanmalar qiymatning oʻzini oladi.",
        "resident_share": "Yengil mashinalar harakatida aholi safarlarining ulushi — faraz.",
        "resident_travel": "Aholining mashinadagi safarlari kishi boshiga yiliga {tonnes} t, bu {most} dan koʻp: "
        "harakatdagi aholi ulushi yoki safarlar uzunligi bu hudud uchun haddan tashqari katta olingan.",
        "road_background": "Yoʻllar haqida ochiq maʼlumot yoʻq: fon xaritasidagi yoʻllar ikki tomonlama va oʻz "
        "toifasining tezligi bilan olingan.",
        "road_speeds": "Ruxsat etilgan tezlik oʻrtacha tezlik deb olingan; tirbandlik va burilish taqiqlari hisobga "
        "olinmagan.",
        "road_trips": "Aholi safarlari harakat qanday boʻlishidan qatʼi nazar, muvozanatsiz, hudud ichidagi ish "
        "joylariga eng tez yoʻldan boradi; tranzit, yuk mashinalari va avtobuslar oʻzgarmaydi.",
        "rooftop_pv": "Tarmoqqa berilgan elektr olingan elektr bilan bir xil koeffitsiyent boʻyicha hisoblanadi.",
        "sector_gaps": "“{sector}” sohasi boʻyicha qiymati yoʻq kataklar: {cells}. Ular oldin ham, keyin ham hisobga "
        "olinmaydi.",
        "sector_unknown": "Nashrda “{sector}” sohasi qiymatlari yoʻq. Ular oldin ham, keyin ham hisobga olinmaydi.",
        "target_unknown": "Sof qiymat nomaʼlum, shuning uchun uni maqsad bilan solishtirib boʻlmaydi.",
        "travel": "Shahar shakliga faqat aholining mashinadagi safarlari javob beradi — asosan AQSH shaharlaridan "
        "olingan ikki elastiklik toʻplami boʻyicha.",
    },
}
"""Language -> code -> words, with the values in braces of the English ones."""

PROCESS_WORDS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "scenario": {
        "ko": {
            "source": "예측이 아니라 가정에 따른 계산입니다. 판의 공표값을 시나리오대로 바꿉니다. 보호된 격자는 "
            "공표된 값으로 셉니다.",
            "numbers": "시나리오 연도의 연간 tCO2e이며, 첫 번째 탄력성 집합을 씁니다. range_tco2e는 모든 탄력성 "
            "집합에 걸친 범위이고 신뢰구간이 아닙니다.",
            "interval": "표본을 요청하면 90 % 구간을 줍니다. 매개변수, 계수, 활동량을 함께 뽑고 공통 오차는 함께 "
            "움직입니다. 탄력성은 뽑지 않으며, 탄력성 집합마다 구간이 따로 있습니다. 이름이 붙지 않은 구간은 첫 번째 "
            "집합에 따릅니다.",
            "areas": "구역의 값은 격자 면적 가운데 그 안에 있는 비율로 더한 것이어서, 이전 값이 구역의 공표값과 조금 "
            "다를 수 있습니다. 어느 구역에도 없는 것은 outside로 알립니다.",
            "detail": "큰 격자의 변화를, 대책이 그곳에서 하는 일과 구역의 경계에 따라 작은 격자에 나눈 것입니다.",
        },
        "ru": {
            "source": "Что если, а не прогноз: опубликованные значения издания, изменённые так, как говорит сценарий; "
            "защищённые ячейки учтены по опубликованным для них значениям.",
            "numbers": "тCO2e в год, в году сценария, по первому набору эластичностей; range_tco2e — размах по всем "
            "наборам, не интервал.",
            "interval": "90 %, если запрошены выборки: параметры, коэффициенты и деятельность берутся вместе, общие "
            "ошибки — общие; эластичности не разыгрываются: у каждого их набора свои интервалы, а что набора не "
            "называет — по первому.",
            "areas": "Зоны и области — суммы ячеек по доле их земли внутри, так что «до» может немного отличаться от "
            "опубликованного для зоны; что не лежит ни в одной, показано отдельно (outside).",
            "detail": "Изменение крупной ячейки разложено на мелкие по тому, что там делают меры, и по границам "
            "областей.",
        },
        "uz": {
            "source": "Bashorat emas, “agar shunday boʻlsa” hisobi: nashrning eʼlon qilingan qiymatlari ssenariy "
            "aytganidek oʻzgartirilgan; himoyalangan kataklar ular uchun eʼlon qilingan qiymat bilan hisoblanadi.",
            "numbers": "Ssenariy yilida yiliga tCO2e, birinchi elastiklik toʻplami boʻyicha; range_tco2e — barcha "
            "toʻplamlar orasi, ishonch oraligʻi emas.",
            "interval": "90 %, tanlanmalar soʻralganda: parametrlar, koeffitsiyentlar va faoliyat birga olinadi, "
            "umumiy xatolar umumiy; elastiklik tanlanmaydi: har bir toʻplamning oʻz oraliqlari bor, toʻplam nomi yoʻq "
            "oraliqlar birinchisi boʻyicha.",
            "areas": "Zona va maydonlar — kataklarning ular ichidagi yer ulushi boʻyicha yigʻindisi, shuning uchun "
            "“oldin” zonaning eʼlon qilingan qiymatidan biroz farq qilishi mumkin; hech biriga kirmagani alohida "
            "(outside) aytiladi.",
            "detail": "Yirik katakning oʻzgarishi maydalariga u yerdagi choralar taʼsiri va maydonlar chegarasi "
            "boʻyicha taqsimlangan.",
        },
    },
    "best-mix": {
        "ko": {
            "source": "예측이 아니라 가정에 따른 계산입니다. 판의 공표값에, 질문한 사람이 입력한 비용과 수준의 대책을 "
            "적용합니다.",
            "effects": "요청한 연도의 연간 tCO2e이며, 첫 번째 탄력성 집합을 씁니다. 같은 배출을 줄이는 대책은 한 번만 "
            "셉니다.",
            "gap": "보정된 추정값으로 볼 때, 주어진 제한 안에서 이보다 격차 이상으로 나은 선택은 없습니다. 차이는 그 "
            "추정값과 선택안 전체를 다시 계산한 값의 차이입니다.",
            "curve": "각 단계에서 한 장소의 대책을 톤당 비용이 다음으로 낮은 것으로 바꿉니다. 제한, 형평, 재계산에 "
            "따른 보정은 들어 있지 않습니다.",
            "places": "경계에 걸친 격자의 변화는 대책을 맡은 장소의 몫으로 셉니다.",
            "robust": "held_out_share는 선택에 쓰지 않은 표본에서 대책별 감축량으로 센 비율이고, simulated_share는 그 "
            "표본에서 선택안 전체를 계산한 비율입니다. kept, safe_tco2e, shortfall_tco2e는 뒤의 것에 따릅니다. "
            "탐색이므로 gap은 마지막 선형 문제에 든 조합 안에서만 증명되며, 시간이 다 되면 stopped가 알립니다.",
        },
        "ru": {
            "source": "Что если, а не прогноз: опубликованные значения издания, изменённые мерами, стоимость и уровни "
            "которых задал спрашивающий.",
            "effects": "тCO2e в год, в заданном году, по первому набору эластичностей; меры, действующие на одни и те "
            "же выбросы, учтены один раз.",
            "gap": "В заданных пределах нет выбора, который лучше больше чем на разрыв, по уточнённой оценке; разница "
            "— между этой оценкой и полным расчётом выбора.",
            "curve": "На каждом шаге мера в одном месте заменяется следующей по цене за тонну; пределы, "
            "справедливость и поправки полного расчёта в неё не входят.",
            "places": "Изменения ячейки на границе относятся к местам, которые взяли меру.",
            "robust": "held_out_share — по тому, что даёт каждая мера в выборках, не участвовавших в выборе, "
            "simulated_share — по расчёту всего выбора в них; по нему же даны kept, safe_tco2e и shortfall_tco2e. Это "
            "поиск: gap доказан лишь среди сочетаний последней линейной задачи; stopped говорит, что время вышло.",
        },
        "uz": {
            "source": "Bashorat emas, “agar shunday boʻlsa” hisobi: nashrning eʼlon qilingan qiymatlari soʻrovchi "
            "bergan xarajat va darajadagi choralar bilan oʻzgartirilgan.",
            "effects": "Soʻralgan yilda yiliga tCO2e, birinchi elastiklik toʻplami boʻyicha; bir xil chiqindiga "
            "taʼsir qiladigan choralar bir marta hisoblanadi.",
            "gap": "Tuzatilgan baho boʻyicha, berilgan chegaralarda bundan tafovutdan ortiqroq yaxshi tanlov yoʻq; "
            "farq — shu baho bilan tanlovning toʻliq hisobi orasida.",
            "curve": "Har bir qadamda bir joydagi chora tonnasi keyingi arzonrogʻiga almashtiriladi; chegaralar, "
            "adolat va toʻliq hisob tuzatishlari unga kirmaydi.",
            "places": "Chegaradagi katakning oʻzgarishi chorani olgan joylarga yoziladi.",
            "robust": "held_out_share — tanlashda qatnashmagan tanlanmalarda har bir chora bergan natija boʻyicha, "
            "simulated_share — ularda butun tanlov hisoblangani boʻyicha; kept, safe_tco2e va shortfall_tco2e shunga "
            "koʻra berilgan. Bu qidiruv: gap faqat oxirgi chiziqli masaladagi birikmalar orasida isbotlangan; vaqt "
            "tugaganini stopped aytadi.",
        },
    },
    "where-to-act": {
        "ko": {
            "hot": "같은 지도의 나머지와 견주어 우연이라고 보기 어렵게 밀집한 곳입니다(순위의 정규점수에 대한 "
            "Getis-Ord Gi*). 배출이 지나치다거나 잘못이라는 판단은 아닙니다.",
            "false_discoveries": "공간적 양상이 전혀 없다는 가정에 대해 오탐률을 관리합니다(Benjamini & Hochberg). "
            "따라서 도심도 발견에 들어갑니다.",
            "top_probability": "공표된 표준편차를 고려할 때 그 격자가 실제로 상위 10분의 1에 들 확률입니다.",
            "held": "보호된 격자는 공표된 값으로 셉니다.",
            "savings": "시나리오의 대책을 모든 곳에 적용할 때 이 구역들에서 줄어들 양이며, 예측이 아닙니다.",
        },
        "ru": {
            "hot": "Плотнее остальной карты сверх случайности (Getis-Ord Gi* по нормальным меткам рангов); это не "
            "значит «слишком много» и не оценка.",
            "false_discoveries": "Доля ложных находок ограничена (Benjamini & Hochberg) против полного отсутствия "
            "пространственного узора: центр города — тоже находка.",
            "top_probability": "Насколько вероятно, что ячейка действительно входит в верхнюю десятую часть, при "
            "опубликованных отклонениях.",
            "held": "Защищённые ячейки учтены по опубликованным для них значениям.",
            "savings": "Что меры сценария, взятые везде, сберегли бы в этих зонах; не прогноз.",
        },
        "uz": {
            "hot": "Xaritaning qolgan qismiga nisbatan tasodifdan tashqari zich joylar (ranglarning normal ballari "
            "boʻyicha Getis-Ord Gi*); bu “haddan tashqari koʻp” degani ham, baho ham emas.",
            "false_discoveries": "Notoʻgʻri topilmalar ulushi hech qanday fazoviy qonuniyat yoʻq degan farazga "
            "nisbatan cheklangan (Benjamini & Hochberg): shahar markazi ham topilma.",
            "top_probability": "Eʼlon qilingan ogʻishlarni hisobga olganda, katak haqiqatan ham yuqori oʻndan bir "
            "qismga kirishi ehtimoli.",
            "held": "Himoyalangan kataklar ular uchun eʼlon qilingan qiymat bilan hisoblanadi.",
            "savings": "Ssenariy choralari hamma joyda qoʻllansa, shu zonalarda tejaladigan miqdor; bashorat emas.",
        },
    },
}
"""Process -> language -> code -> words."""
