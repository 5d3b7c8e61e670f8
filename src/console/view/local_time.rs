//! Dates and times as a person types them.

/// A date, or a date and a time of day, without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    pub year: i16,
    pub month: i8,
    pub day: i8,
    /// Hour, minute, second; `None` where only a date was given.
    pub time: Option<(i8, i8, i8)>,
}

impl LocalTime {
    /// Reads `2026-05-01`, `2026-05-01 10:20` or `2026-05-01T10:20:30`, also with `/` in the date. Returns `None` for a
    /// date that does not exist.
    pub fn parse(text: &str) -> Option<LocalTime> {
        let (date, time) = match text.split_once(['T', ' ']) {
            Some((date, time)) => (date, Some(time.trim())),
            None => (text, None),
        };
        let mut parts = date.split(['-', '/']);
        let year = digits(parts.next()?, 4..=4)? as i16;
        let month = digits(parts.next()?, 1..=2)? as i8;
        let day = digits(parts.next()?, 1..=2)? as i8;
        let exists =
            year >= 1970 && (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day);
        if !exists || parts.next().is_some() {
            return None;
        }
        let time = match time {
            None => None,
            Some(time) => {
                let mut parts = time.split(':');
                let hour = digits(parts.next()?, 1..=2)? as i8;
                let minute = digits(parts.next()?, 2..=2)? as i8;
                let second = parts.next().map_or(Some(0), |s| digits(s, 2..=2))? as i8;
                if hour > 23 || minute > 59 || second > 59 || parts.next().is_some() {
                    return None;
                }
                Some((hour, minute, second))
            }
        };
        Some(LocalTime {
            year,
            month,
            day,
            time,
        })
    }
}

/// Reads a number whose count of digits is in `lengths`.
fn digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> Option<u16> {
    let plain = lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

/// Returns the days of a month.
fn days_in(year: i16, month: i8) -> i8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_with_and_without_a_time() {
        let date = LocalTime {
            year: 2026,
            month: 5,
            day: 1,
            time: None,
        };
        assert_eq!(LocalTime::parse("2026-05-01"), Some(date));
        assert_eq!(LocalTime::parse("2026/5/1"), Some(date));
        let at = |time| {
            Some(LocalTime {
                time: Some(time),
                ..date
            })
        };
        assert_eq!(LocalTime::parse("2026-05-01 9:20"), at((9, 20, 0)));
        assert_eq!(LocalTime::parse("2026-05-01T23:59:59"), at((23, 59, 59)));
        for text in [
            "",
            "2026",
            "2026-13-01",
            "2026-04-31",
            "26-05-01",
            "2026-05-01x",
            "2026-05-01 24:00",
            "2026-05-01 1:2",
            "2026-05-01-02",
            "１９９９-01-01",
        ] {
            assert_eq!(LocalTime::parse(text), None, "{text}");
        }
        assert!(LocalTime::parse("2024-02-29").is_some());
        assert!(LocalTime::parse("2100-02-29").is_none());
    }
}
