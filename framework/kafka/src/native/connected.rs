//! Clients that are given tokens, whether they are polled or not (`rd_kafka_oauthbearer_set_token`).

use std::ffi::{CStr, CString, c_char};
use std::ops::Deref;
use std::time::{Duration, SystemTime};

use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::bindings as c;
use rdkafka::client::ClientContext;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::producer::{
    BaseProducer, FutureProducer, Producer, ProducerContext, ThreadedProducer,
};
use rdkafka::types::RDKafka;
use rdkafka::util::AsyncRuntime;

use crate::tokens::{Hand, Lease, Token};

/// How much librdkafka has to say at most.
const WORDS: usize = 512;

/// A client of Kafka, which is given tokens where the brokers want some.
///
/// There is no way to a `&mut T`: what is given tokens must stay where it is.
pub struct Connected<T> {
    /// Declared first, so that it is dropped before the client is.
    _lease: Option<Lease>,
    client: T,
}

impl<T> Connected<T> {
    /// # Errors
    /// When librdkafka refuses the settings.
    pub(crate) fn new<C>(
        client: &ClientConfig,
        context: C,
        lease: impl FnOnce(Hand) -> Option<Lease>,
    ) -> Result<Self, KafkaError>
    where
        C: ClientContext,
        T: FromClientConfigAndContext<C> + Connectable,
    {
        let client: T = client.create_with_context(context)?;
        let address = Address(client.address());
        // SAFETY: the lease, with which this function is given away, is dropped before the client, which nobody can take out of
        // here.
        let lease = lease(Box::new(move |token| unsafe { address.give(token) }));
        Ok(Connected {
            _lease: lease,
            client,
        })
    }
}

impl<T> Deref for Connected<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.client
    }
}

impl<C: ConsumerContext> Connected<BaseConsumer<C>> {
    /// As [`BaseConsumer::set_nonempty_callback`].
    pub fn set_nonempty_callback(&mut self, call: impl Fn() + Send + Sync + 'static) {
        self.client.set_nonempty_callback(call);
    }
}

/// A client of rust-rdkafka that [`Config::connect`](crate::Config::connect) can open.
pub trait Connectable: Located {}

impl<T: Located> Connectable for T {}

/// Where librdkafka has a client, for as long as it lives. Nobody else can say it of a client of theirs.
pub trait Located {
    fn address(&self) -> *mut RDKafka;
}

impl<C: ConsumerContext> Located for BaseConsumer<C> {
    fn address(&self) -> *mut RDKafka {
        self.client().native_ptr()
    }
}

impl<C: ProducerContext> Located for BaseProducer<C> {
    fn address(&self) -> *mut RDKafka {
        self.client().native_ptr()
    }
}

impl<C: ProducerContext + 'static> Located for ThreadedProducer<C> {
    fn address(&self) -> *mut RDKafka {
        self.client().native_ptr()
    }
}

impl<C, R> Located for StreamConsumer<C, R>
where
    C: ConsumerContext + 'static,
{
    fn address(&self) -> *mut RDKafka {
        self.client().native_ptr()
    }
}

impl<C, R> Located for FutureProducer<C, R>
where
    C: ClientContext + 'static,
    R: AsyncRuntime,
{
    fn address(&self) -> *mut RDKafka {
        self.client().native_ptr()
    }
}

impl<C: ClientContext> Located for AdminClient<C> {
    fn address(&self) -> *mut RDKafka {
        self.inner().native_ptr()
    }
}

struct Address(*mut RDKafka);

// SAFETY: a token may be set from any thread.
unsafe impl Send for Address {}

impl Address {
    /// Has the client log in with this token from now on.
    ///
    /// # Errors
    /// Why it does not take it.
    ///
    /// # Safety
    /// The client must be alive.
    unsafe fn give(&self, token: &Token) -> Result<(), String> {
        let nul = |_| "there is a zero byte in it".to_owned();
        let value = CString::new(token.value.as_str()).map_err(nul)?;
        let principal = CString::new(token.principal.as_str()).map_err(nul)?;
        let extensions = token.extensions.iter();
        let extensions: Vec<CString> = extensions
            .flat_map(|(name, value)| [name.as_str(), value.as_str()])
            .map(CString::new)
            .collect::<Result<_, _>>()
            .map_err(nul)?;
        let mut extensions: Vec<*const c_char> =
            extensions.iter().map(|text| text.as_ptr()).collect();
        let since_epoch = token.expires.duration_since(SystemTime::UNIX_EPOCH);
        let since_epoch = since_epoch.unwrap_or(Duration::ZERO).as_millis();
        let mut told = [0; WORDS];
        // SAFETY: the client is alive, as the caller promises; all texts end with a nul, and are copied.
        let code = unsafe {
            c::rd_kafka_oauthbearer_set_token(
                self.0,
                value.as_ptr(),
                i64::try_from(since_epoch).unwrap_or(i64::MAX),
                principal.as_ptr(),
                extensions.as_mut_ptr(),
                extensions.len(),
                told.as_mut_ptr(),
                told.len(),
            )
        };
        if code == c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            return Ok(());
        }
        // SAFETY: librdkafka ends what it says with a nul.
        let told = unsafe { CStr::from_ptr(told.as_ptr()) };
        Err(told.to_string_lossy().into_owned())
    }
}
