"""Numbers, sizes and times as a person reads them."""

from __future__ import annotations

from datetime import datetime, tzinfo

_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def size(count: int) -> str:
    """Bytes in steps of 1,000, with a digit behind the point below ten."""
    value, unit = float(count), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.1f} {_UNITS[unit]}" if unit and value < 9.95 else f"{value:.0f} {_UNITS[unit]}"


def duration(seconds: float) -> str:
    """`less than 0.1 s`, `0.4 s`, `41 s`, `2 min 5 s`, `3 h 10 min`."""
    if seconds < 0.05:
        return "less than 0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return f"{whole} s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def about(seconds: float) -> str:
    """What is left, no finer than anybody can know it."""
    if seconds < 10:
        return "a few seconds"
    if seconds < 55:
        return f"about {round(seconds / 10) * 10:.0f} s"
    if seconds < 55 * 60:
        return f"about {max(1, round(seconds / 60))} min"
    return f"about {max(1, round(seconds / 3600))} h"


def rate(per_second: float) -> str:
    return f"{per_second:.1f}" if per_second < 9.95 else f"{per_second:,.0f}"


def moment(time: datetime, now: datetime, zone: tzinfo | None) -> str:
    """`today, 14:02`, `yesterday, 16:48`, `3 March, 09:10`, in the reader's own time."""
    local, today = time.astimezone(zone), now.astimezone(zone).date()
    days = (today - local.date()).days
    clock = f"{local:%H:%M}"
    if days == 0:
        return f"today, {clock}"
    if days == 1:
        return f"yesterday, {clock}"
    day = f"{local.day} {local:%B}"
    return f"{day}, {clock}" if local.year == today.year else f"{day} {local.year}"
