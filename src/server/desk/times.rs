//! Moments in the operator's time zone: formatted for pages, and parsed from filters.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::console::view::{Days, LocalTime, Stamp};
use crate::domain::time::Timestamp;

/// Returns the zone's name, such as `Asia/Shanghai`.
pub fn name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}

/// Formats a moment to the second, with its age.
pub fn stamp(at: Timestamp, now: Timestamp, zone: &TimeZone) -> Stamp {
    Stamp {
        at,
        local: local(at, zone).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        ago_s: (now.0 - at.0).div_euclid(1_000),
    }
}

/// Returns the first days of a list's predefined periods.
pub fn days(now: Timestamp, zone: &TimeZone) -> Days {
    let today = local(now, zone).date();
    let before = |days: i64| today.saturating_sub(days.days()).to_string();
    Days {
        today: before(0),
        last_7: before(6),
        last_30: before(29),
    }
}

/// Returns the first moment of a typed day or second. A time skipped by a change of clocks becomes the time after the
/// gap.
pub fn begin(typed: LocalTime, zone: &TimeZone) -> Option<Timestamp> {
    moment(civil(typed)?, zone)
}

/// Returns the first moment after a typed day or second.
pub fn end(typed: LocalTime, zone: &TimeZone) -> Option<Timestamp> {
    let begin = civil(typed)?;
    let end = match typed.time {
        None => begin.checked_add(1.day()).ok()?,
        Some(_) => begin.checked_add(1.second()).ok()?,
    };
    moment(end, zone)
}

fn civil(typed: LocalTime) -> Option<DateTime> {
    let date = Date::new(typed.year, typed.month, typed.day).ok()?;
    let (hour, minute, second) = typed.time.unwrap_or_default();
    let time = Time::new(hour, minute, second, 0).ok()?;
    Some(date.to_datetime(time))
}

fn moment(civil: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let at = zone.to_ambiguous_zoned(civil).compatible().ok()?;
    Some(Timestamp(at.timestamp().as_millisecond()))
}

fn local(at: Timestamp, zone: &TimeZone) -> jiff::Zoned {
    let timestamp = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
    timestamp.to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> LocalTime {
        LocalTime::parse(text).unwrap()
    }

    #[test]
    fn a_day_is_that_day_in_the_operators_zone() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let begin = begin(typed("2026-05-01"), &zone).unwrap();
        let end = end(typed("2026-05-01"), &zone).unwrap();
        assert_eq!(begin, Timestamp(1_777_564_800_000));
        assert_eq!(end.0 - begin.0, 86_400_000);
        let shown = stamp(begin, begin.plus_ms(61_000), &zone);
        assert_eq!(shown.local, "2026-05-01 00:00:00");
        assert_eq!(shown.ago_s, 61);
    }

    #[test]
    fn a_day_of_23_hours_and_a_second_that_never_was() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let day = typed("2026-03-29");
        let length = end(day, &zone).unwrap().0 - begin(day, &zone).unwrap().0;
        assert_eq!(length, 23 * 3_600_000);
        let skipped = begin(typed("2026-03-29 02:30"), &zone).unwrap();
        assert_eq!(stamp(skipped, skipped, &zone).local, "2026-03-29 03:30:00");
        let second = typed("2026-03-29 12:00:00");
        assert_eq!(
            end(second, &zone).unwrap().0 - begin(second, &zone).unwrap().0,
            1_000
        );
    }

    #[test]
    fn the_last_week_holds_today() {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let days = days(Timestamp(1_777_564_800_000), &zone);
        assert_eq!(days.today, "2026-05-01");
        assert_eq!(days.last_7, "2026-04-25");
        assert_eq!(days.last_30, "2026-04-02");
    }
}
