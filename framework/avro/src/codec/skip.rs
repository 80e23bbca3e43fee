//! Steps over fields that a newer schema no longer has.

use super::fault::Fault;
use super::reader::Reader;

impl Reader<'_> {
    /// Steps over `count` bytes: a fixed, a float, a boolean.
    ///
    /// # Errors
    /// When fewer are left.
    #[inline]
    pub fn skip(&mut self, count: usize) -> Result<(), Fault> {
        self.take(count).map(drop)
    }

    /// Steps over an int, a long or an enum.
    ///
    /// # Errors
    /// As [`long`](Self::long).
    #[inline]
    pub fn skip_long(&mut self) -> Result<(), Fault> {
        self.long().map(drop)
    }

    /// Steps over bytes or a string.
    ///
    /// # Errors
    /// As [`slice`](Self::slice).
    #[inline]
    pub fn skip_slice(&mut self) -> Result<(), Fault> {
        self.slice().map(drop)
    }

    /// Steps over a union of `null` and one other type.
    ///
    /// # Errors
    /// As [`nullable`](Self::nullable).
    pub fn skip_nullable(
        &mut self,
        null: usize,
        skip: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.nullable(null, skip).map(drop)
    }

    /// Steps over an array.
    ///
    /// # Errors
    /// As [`array`](Self::array).
    pub fn skip_array(
        &mut self,
        min_bytes: usize,
        mut skip: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.blocks(min_bytes, |reader, count| {
            (0..count).try_for_each(|_| skip(reader))
        })
    }

    /// Steps over a map.
    ///
    /// # Errors
    /// As [`map`](Self::map).
    pub fn skip_map(
        &mut self,
        mut skip: impl FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.blocks(1, |reader, count| {
            (0..count).try_for_each(|_| {
                reader.skip_slice()?;
                skip(reader)
            })
        })
    }
}
