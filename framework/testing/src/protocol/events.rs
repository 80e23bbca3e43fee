//! Events with a text encoding, as a generator would write them: the key, then numbers.

/// Events of one topic; and their enum, unless they come from outside.
macro_rules! events {
    ($stream:ident in $topic:expr; $($(#[$doc:meta])* $name:ident { $($field:ident),* })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq)]
            pub(super) struct $name {
                pub(super) key: String,
                $(pub(super) $field: u64,)*
            }

            impl Event for $name {
                type Key = String;
                const TYPE: &'static EventType = &EventType {
                    name: concat!("sim.", stringify!($name)),
                    topic: $topic,
                    key_field: "key",
                    saga_field: Some("key"),
                    public: true,
                    mark: kolo_core::Mark::Step,
                    key_type: "String",
                    schema: "",
                };
                fn key(&self) -> &String {
                    &self.key
                }
                fn saga(&self) -> Option<Cow<'_, str>> {
                    Some(Cow::Borrowed(&self.key))
                }
                fn encode(&self, out: &mut Vec<u8>) {
                    out.extend_from_slice(self.key.as_bytes());
                    $(out.extend_from_slice(format!(" {}", self.$field).as_bytes());)*
                }
                fn decode(value: &[u8]) -> Result<Self, DecodeError> {
                    let text = std::str::from_utf8(value).unwrap_or_default();
                    let mut fields = text.split(' ');
                    let key = fields.next().unwrap_or_default().to_owned();
                    let malformed = || DecodeError::Malformed { event: Self::TYPE.name, at: 0, problem: text.to_owned() };
                    $(let $field = fields.next().and_then(|field| field.parse().ok()).ok_or_else(malformed)?;)*
                    Ok($name { key, $($field),* })
                }
            }
            kolo_core::emits!($name);
        )+
        events! { @stream $stream in $topic; $($name)+ }
    };
    (@stream Outside in $topic:expr; $($name:ident)+) => {};
    (@stream $stream:ident in $topic:expr; $($name:ident)+) => {
        #[derive(Debug, Clone, PartialEq)]
        pub(super) enum $stream {
            $($name($name),)+
        }
        impl OwnEvents for $stream {
            type Key = String;
            const STREAM: &'static str = $topic;
            const TYPES: &'static [&'static EventType] = &[$($name::TYPE),+];
            fn event_type(&self) -> &'static EventType {
                match self {
                    $($stream::$name(_) => $name::TYPE,)+
                }
            }
            fn key(&self) -> &String {
                match self {
                    $($stream::$name(event) => &event.key,)+
                }
            }
            fn encode(&self, out: &mut Vec<u8>) {
                match self {
                    $($stream::$name(event) => event.encode(out),)+
                }
            }
            fn decode(name: &str, value: &[u8]) -> Option<Result<Self, DecodeError>> {
                $(if name == $name::TYPE.name {
                    return Some($name::decode(value).map($stream::$name));
                })+
                None
            }
        }
        $(
            impl From<$name> for $stream {
                fn from(event: $name) -> Self {
                    $stream::$name(event)
                }
            }
            impl Owns<$name> for $stream {
                fn get(&self) -> Option<&$name> {
                    match self {
                        $stream::$name(event) => Some(event),
                        _ => None,
                    }
                }
            }
        )+
    };
}

pub(super) use events;
