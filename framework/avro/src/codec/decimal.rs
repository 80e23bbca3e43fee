//! Exact decimal numbers: an unscaled integer, with the precision and scale of its schema in the type.

use std::fmt;
use std::str::FromStr;

use super::fault::{Fault, Problem};
use super::reader::Reader;

/// The most digits an unscaled `i128` always holds.
pub const MAX_PRECISION: u32 = 38;

/// A number of at most `PRECISION` digits, `SCALE` of them behind the point.
///
/// ```
/// use kolo_avro::Decimal;
///
/// let price: Decimal<9, 2> = "12.50".parse()?;
/// assert_eq!(price.unscaled(), 1250);
/// assert_eq!(price.to_string(), "12.50");
/// assert!(Decimal::<3, 2>::new(1250).is_err(), "four digits do not fit in three");
/// # Ok::<(), kolo_avro::DecimalError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal<const PRECISION: u32, const SCALE: u32> {
    unscaled: i128,
}

/// A number that a decimal type cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{number} is not a decimal of at most {precision} digits, {scale} of them behind the point"
)]
pub struct DecimalError {
    number: String,
    precision: u32,
    scale: u32,
}

impl<const PRECISION: u32, const SCALE: u32> Decimal<PRECISION, SCALE> {
    /// The number `unscaled` / 10^`SCALE`.
    ///
    /// # Errors
    /// When it has more than `PRECISION` digits.
    pub fn new(unscaled: i128) -> Result<Self, DecimalError> {
        if fits(unscaled, PRECISION) {
            Ok(Self { unscaled })
        } else {
            Err(DecimalError {
                number: to_text(unscaled, SCALE),
                precision: PRECISION,
                scale: SCALE,
            })
        }
    }

    /// [`new`](Self::new) for constants.
    ///
    /// # Panics
    /// When it has more than `PRECISION` digits; in a constant, that fails the build.
    #[must_use]
    pub const fn literal(unscaled: i128) -> Self {
        assert!(
            fits(unscaled, PRECISION),
            "the number has more digits than the decimal's precision"
        );
        Self { unscaled }
    }

    /// The number times 10^`SCALE`.
    #[must_use]
    pub const fn unscaled(self) -> i128 {
        self.unscaled
    }
}

impl<const PRECISION: u32, const SCALE: u32> fmt::Display for Decimal<PRECISION, SCALE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_text(self.unscaled, SCALE))
    }
}

impl<const PRECISION: u32, const SCALE: u32> fmt::Debug for Decimal<PRECISION, SCALE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const PRECISION: u32, const SCALE: u32> FromStr for Decimal<PRECISION, SCALE> {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        from_text(text, PRECISION, SCALE)
            .map(|unscaled| Self { unscaled })
            .ok_or_else(|| DecimalError {
                number: text.to_owned(),
                precision: PRECISION,
                scale: SCALE,
            })
    }
}

/// Whether `unscaled` has at most `precision` digits.
pub(crate) const fn fits(unscaled: i128, precision: u32) -> bool {
    match 10u128.checked_pow(precision) {
        Some(limit) => unscaled.unsigned_abs() < limit,
        None => true,
    }
}

pub(crate) fn to_text(unscaled: i128, scale: u32) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    let digits = unscaled.unsigned_abs().to_string();
    let scale = scale as usize;
    if scale == 0 {
        return format!("{sign}{digits}");
    }
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    format!("{sign}{whole}.{fraction}")
}

/// Plain decimal notation, with up to `scale` digits behind the point; no exponent, no rounding.
pub(crate) fn from_text(text: &str, precision: u32, scale: u32) -> Option<i128> {
    let (negative, number) = match text.strip_prefix('-') {
        Some(number) => (true, number),
        None => (false, text),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let point_is_used = !number.contains('.') || !fraction.is_empty();
    let scale = scale as usize;
    if whole.is_empty()
        || !point_is_used
        || !all_digits(whole)
        || !all_digits(fraction)
        || fraction.len() > scale
    {
        return None;
    }
    let magnitude: i128 = format!("{whole}{fraction:0<scale$}").parse().ok()?;
    let unscaled = if negative { -magnitude } else { magnitude };
    fits(unscaled, precision).then_some(unscaled)
}

/// The shortest two's complement, big-endian: where it starts in the 16 bytes.
pub(crate) fn shortest(unscaled: i128) -> ([u8; 16], usize) {
    let all = unscaled.to_be_bytes();
    let sign = if unscaled < 0 { 0xFF } else { 0x00 };
    let redundant = |at: usize| all[at] == sign && (all[at + 1] ^ sign) < 0x80;
    let start = (0..15).find(|&at| !redundant(at)).unwrap_or(15);
    (all, start)
}

/// The number in big-endian two's complement, if it is one of at most `precision` digits.
pub(crate) fn from_be(bytes: &[u8], precision: u32) -> Option<i128> {
    let sign = if *bytes.first()? >= 0x80 { 0xFF } else { 0x00 };
    let cut = bytes.len().saturating_sub(16);
    let (extension, low) = bytes.split_at(cut);
    let low_is_signed_alike = cut == 0 || (low[0] ^ sign) < 0x80;
    if !low_is_signed_alike || extension.iter().any(|&byte| byte != sign) {
        return None;
    }
    let mut all = [sign; 16];
    all[16 - low.len()..].copy_from_slice(low);
    Some(i128::from_be_bytes(all)).filter(|&unscaled| fits(unscaled, precision))
}

/// Appends a decimal over `bytes`.
#[inline]
pub fn write_decimal<const P: u32, const S: u32>(out: &mut Vec<u8>, value: Decimal<P, S>) {
    let (all, start) = shortest(value.unscaled);
    super::write::bytes(out, &all[start..]);
}

/// Appends a decimal over a `fixed` of `size` bytes.
#[inline]
pub fn write_decimal_fixed<const P: u32, const S: u32>(
    out: &mut Vec<u8>,
    value: Decimal<P, S>,
    size: usize,
) {
    put_fixed(out, value.unscaled, size);
}

pub(crate) fn put_fixed(out: &mut Vec<u8>, unscaled: i128, size: usize) {
    let all = unscaled.to_be_bytes();
    let sign = if unscaled < 0 { 0xFF } else { 0x00 };
    out.extend(std::iter::repeat_n(sign, size.saturating_sub(16)));
    out.extend_from_slice(&all[16usize.saturating_sub(size)..]);
}

impl Reader<'_> {
    /// A decimal over `bytes`.
    ///
    /// # Errors
    /// As [`slice`](Self::slice), and when it has more than `P` digits or no bytes.
    pub fn decimal<const P: u32, const S: u32>(&mut self) -> Result<Decimal<P, S>, Fault> {
        let bytes = self.slice()?;
        self.decimal_of(bytes, P)
            .map(|unscaled| Decimal { unscaled })
    }

    /// A decimal over a `fixed` of `size` bytes.
    ///
    /// # Errors
    /// When the value ends, or the number has more than `P` digits.
    pub fn decimal_fixed<const P: u32, const S: u32>(
        &mut self,
        size: usize,
    ) -> Result<Decimal<P, S>, Fault> {
        let bytes = self.take(size)?;
        self.decimal_of(bytes, P)
            .map(|unscaled| Decimal { unscaled })
    }

    pub(crate) fn decimal_of(&self, bytes: &[u8], precision: u32) -> Result<i128, Fault> {
        from_be(bytes, precision).ok_or_else(|| {
            self.fault(Problem::Decimal {
                bytes: bytes.len(),
                precision,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shortest_form_is_that_of_javas_big_integer() {
        let short = |n| {
            let (all, start) = shortest(n);
            all[start..].to_vec()
        };
        assert_eq!(short(0), [0]);
        assert_eq!(short(127), [0x7F]);
        assert_eq!(short(128), [0x00, 0x80]);
        assert_eq!(short(-128), [0x80]);
        assert_eq!(short(-129), [0xFF, 0x7F]);
        assert_eq!(short(i128::MIN).len(), 16);
    }

    #[test]
    fn any_length_of_the_same_number_reads_alike() {
        for number in [0, 1, -1, 127, 128, -129, 10i128.pow(37), -(10i128.pow(37))] {
            for size in [16, 17, 40] {
                let mut fixed = Vec::new();
                put_fixed(&mut fixed, number, size);
                assert_eq!(from_be(&fixed, 38), Some(number), "{size}");
            }
        }
        assert_eq!(from_be(&[], 38), None);
        assert_eq!(from_be(&[0x7F; 17], 38), None, "more than an i128");
        assert_eq!(from_be(&[0x03, 0xE8], 3), None, "1000 has four digits");
    }

    #[test]
    fn text_is_plain_notation() {
        assert_eq!(to_text(-5, 2), "-0.05");
        assert_eq!(to_text(7, 0), "7");
        assert_eq!(from_text("-0.05", 9, 2), Some(-5));
        assert_eq!(from_text("3", 9, 2), Some(300));
        assert_eq!(from_text("3.1", 9, 2), Some(310));
        for bad in [
            "", "-", ".5", "1.", "1.234", "1e3", "+1", "12345678", "--1", "1.2.3",
        ] {
            assert_eq!(from_text(bad, 9, 2), None, "{bad:?}");
        }
    }
}
