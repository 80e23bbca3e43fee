//! Reads a value's body, trusting nothing that it says about lengths.

use uuid::Uuid;

use super::blocks::ZERO_WIDTH_ITEMS;
use super::fault::{Fault, Problem};

/// A position in a framed value. Every read either moves it forward or is a [`Fault`].
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    value: &'a [u8],
    at: usize,
    pub(super) zero_width_left: usize,
}

impl<'a> Reader<'a> {
    /// Reads `value` from the offset `start`, which is where the body begins behind its frame.
    #[must_use]
    pub fn new(value: &'a [u8], start: usize) -> Self {
        Self {
            value,
            at: start.min(value.len()),
            zero_width_left: ZERO_WIDTH_ITEMS,
        }
    }

    /// Offset in the value.
    #[must_use]
    pub fn at(&self) -> usize {
        self.at
    }

    /// Bytes that have not been read.
    #[must_use]
    #[inline]
    pub fn left(&self) -> usize {
        self.value.len() - self.at
    }

    /// Insists that nothing is left.
    ///
    /// # Errors
    /// When bytes follow.
    #[inline]
    pub fn finish(&self) -> Result<(), Fault> {
        match self.left() {
            0 => Ok(()),
            extra => Err(self.fault(Problem::Trailing { extra })),
        }
    }

    #[cold]
    pub(crate) fn fault(&self, problem: Problem) -> Fault {
        Fault::new(self.at, problem)
    }

    /// The next `count` bytes.
    ///
    /// # Errors
    /// When fewer are left.
    #[inline]
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let rest = self.value.get(self.at..).unwrap_or_default();
        match rest.get(..count) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => Err(self.fault(Problem::Truncated {
                missing: count - rest.len(),
            })),
        }
    }

    #[inline]
    pub(crate) fn chunk<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        match self.value.get(self.at..).and_then(<[u8]>::first_chunk::<N>) {
            Some(chunk) => {
                self.at += N;
                Ok(*chunk)
            }
            None => Err(self.fault(Problem::Truncated {
                missing: N - self.left(),
            })),
        }
    }

    /// A `long`.
    ///
    /// # Errors
    /// When the value ends, or more than 64 bits are there.
    #[inline]
    pub fn long(&mut self) -> Result<i64, Fault> {
        // Most integers are one byte: lengths, indexes, small counts.
        if let Some(&byte) = self.value.get(self.at)
            && byte < 0x80
        {
            self.at += 1;
            return Ok(unzigzag(u64::from(byte)));
        }
        self.long_of_several_bytes()
    }

    fn long_of_several_bytes(&mut self) -> Result<i64, Fault> {
        let mut bits = 0u64;
        for index in 0..10u32 {
            let Some(&byte) = self.value.get(self.at + index as usize) else {
                self.at = self.value.len();
                return Err(self.fault(Problem::Truncated { missing: 1 }));
            };
            // Nine bytes hold 63 bits; the tenth may add one.
            if index == 9 && byte > 1 {
                return Err(self.fault(Problem::IntegerOverflow { bits: 64 }));
            }
            bits |= u64::from(byte & 0x7F) << (7 * index);
            if byte < 0x80 {
                self.at += index as usize + 1;
                return Ok(unzigzag(bits));
            }
        }
        Err(self.fault(Problem::IntegerOverflow { bits: 64 }))
    }

    /// An `int`.
    ///
    /// # Errors
    /// When the value ends, or the number does not fit in 32 bits.
    #[inline]
    pub fn int(&mut self) -> Result<i32, Fault> {
        let long = self.long()?;
        i32::try_from(long).map_err(|_| self.fault(Problem::IntegerOverflow { bits: 32 }))
    }

    /// A `boolean`.
    ///
    /// # Errors
    /// When the value ends, or the byte is neither 0 nor 1.
    #[inline]
    pub fn boolean(&mut self) -> Result<bool, Fault> {
        match self.chunk::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(self.fault(Problem::Boolean(other))),
        }
    }

    /// A `float`.
    ///
    /// # Errors
    /// When the value ends.
    #[inline]
    pub fn float(&mut self) -> Result<f32, Fault> {
        self.chunk().map(f32::from_le_bytes)
    }

    /// A `double`.
    ///
    /// # Errors
    /// When the value ends.
    #[inline]
    pub fn double(&mut self) -> Result<f64, Fault> {
        self.chunk().map(f64::from_le_bytes)
    }

    /// The content of `bytes` or of a `string`, in place.
    ///
    /// # Errors
    /// When the length is negative or more than what is left.
    #[inline]
    pub fn slice(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.long()?;
        match usize::try_from(length) {
            Ok(count) if count <= self.left() => self.take(count),
            _ => Err(self.fault(Problem::Length {
                length,
                left: self.left(),
            })),
        }
    }

    /// `bytes`.
    ///
    /// # Errors
    /// As [`slice`](Self::slice).
    #[inline]
    pub fn bytes(&mut self) -> Result<Vec<u8>, Fault> {
        self.slice().map(<[u8]>::to_vec)
    }

    /// A `string`, in place.
    ///
    /// # Errors
    /// As [`slice`](Self::slice), and when it is not UTF-8.
    #[inline]
    pub fn str(&mut self) -> Result<&'a str, Fault> {
        let bytes = self.slice()?;
        std::str::from_utf8(bytes).map_err(|_| self.fault(Problem::Utf8))
    }

    /// A `string`.
    ///
    /// # Errors
    /// As [`str`](Self::str).
    #[inline]
    pub fn string(&mut self) -> Result<String, Fault> {
        self.str().map(str::to_owned)
    }

    /// A `string` of the logical type `uuid`, in either case of letters.
    ///
    /// # Errors
    /// As [`slice`](Self::slice), and when it is not 36 characters with hyphens.
    #[inline]
    pub fn uuid(&mut self) -> Result<Uuid, Fault> {
        let text = self.slice()?;
        match Uuid::try_parse_ascii(text) {
            Ok(uuid) if text.len() == 36 => Ok(uuid),
            _ => Err(self.not_a_uuid(text)),
        }
    }

    #[cold]
    fn not_a_uuid(&self, text: &[u8]) -> Fault {
        let shown = &text[..text.len().min(48)];
        self.fault(Problem::Uuid {
            text: String::from_utf8_lossy(shown).into_owned(),
        })
    }

    /// A `fixed` of `N` bytes.
    ///
    /// # Errors
    /// When the value ends.
    #[inline]
    pub fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.chunk()
    }

    /// The index of an enum's symbol or a union's branch, below `count`.
    ///
    /// # Errors
    /// When the value ends, or there is no such symbol or branch.
    #[inline]
    pub fn index(&mut self, count: usize) -> Result<usize, Fault> {
        let index = self.long()?;
        match usize::try_from(index) {
            Ok(known) if known < count => Ok(known),
            _ => Err(self.fault(Problem::Index { index, count })),
        }
    }

    /// A union of `null` and one other type, `null` being the branch `null`.
    ///
    /// # Errors
    /// As [`index`](Self::index) and `read`.
    #[inline]
    pub fn nullable<T>(
        &mut self,
        null: usize,
        read: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        if self.index(2)? == null {
            Ok(None)
        } else {
            read(self).map(Some)
        }
    }
}

#[inline]
fn unzigzag(bits: u64) -> i64 {
    (bits >> 1).cast_signed() ^ -(bits & 1).cast_signed()
}
