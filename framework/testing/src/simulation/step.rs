//! Steps: everything that can happen next, by itself or by a fault. A run is a list of them, and is written as text.

use std::fmt;
use std::str::FromStr;

/// An owner or a router: the latest one of its kind and partition, or one before it that does not know yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Who {
    /// Which aggregate, or which route.
    pub(crate) of: u8,
    pub(crate) partition: u8,
    /// How many have started since.
    pub(crate) age: u8,
}

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// The next fact of a saga is published.
    Publish(u8),
    /// Its last fact is published once more, under its id and at another offset.
    Repeat(u8),
    /// An owner's next record arrives in the log.
    Land(Who),
    /// It reads what became of it.
    Report(Who),
    /// It reads what stands before its fence, and begins to work.
    Restore(Who),
    /// It reads what others have written among its records.
    ReadGap(Who),
    /// It decides the next record of an input.
    Handle(Who, u8),
    /// It writes its positions down.
    Mark(Who),
    /// It calls the port of its next request, and the reply comes.
    Call(Who),
    /// It takes up the next reply.
    Reply(Who),
    /// It asks how far its inputs reach, since a deadline is due.
    Ask(Who),
    /// It answers the deadlines that were due.
    Pass(Who),
    /// A router looks at its next record.
    Forward(Who),
    /// A router's next copy for a partition of the inbox arrives.
    CopyLand(Who, u8),
    /// It reads what became of it.
    CopyReport(Who),
    /// It commits how far it has got.
    Commit(Who),
    /// An owner does all that it can do by itself.
    Run(Who),
    /// A router does.
    RouterRun(Who),
    /// Time passes, up to the earliest deadline.
    Wait,
    // Faults from here on.
    /// Another owner starts; the one before does not know.
    TakeOver(Who),
    /// An owner dies; what it sent may still arrive.
    Crash(Who),
    /// What a dead process has sent never arrives.
    Lose(Who),
    /// A producer gives a record up and sends its successors.
    GiveUp(Who),
    /// What arrived last arrives once more.
    Resend(Who),
    /// A port is called, and its reply is lost: it is called again.
    LoseReply(Who),
    /// A port's reply comes twice.
    ReplyTwice(Who),
    /// Another router starts; the one before does not know.
    RouterStart(Who),
    /// A router dies with what it has in flight.
    RouterCrash(Who),
    /// A router's producer gives a copy up and sends its successors.
    RouterGiveUp(Who),
    /// A topic of facts is deleted and created again; the facts are published there anew.
    Recreate(u8),
    /// Newer declarations are deployed: owners that start from now on decide by them.
    Deploy,
}

impl Step {
    /// Whether nothing of it happens by itself.
    pub(crate) fn is_fault(self) -> bool {
        matches!(
            self,
            Step::Repeat(_)
                | Step::TakeOver(_)
                | Step::Crash(_)
                | Step::Lose(_)
                | Step::GiveUp(_)
                | Step::Resend(_)
                | Step::LoseReply(_)
                | Step::ReplyTwice(_)
                | Step::RouterStart(_)
                | Step::RouterCrash(_)
                | Step::RouterGiveUp(_)
                | Step::Recreate(_)
                | Step::Deploy
        )
    }

    fn letter(self) -> (char, Option<Who>, Option<u8>) {
        match self {
            Step::Publish(saga) => ('P', None, Some(saga)),
            Step::Repeat(saga) => ('Q', None, Some(saga)),
            Step::Land(who) => ('l', Some(who), None),
            Step::Report(who) => ('a', Some(who), None),
            Step::Restore(who) => ('e', Some(who), None),
            Step::ReadGap(who) => ('g', Some(who), None),
            Step::Handle(who, input) => ('h', Some(who), Some(input)),
            Step::Mark(who) => ('m', Some(who), None),
            Step::Call(who) => ('c', Some(who), None),
            Step::Reply(who) => ('r', Some(who), None),
            Step::Ask(who) => ('k', Some(who), None),
            Step::Pass(who) => ('d', Some(who), None),
            Step::Forward(who) => ('f', Some(who), None),
            Step::CopyLand(who, target) => ('i', Some(who), Some(target)),
            Step::CopyReport(who) => ('j', Some(who), None),
            Step::Commit(who) => ('o', Some(who), None),
            Step::Run(who) => ('x', Some(who), None),
            Step::RouterRun(who) => ('y', Some(who), None),
            Step::Wait => ('w', None, None),
            Step::TakeOver(who) => ('O', Some(who), None),
            Step::Crash(who) => ('C', Some(who), None),
            Step::Lose(who) => ('L', Some(who), None),
            Step::GiveUp(who) => ('G', Some(who), None),
            Step::Resend(who) => ('R', Some(who), None),
            Step::LoseReply(who) => ('X', Some(who), None),
            Step::ReplyTwice(who) => ('Y', Some(who), None),
            Step::RouterStart(who) => ('S', Some(who), None),
            Step::RouterCrash(who) => ('K', Some(who), None),
            Step::RouterGiveUp(who) => ('J', Some(who), None),
            Step::Recreate(topic) => ('N', None, Some(topic)),
            Step::Deploy => ('V', None, None),
        }
    }
}

/// As a letter, who, and which: `h2.0.1:3` is aggregate 2 on partition 0, one owner after it, its input 3.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (letter, who, which) = self.letter();
        write!(f, "{letter}")?;
        if let Some(Who { of, partition, age }) = who {
            write!(f, "{of}.{partition}")?;
            if age > 0 {
                write!(f, ".{age}")?;
            }
        }
        match which {
            Some(which) if who.is_some() => write!(f, ":{which}"),
            Some(which) => write!(f, "{which}"),
            None => Ok(()),
        }
    }
}

/// A step that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a step of a simulation")]
pub(crate) struct StepError(String);

impl FromStr for Step {
    type Err = StepError;

    fn from_str(text: &str) -> Result<Self, StepError> {
        read(text).ok_or_else(|| StepError(text.to_owned()))
    }
}

fn read(text: &str) -> Option<Step> {
    let mut letters = text.chars();
    let letter = letters.next()?;
    let rest = letters.as_str();
    let number = || rest.parse().ok();
    let (place, which) = match rest.split_once(':') {
        Some((place, which)) => (place, Some(which.parse().ok()?)),
        None => (rest, None),
    };
    let who = || {
        let mut numbers = place.split('.').map(str::parse);
        let who = Who {
            of: numbers.next()?.ok()?,
            partition: numbers.next()?.ok()?,
            age: numbers.next().unwrap_or(Ok(0)).ok()?,
        };
        numbers.next().is_none().then_some(who)
    };
    let step = match letter {
        'P' => Step::Publish(number()?),
        'Q' => Step::Repeat(number()?),
        'N' => Step::Recreate(number()?),
        'w' => Step::Wait,
        'V' => Step::Deploy,
        'h' => Step::Handle(who()?, which?),
        'l' => Step::Land(who()?),
        'a' => Step::Report(who()?),
        'e' => Step::Restore(who()?),
        'g' => Step::ReadGap(who()?),
        'm' => Step::Mark(who()?),
        'c' => Step::Call(who()?),
        'r' => Step::Reply(who()?),
        'k' => Step::Ask(who()?),
        'd' => Step::Pass(who()?),
        'f' => Step::Forward(who()?),
        'i' => Step::CopyLand(who()?, which?),
        'j' => Step::CopyReport(who()?),
        'o' => Step::Commit(who()?),
        'x' => Step::Run(who()?),
        'y' => Step::RouterRun(who()?),
        'O' => Step::TakeOver(who()?),
        'C' => Step::Crash(who()?),
        'L' => Step::Lose(who()?),
        'G' => Step::GiveUp(who()?),
        'R' => Step::Resend(who()?),
        'X' => Step::LoseReply(who()?),
        'Y' => Step::ReplyTwice(who()?),
        'S' => Step::RouterStart(who()?),
        'K' => Step::RouterCrash(who()?),
        'J' => Step::RouterGiveUp(who()?),
        _ => return None,
    };
    // What is left over belongs to no step.
    (step.to_string() == text).then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_read_as_it_is_written() {
        let who = Who {
            of: 2,
            partition: 1,
            age: 0,
        };
        let before = Who { age: 3, ..who };
        let steps = [
            Step::Publish(7),
            Step::Handle(who, 1),
            Step::Handle(before, 0),
            Step::CopyLand(who, 1),
            Step::Land(before),
            Step::Wait,
            Step::Recreate(4),
            Step::Deploy,
        ];
        for step in steps {
            assert_eq!(step.to_string().parse(), Ok(step));
        }
        for text in [
            "", "Z", "h1.1", "l1", "l1.1.0", "P", "w3", "l1.2.3.4", "P300",
        ] {
            assert!(text.parse::<Step>().is_err(), "{text}");
        }
    }
}
