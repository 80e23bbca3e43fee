//! What a cold store must do.

use std::io;

/// A longer key stays in memory: few stores take one, and nobody has many.
pub(super) const MAX_KEY_BYTES: usize = 32 << 10;

/// Where an owner keeps the keys that it seldom uses: swap space of one partition, empty at first. It is no checkpoint:
/// nobody begins with what another owner left, so nothing has to be durable, and an owner that ends may delete it.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::io;
/// use std::ops::Bound;
///
/// #[derive(Default)]
/// struct InMemory(BTreeMap<String, Vec<u8>>);
///
/// impl kolo_core::processor::ColdKeys for InMemory {
///     fn put(&mut self, key: &str, bytes: &[u8]) -> io::Result<()> {
///         self.0.insert(key.into(), bytes.into());
///         Ok(())
///     }
///
///     fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>> {
///         Ok(self.0.get(key).cloned())
///     }
///
///     fn each(&self, after: Option<&str>, take: &mut dyn FnMut(&str, &[u8]) -> bool) -> io::Result<bool> {
///         let from = after.map_or(Bound::Unbounded, Bound::Excluded);
///         Ok(self.0.range::<str, _>((from, Bound::Unbounded)).all(|(key, bytes)| take(key, bytes)))
///     }
/// }
/// ```
pub trait ColdKeys: Send {
    /// Keeps the bytes of a key, which has one byte at least and 32 KiB at most, in the place of those that it had.
    ///
    /// # Errors
    /// When they are not kept, as on a full disk. The key then stays in memory, and it is tried again later.
    fn put(&mut self, key: &str, bytes: &[u8]) -> io::Result<()>;

    /// The bytes of a key, exactly as they were put the last time; `None` if they never were.
    ///
    /// # Errors
    /// When they cannot be read, or are not what was put. The processor must be dropped then
    /// ([`ProcessorError::Cold`](super::super::ProcessorError::Cold)).
    fn get(&self, key: &str) -> io::Result<Option<Vec<u8>>>;

    /// Hands out what is kept of all keys behind this one, in the order of their bytes, as long as `take` says that it wants
    /// more. True if it wanted all of them.
    ///
    /// # Errors
    /// As with [`ColdKeys::get`].
    fn each(
        &self,
        after: Option<&str>,
        take: &mut dyn FnMut(&str, &[u8]) -> bool,
    ) -> io::Result<bool>;
}
