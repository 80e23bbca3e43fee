//! Events with a text encoding, as a generator would write them: `Name|field|field`.

/// One event type: `event! { Held in "holds", order: String { order: String, amount: i64 } }`, the key field named
/// first. The key field is the saga too, unless `without saga` is said.
#[macro_export]
macro_rules! event {
    ($name:ident in $topic:literal, $key:ident: $key_type:ty $(, without $saga:ident)? { $($field:ident: $type:ty),* $(,)? }) => {
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) struct $name {
            $(pub(crate) $field: $type,)*
        }

        impl kolo_core::Event for $name {
            type Key = $key_type;

            const TYPE: &'static kolo_core::EventType = &kolo_core::EventType {
                name: concat!("test.", stringify!($name)),
                topic: $topic,
                key_field: stringify!($key),
                saga_field: $crate::event!(@saga_field $key $($saga)?),
                public: true,
                mark: kolo_core::Mark::Step,
                key_type: <$key_type as kolo_core::Key>::NAME,
                schema: "",
            };

            fn key(&self) -> &$key_type {
                &self.$key
            }

            fn saga(&self) -> Option<std::borrow::Cow<'_, str>> {
                Self::TYPE.saga_field.map(|_| std::borrow::Cow::Owned(kolo_core::Key::text(&self.$key)))
            }

            fn encode(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(stringify!($name).as_bytes());
                $(out.extend_from_slice(format!("|{}", self.$field).as_bytes());)*
            }

            fn decode(value: &[u8]) -> Result<Self, kolo_core::DecodeError> {
                let malformed = |problem: &str| kolo_core::DecodeError::Malformed {
                    event: Self::TYPE.name,
                    at: 0,
                    problem: problem.to_owned(),
                };
                let text = std::str::from_utf8(value).map_err(|_| malformed("not text"))?;
                let mut fields = text.split('|');
                if fields.next() != Some(stringify!($name)) {
                    return Err(malformed(concat!("not a ", stringify!($name))));
                }
                Ok($name {
                    $($field: fields
                        .next()
                        .and_then(|field| field.parse().ok())
                        .ok_or_else(|| malformed(concat!("no ", stringify!($field))))?,)*
                })
            }
        }

        kolo_core::emits!($name);
    };
    (@saga_field $key:ident) => { Some(stringify!($key)) };
    (@saga_field $key:ident saga) => { None };
}

/// The events of one stream: `stream! { HoldEvent in "holds", String { Held, Freed } }`.
#[macro_export]
macro_rules! stream {
    ($name:ident in $topic:literal, $key:ty { $($event:ident),* $(,)? }) => {
        #[derive(Debug, Clone, PartialEq)]
        pub(crate) enum $name {
            $($event($event),)*
        }

        impl kolo_core::OwnEvents for $name {
            type Key = $key;

            const STREAM: &'static str = $topic;

            const TYPES: &'static [&'static kolo_core::EventType] = &[$(<$event as kolo_core::Event>::TYPE),*];

            fn event_type(&self) -> &'static kolo_core::EventType {
                match self {
                    $($name::$event(_) => <$event as kolo_core::Event>::TYPE,)*
                }
            }

            fn key(&self) -> &$key {
                match self {
                    $($name::$event(event) => kolo_core::Event::key(event),)*
                }
            }

            fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    $($name::$event(event) => kolo_core::Event::encode(event, out),)*
                }
            }

            fn decode(name: &str, value: &[u8]) -> Option<Result<Self, kolo_core::DecodeError>> {
                $(if name == <$event as kolo_core::Event>::TYPE.name {
                    return Some(<$event as kolo_core::Event>::decode(value).map($name::$event));
                })*
                None
            }
        }

        $(
            impl From<$event> for $name {
                fn from(event: $event) -> Self {
                    $name::$event(event)
                }
            }
            impl kolo_core::Owns<$event> for $name {
                fn get(&self) -> Option<&$event> {
                    #[allow(irrefutable_let_patterns, reason = "a stream of one event type")]
                    if let $name::$event(event) = self { Some(event) } else { None }
                }
            }
        )*
    };
}
