//! What is found, and how it is shown.

use std::fmt::{Display, Write as _};

use serde_json::{Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Ok,
    /// The service runs, and somebody should know.
    Warn,
    /// The service does not run.
    Error,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Error => "error",
        }
    }
}

#[derive(Debug)]
struct Finding {
    level: Level,
    /// What was looked at.
    what: &'static str,
    /// The thing, how it is, and what to do about it.
    says: String,
}

#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn add(&mut self, level: Level, what: &'static str, says: impl Display) {
        self.0.push(Finding {
            level,
            what,
            says: says.to_string(),
        });
    }

    pub(super) fn ok(&mut self, what: &'static str, says: impl Display) {
        self.add(Level::Ok, what, says);
    }

    pub(super) fn warn(&mut self, what: &'static str, says: impl Display) {
        self.add(Level::Warn, what, says);
    }

    pub(super) fn error(&mut self, what: &'static str, says: impl Display) {
        self.add(Level::Error, what, says);
    }

    pub(super) fn worst(&self) -> Level {
        let levels = self.0.iter().map(|finding| finding.level);
        levels.max().unwrap_or(Level::Ok)
    }

    pub(super) fn shown(&self, as_json: bool) -> String {
        if as_json {
            let all = self.0.iter().map(|finding| {
                json!({
                    "level": finding.level.name(),
                    "what": finding.what,
                    "says": finding.says,
                })
            });
            return format!("{:#}\n", Value::Array(all.collect()));
        }
        let mut text = String::new();
        for Finding { level, what, says } in &self.0 {
            let _ = writeln!(text, "{:<6} {what:<12} {says}", level.name());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_decides_and_every_line_is_shown() {
        let mut found = Findings::default();
        assert_eq!(found.worst(), Level::Ok);
        found.error("brokers", "nobody");
        found.ok("disk", "room");
        assert_eq!(found.worst(), Level::Error);
        assert_eq!(
            found.shown(false),
            "error  brokers      nobody\nok     disk         room\n"
        );
        let json: Value = serde_json::from_str(&found.shown(true)).unwrap();
        assert_eq!(
            json[1],
            json!({"level": "ok", "what": "disk", "says": "room"})
        );
    }
}
