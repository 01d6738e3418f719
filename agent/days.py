"""Days in words and figures, as YYYY-MM-DD relative to a given today.

Words are taken in written form ("may 5th"). What may be two days ("friday", "03/04/2026", "may 3" in November) is found
less surely and keeps the other as an alternative. Without more to go by, a day that has been is likelier than one to
come: calls are mostly about what happened.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from agent.values import LISTED, PATTERN, UNSURE, Find, apart, folded

MONTHS = "january february march april may june july august september october november december".split()
DAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
MONTH_FIRST = frozenset({"US", "CA", "PH", "PR", "GU", "VI", "AS", "MP", "FM", "MH", "PW"})
"""Countries (ISO 3166) where 5/6/2026 is the sixth of May."""

COUNTS = {
    **{w: n for n, w in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), start=1)},
    **{w: n for n, w in zip((20, 30, 40, 50, 60, 90), "twenty thirty forty fifty sixty ninety".split(), strict=True)},
    "a": 1, "an": 1,
}  # fmt: skip
VAGUE = {"a couple": 2, "a couple of": 2, "couple of": 2, "a few": 3, "few": 3, "several": 4}
FEAST_DAYS = {"christmas eve": (12, 24), "christmas day": (12, 25), "christmas": (12, 25), "xmas": (12, 25),
              "boxing day": (12, 26), "new year's eve": (12, 31), "new years eve": (12, 31), "new year's day": (1, 1),
              "new years day": (1, 1), "new year's": (1, 1), "valentine's day": (2, 14), "valentines day": (2, 14),
              "halloween": (10, 31)}  # fmt: skip
AHEAD = 1.5
"""A day to come counts as so many times further away than one that has been."""

LATEST = 200
"""Years from today beyond which a number is no year."""


@dataclass(frozen=True)
class Day:
    """A day, how sure it is, and what else it may be."""

    day: dt.date
    confidence: float = PATTERN
    others: tuple[dt.date, ...] = ()


@dataclass(frozen=True)
class Calendar:
    """Where words about days are read from: the day it is, and the country whose order figures have."""

    today: dt.date
    country: str = "US"

    def find(self, text: str) -> list[Find]:
        """Every day in a written text, with a value like "2026-05-03"."""
        text = folded(text)
        return apart(self._finds(text)) if _TRIGGER.search(text.lower()) else []

    def _finds(self, text: str) -> Iterator[Find]:
        for pattern, read in _FORMS:
            for match in pattern.finditer(text):
                try:
                    found = read(self, match.groupdict())
                except (ValueError, OverflowError):
                    continue  # no such day
                if found and abs(found.day.year - self.today.year) <= LATEST:
                    start, end = match.span("of") if "of" in pattern.groupindex else match.span()
                    others = tuple(other.isoformat() for other in found.others)
                    yield Find(start, end, found.day.isoformat(), "pattern", found.confidence, others)

    # -- one method a form ---------------------------------------------------------------------------------------

    def figures(self, part: Mapping[str, str | None]) -> Day | None:
        """2026-05-03, 5/3/2026, 03.05.26, 5/3."""
        first, second = int(part["n1"] or 0), int(part["n2"] or 0)
        if year := part["iso"]:
            return Day(dt.date(int(year), first, second))
        if not part["n3"]:
            return self._short(first, second)
        year_number = int(part["n3"]) + (2000 if len(part["n3"]) == 2 else 0)
        days = [dt.date(year_number, month, day) for month, day in self._orders(first, second)]
        return Day(days[0], UNSURE if len(days) > 1 else PATTERN, tuple(days[1:]))

    def _short(self, first: int, second: int) -> Day:
        days = [self._nearest(month, day) for month, day in self._orders(first, second)]
        return Day(days[0].day, 0.5, tuple(day.day for day in days[1:]) + days[0].others)

    def _orders(self, first: int, second: int) -> list[tuple[int, int]]:
        """(month, day) in the country's order, then in the other where that is another day."""
        orders = [(first, second), (second, first)]
        if self.country not in MONTH_FIRST:
            orders.reverse()
        possible = [(month, day) for month, day in orders if 1 <= month <= 12 and 1 <= day <= 31]
        if not possible:
            raise ValueError("no such day")
        return list(dict.fromkeys(possible))

    def of_month(self, part: Mapping[str, str | None]) -> Day | None:
        """The 3rd of May, may 3 2026, friday november 20th."""
        month, day = _month(part["month"] or ""), int(re.sub(r"\D", "", part["day"] or ""))
        if part["year"]:
            return Day(dt.date(int(part["year"]), month, day))
        return self._nearest(month, day)

    def of_this_month(self, part: Mapping[str, str | None]) -> Day:
        """The 3rd of this month, the 3rd of last month."""
        first = _shift(self.today.replace(day=1), _step(part["which"]), "month")
        return Day(first.replace(day=int(re.sub(r"\D", "", part["day"] or ""))))

    def day_alone(self, part: Mapping[str, str | None]) -> Day:
        """On the 3rd: of the nearest month that has one."""
        day = int(re.sub(r"\D", "", part["day"] or ""))
        firsts = [_shift(self.today.replace(day=1), step, "month") for step in (-1, 0, 1)]
        days = [f.replace(day=day) for f in firsts if day <= calendar.monthrange(f.year, f.month)[1]]
        return self._likeliest(days, UNSURE)

    def word(self, part: Mapping[str, str | None]) -> Day:
        """Today, yesterday, last night, the day after tomorrow."""
        word = (part["word"] or "").lower()
        if "night" in word and "last" in word:
            return self._in(-1)
        if "before" in word or "after " in word:
            return self._in(-2 if "before" in word else 2)
        return self._in(-1 if "yesterday" in word else 1 if "tomorrow" in word else 0)

    def counted(self, part: Mapping[str, str | None]) -> Day | None:
        """Three days ago, in two weeks, a week from friday."""
        words = re.sub(r"\s+", " ", (part["count"] or "a").lower())
        count = int(words) if words.isdigit() else COUNTS.get(words) or VAGUE[words]
        unit, exact = (part["unit"] or "").lower(), UNSURE if words in VAGUE else PATTERN
        sense = (part["sense"] or "").lower()
        start = Day(self.today)
        if base := re.sub(r"^from\s+", "", sense) if sense.startswith("from") else "":
            start = self._base(base)
        elif (part["lead"] or "").lower() == "within":
            exact = UNSURE
        day = _shift(start.day, -count if sense in ("ago", "back", "earlier") else count, unit)
        return Day(day, min(exact, start.confidence))

    def _base(self, word: str) -> Day:
        if word in DAYS:
            return Day(self._after(DAYS.index(word)), LISTED)
        return self._in({"tomorrow": 1, "yesterday": -1}.get(word, 0))

    def edge(self, part: Mapping[str, str | None]) -> Day:
        """The end of the month, the beginning of next week."""
        step, unit = _step(part["which"]), (part["unit"] or "").lower()
        start, end = self._bounds(_shift(self.today, step, unit), unit)
        edge = (part["edge"] or "").lower()
        return Day(end if edge == "end" else start + (end - start) / 2 if edge == "middle" else start, LISTED)

    def edge_of_month(self, part: Mapping[str, str | None]) -> Day:
        """The end of May."""
        start = self._nearest(_month(part["month"] or ""), 1).day
        end = self._bounds(start, "month")[1]
        return Day(end if (part["edge"] or "").lower() == "end" else start, UNSURE)

    def _bounds(self, day: dt.date, unit: str) -> tuple[dt.date, dt.date]:
        if unit == "week":
            monday = day - dt.timedelta(days=day.weekday())
            return monday, monday + dt.timedelta(days=6)
        if unit == "year":
            return day.replace(month=1, day=1), day.replace(month=12, day=31)
        return day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1])

    def period(self, part: Mapping[str, str | None]) -> Day:
        """Last week, next month: the day so far from today."""
        return Day(_shift(self.today, _step(part["which"]), (part["unit"] or "").lower()), UNSURE)

    def weekday(self, part: Mapping[str, str | None]) -> Day:
        """Friday, last friday, by friday."""
        which = (part["which"] or "").lower()
        index = next(i for i, day in enumerate(DAYS) if day.startswith((part["name"] or "").lower()[:3]))
        past = self.today - dt.timedelta(days=(self.today.weekday() - index - 1) % 7 + 1)
        coming = self._after(index)
        if which in ("last", "past", "since"):
            return Day(past, LISTED)
        if which in ("next", "this", "coming", "this coming", "by", "until", "till", "before"):
            another = (coming + dt.timedelta(days=7),) if which == "next" else ()
            return Day(coming, 0.7 if another else LISTED, another)
        return Day(past, 0.7, (coming,))

    def _after(self, weekday: int) -> dt.date:
        return self.today + dt.timedelta(days=(weekday - self.today.weekday() - 1) % 7 + 1)

    def feast(self, part: Mapping[str, str | None]) -> Day:
        """Christmas eve."""
        return self._nearest(*FEAST_DAYS[re.sub(r"\s+", " ", (part["feast"] or "").lower().replace("’", "'"))])

    def shopping(self, part: Mapping[str, str | None]) -> Day:
        """Thanksgiving in the US (the fourth Thursday of November), black friday and cyber monday after it."""
        shift = {"t": 0, "b": 1, "c": 4}[(part["name"] or "")[0].lower()]
        days = []
        for year in (self.today.year - 1, self.today.year, self.today.year + 1):
            first = dt.date(year, 11, 1)
            days.append(first + dt.timedelta(days=(3 - first.weekday()) % 7 + 21 + shift))
        return self._likeliest(days, PATTERN)

    def _in(self, days: int) -> Day:
        return Day(self.today + dt.timedelta(days=days))

    def _nearest(self, month: int, day: int) -> Day:
        """A day of some year; less sure where last year's and the next are about as far."""
        days = []
        for year in (self.today.year - 1, self.today.year, self.today.year + 1):
            try:
                days.append(dt.date(year, month, day))
            except ValueError:
                continue
        return self._likeliest(days, PATTERN)

    def _likeliest(self, days: list[dt.date], confidence: float) -> Day:
        if not days:
            raise ValueError("no such day")
        far = {day: abs((day - self.today).days) * (AHEAD if day > self.today else 1.0) for day in days}
        best, *rest = sorted(days, key=far.__getitem__)
        close = tuple(day for day in rest if far[day] < 2 * far[best] + 1)
        return Day(best, min(confidence, 0.7) if close else confidence, close[:1])


def _step(which: str | None) -> int:
    return {"last": -1, "past": -1, "next": 1}.get((which or "").lower(), 0)


def _month(name: str) -> int:
    return next(i for i, month in enumerate(MONTHS, start=1) if month.startswith(name.lower()[:3]))


def _shift(day: dt.date, count: int, unit: str) -> dt.date:
    """A day so many days, weeks, months or years later; the month's last day where it is shorter."""
    if unit in ("day", "night", "week", "fortnight"):
        return day + dt.timedelta(days=count * {"week": 7, "fortnight": 14}.get(unit, 1))
    months = day.year * 12 + day.month - 1 + count * (12 if unit == "year" else 1)
    year, month = divmod(months, 12)
    return dt.date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


_M = (
    r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_W = "|".join(DAYS)
_ON = rf"(?:(?:{_W}|mon|tues?|wed|thu(?:rs)?|fri|sat|sun)\.?,?\s+)?"
_D = r"(?P<day>\d{1,2}(?:st|nd|rd|th)?)"
_TH = r"(?P<day>\d{1,2}(?:st|nd|rd|th))"
_Y = r"(?:,?\s+(?:of\s+)?(?P<year>(?:19|20)\d\d)\b)?"
_UNIT = r"(?P<unit>day|night|week|fortnight|month|year)s?"
_COUNT = (
    r"(?P<count>\d{1,4}|an?|a\s+couple(?:\s+of)?|couple\s+of|a\s+few|few|several"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|sixty|ninety)"
)
_Reader = Callable[[Calendar, dict[str, str | None]], Day | None]


def _form(pattern: str, read: _Reader) -> tuple[re.Pattern[str], _Reader]:
    return re.compile(pattern, re.I), read


_FORMS: tuple[tuple[re.Pattern[str], _Reader], ...] = (
    _form(r"(?<![\w/.-])(?P<iso>\d{4})(?P<n3>)[-/.](?P<n1>\d{1,2})[-/.](?P<n2>\d{1,2})(?![\w/-])", Calendar.figures),
    _form(
        r"(?<![\w/.$€£-])(?P<iso>)(?P<n1>\d{1,2})([/.-])(?P<n2>\d{1,2})\3(?P<n3>\d{4}|\d{2})(?![\w/-])",
        Calendar.figures,
    ),
    _form(
        r"\b(?:on|by|since|from|dated?|until|of)\s+(?P<of>(?P<iso>)(?P<n3>)(?P<n1>\d{1,2})/(?P<n2>\d{1,2}))(?![\w/])",
        Calendar.figures,
    ),
    _form(rf"\b{_ON}{_M}\.?\s+(?:the\s+)?{_D}\b(?![:%]|\s*(?:dollars|euros|pounds)\b){_Y}", Calendar.of_month),
    _form(rf"(?<![\w.,$€£]){_ON}(?:the\s+)?{_D}[\s-](?:of\s+)?{_M}\b\.?{_Y}", Calendar.of_month),
    _form(rf"(?:\bthe\s+)?\b{_TH}\s+of\s+(?P<which>this|next|last|the)\s+month\b", Calendar.of_this_month),
    _form(
        rf"(?:\b(?:on|by|since|until|till|before|after|from|for|was|{_W})\s+|^\s*)(?P<of>(?:the\s+)?{_TH})"
        r"(?=\s*(?:$|[.,;?!]|and\b|or\b|at\b|but\b|please\b|i\b|it\b))",
        Calendar.day_alone,
    ),
    _form(
        r"\b(?P<word>(?:the\s+)?day\s+before\s+yesterday|(?:the\s+)?day\s+after\s+tomorrow|today|tonight|yesterday"
        r"|tomorrow|last\s+night|this\s+(?:morning|afternoon|evening))\b",
        Calendar.word,
    ),
    _form(
        rf"\b{_COUNT}\s+{_UNIT}\s+(?P<sense>ago|back|from\s+(?:now|today|tomorrow|yesterday|{_W}))\b(?P<lead>)",
        Calendar.counted,
    ),
    _form(
        rf"\b(?P<lead>in|within)\s+(?:the\s+next\s+)?{_COUNT}\s+{_UNIT}\b(?P<sense>)(?!\s+(?:ago|back|from))",
        Calendar.counted,
    ),
    _form(
        r"(?:\bthe\s+)?\b(?P<edge>end|beginning|start|middle)\s+of\s+(?P<which>the|this|next|last)\s+"
        r"(?P<unit>week|month|year)\b",
        Calendar.edge,
    ),
    _form(rf"(?:\bthe\s+)?\b(?P<edge>end|beginning|start)\s+of\s+{_M}\b", Calendar.edge_of_month),
    _form(r"\b(?P<which>last|next|past)\s+(?P<unit>week|month|year)\b", Calendar.period),
    _form(
        r"(?:\b(?P<which>last|next|past|this\s+coming|this|coming|by|until|till|before|since|on)\s+)?"
        rf"(?<!good\s)(?<!black\s)(?<!cyber\s)\b(?P<name>{_W})\b",
        Calendar.weekday,
    ),
    _form(
        r"(?:\b(?P<which>last|next|this|by|on|until)\s+|^\s*)(?P<name>mon|tues?|wed|thu(?:rs)?|fri|sat|sun)\b"
        r"(?=\s*(?:$|[.,;?!]))",
        Calendar.weekday,
    ),
    _form(rf"\b(?P<feast>{'|'.join(sorted(FEAST_DAYS, key=len, reverse=True))})(?!\w)", Calendar.feast),
    _form(r"\b(?P<name>thanksgiving|black\s+friday|cyber\s+monday)\b", Calendar.shopping),
)
_TRIGGER = re.compile(
    r"\d[-/. ]|\d(?:st|nd|rd|th)\b|day|night|morrow|month|week|year|morning|afternoon|evening|mas\b|hallow|valent"
    r"|giving|\b(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun)"
)
"""What a text in lower case has where it names a day."""


def date(text: str, today: dt.date, country: str = "US") -> str | None:
    """The first day in a text as YYYY-MM-DD."""
    found = Calendar(today, country).find(text)
    return found[0].value if found else None
