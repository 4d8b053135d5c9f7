use core::fmt::Write;

use super::ChatError;

/// A day that a template may write, in place of the clock's.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl Date {
    /// Creates a day of the Gregorian calendar.
    ///
    /// # Errors
    /// [`ChatError::Date`] if there is no such day.
    pub const fn new(year: u16, month: u8, day: u8) -> Result<Self, ChatError> {
        let date = Self { year, month, day };
        let known = year >= 1 && year <= 9_999 && month >= 1 && month <= 12;
        if known && day >= 1 && day <= date.days_of_month() {
            return Ok(date);
        }
        Err(ChatError::Date { year, month, day })
    }

    /// Writes the day as C's `strftime` does in its own locale, at midnight; `None` for a directive
    /// that is not known.
    pub(super) fn format(self, format: &str) -> Option<String> {
        let mut text = String::new();
        let mut rest = format.chars();
        while let Some(character) = rest.next() {
            if character != '%' {
                text.push(character);
                continue;
            }
            let mut directive = rest.next()?;
            let bare = directive == '-';
            if bare {
                directive = rest.next()?;
            }
            let (value, width) = match directive {
                '%' => {
                    text.push('%');
                    continue;
                }
                'A' | 'a' | 'B' | 'b' => {
                    let name = if directive.eq_ignore_ascii_case(&'a') {
                        WEEKDAYS[self.weekday()]
                    } else {
                        MONTHS[usize::from(self.month) - 1]
                    };
                    text.push_str(if directive.is_uppercase() { name } else { &name[..3] });
                    continue;
                }
                'd' => (u32::from(self.day), 2),
                'H' | 'M' | 'S' => (0, 2),
                'j' => (self.day_of_year(), 3),
                'm' => (u32::from(self.month), 2),
                'Y' => (u32::from(self.year), 4),
                'y' => (u32::from(self.year) % 100, 2),
                _ => return None,
            };
            let width = if bare { 0 } else { width };
            write!(text, "{value:0width$}").ok()?;
        }
        Some(text)
    }

    const fn is_leap(self) -> bool {
        self.year.is_multiple_of(4) && !self.year.is_multiple_of(100)
            || self.year.is_multiple_of(400)
    }

    const fn days_of_month(self) -> u8 {
        match self.month {
            2 if self.is_leap() => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    /// From 1.
    fn day_of_year(self) -> u32 {
        let before = (1..self.month).map(|month| u32::from(Self { month, ..self }.days_of_month()));
        before.sum::<u32>() + u32::from(self.day)
    }

    /// From 0, a Monday; so was the first day of the year 1.
    fn weekday(self) -> usize {
        let years = u32::from(self.year) - 1;
        let days = years * 365 + years / 4 - years / 100 + years / 400 + self.day_of_year() - 1;
        (days % 7) as usize
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_strftime_does() {
        let date = Date::new(2024, 7, 6).unwrap();
        let cases = [
            ("%d %b %Y", "06 Jul 2024"),
            ("%B %-d, %Y", "July 6, 2024"),
            ("%A %a %j %y %m", "Saturday Sat 188 24 07"),
            ("%Y-%m-%d %H:%M:%S %%", "2024-07-06 00:00:00 %"),
        ];
        for (format, expected) in cases {
            assert_eq!(date.format(format).as_deref(), Some(expected));
        }
        assert_eq!(date.format("%c"), None);
        assert_eq!(date.format("100%"), None);
    }

    #[test]
    fn weekdays_follow_the_calendar() {
        let weekday = |year, month, day| WEEKDAYS[Date::new(year, month, day).unwrap().weekday()];
        assert_eq!(weekday(1970, 1, 1), "Thursday");
        assert_eq!(weekday(2000, 2, 29), "Tuesday");
        assert_eq!(weekday(1, 1, 1), "Monday");
        assert_eq!(weekday(9_999, 12, 31), "Friday");
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for (year, month, day) in
            [(2023, 2, 29), (1900, 2, 29), (0, 1, 1), (2024, 13, 1), (2024, 4, 31)]
        {
            assert_eq!(Date::new(year, month, day), Err(ChatError::Date { year, month, day }));
        }
    }
}
