//! Arrays and maps: counts that are believed only as far as the rest of the value can bear them out.

use std::collections::BTreeMap;

use super::fault::{Fault, Problem};
use super::reader::Reader;

/// How many items that take no bytes (`null`, records without fields) one value may hold: such items are claimed
/// for nothing, so a few hostile bytes could ask for billions of them.
pub const ZERO_WIDTH_ITEMS: usize = 65_536;

/// The most that is set aside for a block's items before they have been read. A longer block is legal; its list grows
/// as the items turn out to be there.
const RESERVE_BYTES: usize = 64 * 1024;

impl Reader<'_> {
    /// An `array` whose items take `min_bytes` at least.
    ///
    /// # Errors
    /// When a block claims more than can be there, and as `read`.
    #[inline]
    pub fn array<T>(
        &mut self,
        min_bytes: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut items = Vec::new();
        self.blocks(min_bytes, |reader, count| {
            let reserve = RESERVE_BYTES / size_of::<T>().max(1);
            items.reserve(count.min(reserve));
            for _ in 0..count {
                items.push(read(reader)?);
            }
            Ok(())
        })?;
        Ok(items)
    }

    /// A `map`; of a key that stands there twice, the last one counts.
    ///
    /// # Errors
    /// As [`array`](Self::array).
    #[inline]
    pub fn map<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<BTreeMap<String, T>, Fault> {
        let mut entries = BTreeMap::new();
        self.blocks(1, |reader, count| {
            for _ in 0..count {
                let key = reader.string()?;
                entries.insert(key, read(reader)?);
            }
            Ok(())
        })?;
        Ok(entries)
    }

    /// Walks the blocks of an array or map; `items` reads as many as it is told.
    #[inline]
    pub(crate) fn blocks(
        &mut self,
        min_bytes: usize,
        mut items: impl FnMut(&mut Self, usize) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        loop {
            let said = self.long()?;
            if said == 0 {
                return Ok(());
            }
            if said > 0 {
                let count = self.credible(said, min_bytes)?;
                items(self, count)?;
                continue;
            }
            // A negative count is followed by the block's size in bytes, for readers that skip it.
            let size = self.long()?;
            let size = match usize::try_from(size) {
                Ok(size) if size <= self.left() => size,
                _ => {
                    return Err(self.fault(Problem::Length {
                        length: size,
                        left: self.left(),
                    }));
                }
            };
            let start = self.at();
            let count = self.credible(said.checked_neg().unwrap_or(i64::MAX), min_bytes)?;
            items(self, count)?;
            let took = self.at() - start;
            if took != size {
                return Err(self.fault(Problem::BlockSize { said: size, took }));
            }
        }
    }

    /// The count of a block, if what is left of the value can hold as many items.
    #[inline]
    fn credible(&mut self, count: i64, min_bytes: usize) -> Result<usize, Fault> {
        let left = self.left();
        let claim = usize::try_from(count).unwrap_or(usize::MAX);
        if min_bytes == 0 {
            if claim > self.zero_width_left {
                return Err(self.fault(Problem::ZeroWidthItems {
                    limit: ZERO_WIDTH_ITEMS,
                }));
            }
            self.zero_width_left -= claim;
        } else if claim > left / min_bytes {
            return Err(self.fault(Problem::Count {
                count,
                min_bytes,
                left,
            }));
        }
        Ok(claim)
    }
}
