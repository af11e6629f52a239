//! What labctl and the supervisor of a node say to each other, a line each.

use std::fmt;
use std::str::FromStr;

/// The argument with which labctl is a supervisor.
pub(super) const COMMAND: &str = "supervise";

/// What labctl asks of a supervisor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeOrder {
    /// Freeze every process of the node; answered once all stand still.
    Pause,
    /// Thaw them; answered once that is done.
    Resume,
    /// Ask the node's program to end, by its stop signal; answered once it is asked.
    Stop,
    /// Kill every process of the node; the supervisor ends once all are gone.
    Kill,
}

/// What a supervisor tells labctl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Notice {
    /// The node's program runs.
    Started,
    /// The node's program cannot be started, and why.
    Unstartable(String),
    /// An order is carried out.
    Done,
    /// An order cannot be carried out, and why.
    Refused(String),
    /// The node's program has ended, and how. What it left behind is being killed.
    Ended(String),
    /// Processes of the node cannot be killed: their ids.
    Left(String),
}

impl NodeOrder {
    const ALL: [Self; 4] = [Self::Pause, Self::Resume, Self::Stop, Self::Kill];

    const fn word(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Stop => "stop",
            Self::Kill => "kill",
        }
    }
}

impl fmt::Display for NodeOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for NodeOrder {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|order| order.word() == line);
        found.ok_or_else(|| format!("{line:?} is not an order"))
    }
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, detail) = match self {
            Self::Started => ("started", ""),
            Self::Unstartable(reason) => ("unstartable", reason.as_str()),
            Self::Done => ("done", ""),
            Self::Refused(reason) => ("refused", reason.as_str()),
            Self::Ended(how) => ("ended", how.as_str()),
            Self::Left(pids) => ("left", pids.as_str()),
        };
        write!(f, "{word} {}", detail.replace('\n', " "))
    }
}

impl FromStr for Notice {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (word, detail) = line.split_once(' ').unwrap_or((line, ""));
        let detail = detail.to_owned();
        Ok(match word {
            "started" => Self::Started,
            "unstartable" => Self::Unstartable(detail),
            "done" => Self::Done,
            "refused" => Self::Refused(detail),
            "ended" => Self::Ended(detail),
            "left" => Self::Left(detail),
            _ => return Err(format!("{line:?} is not a notice")),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_understood() {
        for order in NodeOrder::ALL {
            assert_eq!(order.to_string().parse(), Ok(order));
        }
        for notice in [
            Notice::Started,
            Notice::Unstartable("No such file (os error 2)".into()),
            Notice::Done,
            Notice::Refused("why".into()),
            Notice::Ended("exit status 1".into()),
            Notice::Left("12 13".into()),
        ] {
            assert_eq!(notice.to_string().parse(), Ok(notice));
        }
        assert_eq!(Notice::Refused("a\nb".into()).to_string(), "refused a b");
        assert!("".parse::<NodeOrder>().is_err() && "x y".parse::<Notice>().is_err());
    }
}
