//! Reading the `kolo` header.

use uuid::Uuid;

use crate::id::{CorrelationId, EventId, TopicId};
use crate::position::{Path, Position};
use crate::time::Timestamp;

use super::base64::read_base64;
use super::stamp::{Source, Stamp, Writer};

pub(super) fn parse(header: &str) -> Result<Stamp, &'static str> {
    let mut rest = Some(header);
    let mut field = |missing| {
        let left = rest.take().ok_or(missing)?;
        let (field, behind) =
            cut(left, b' ').map_or((left, None), |(field, behind)| (field, Some(behind)));
        rest = behind;
        Ok(field)
    };
    if field("empty")? != "1" {
        return Err("its version is not 1: this reader is too old for it");
    }
    let correlation = parse_id(field("no correlation id")?)
        .ok_or("the correlation id is not 22 characters of base64url")?;
    let causation = parse_id(field("no causation id")?)
        .ok_or("the causation id is not 22 characters of base64url")?;
    let writer =
        parse_writer(field("no epoch")?).ok_or("the epoch is not <epoch>.<nonce>.<number>")?;
    let source = parse_source(field("no source")?)
        .ok_or("the source is not <origin>:<partition>:<offset>")?;
    let (index, count) =
        cut(field("no index")?, b'/').ok_or("the last field is not <index>/<count>")?;
    let index = index.parse().map_err(|_| "the index is no number")?;
    let count = count.parse().map_err(|_| "the count is no number")?;
    if index == 0 || index > count {
        return Err("the index is not between 1 and the count");
    }
    Ok(Stamp {
        correlation: correlation.map(CorrelationId),
        causation: causation.map(EventId),
        writer,
        source,
        index,
        count,
    })
}

/// What stands before and behind the first of these ASCII bytes. Fields are so short that to search for it costs less
/// than to set a search up.
fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|byte| byte == at)?;
    Some((text.get(..place)?, text.get(place + 1..)?))
}

fn parse_uuid(text: &str) -> Option<Uuid> {
    read_base64(text, 22, 128).map(Uuid::from_u128)
}

#[expect(
    clippy::option_option,
    reason = "outer: readable at all; inner: the field applies"
)]
fn parse_id(text: &str) -> Option<Option<Uuid>> {
    if text == "-" {
        Some(None)
    } else {
        parse_uuid(text).map(Some)
    }
}

#[expect(
    clippy::option_option,
    reason = "outer: readable at all; inner: the field applies"
)]
fn parse_writer(text: &str) -> Option<Option<Writer>> {
    if text == "-" {
        return Some(None);
    }
    let (epoch, rest) = cut(text, b'.')?;
    let (nonce, number) = cut(rest, b'.')?;
    let epoch = if epoch == "-" {
        None
    } else {
        Some(epoch.parse().ok()?)
    };
    let nonce = u64::try_from(read_base64(nonce, 11, 64)?).ok()?;
    Some(Some(Writer {
        epoch,
        nonce,
        number: number.parse().ok()?,
    }))
}

fn parse_position(text: &str) -> Option<Position> {
    let (offset, copy) = cut(text, b'.').unwrap_or((text, "0"));
    Some(Position {
        offset: offset.parse().ok()?,
        copy: copy.parse().ok()?,
    })
}

fn parse_source(text: &str) -> Option<Source> {
    match text {
        "-" => return Some(Source::None),
        "p" => return Some(Source::Parked),
        _ => {}
    }
    if let Some(due) = text.strip_prefix('@') {
        return due
            .parse()
            .ok()
            .map(|due| Source::Deadline(Timestamp::from_millis(due)));
    }
    let (origin, rest) = cut(text, b':')?;
    let (partition, place) = cut(rest, b':')?;
    let partition = partition.parse().ok()?;
    let (place, after) = match cut(place, b'~') {
        Some((place, after)) => (place, Some(parse_position(after)?)),
        None => (place, None),
    };
    let position = parse_position(place)?;
    match origin.strip_prefix('r') {
        None if after.is_some() => None,
        None => Some(Source::Input {
            origin: origin.parse().ok()?,
            partition,
            position,
        }),
        Some(route) => {
            let (version, topic) = cut(route, b'/')?;
            let path = match version.parse().ok()? {
                0 => Path::Direct,
                version => Path::Route(version),
            };
            Some(Source::Copy {
                path,
                topic: TopicId(parse_uuid(topic)?),
                partition,
                position,
                after,
            })
        }
    }
}
