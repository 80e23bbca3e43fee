//! An order service in a process of its own, and whatever its clients and its neighbours do.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kolo::{Event, EventId, Key, intake};
use kolo_broker::Broker;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use shop_schemas::order::OrderId;
use shop_schemas::payment::{AuthorizationId, PaymentAuthorized};

use crate::contract;

/// Within this time everything comes that is waited for.
pub(crate) const AT_MOST: Duration = Duration::from_secs(60);

/// A broker that creates no topic by itself.
pub(crate) async fn broker() -> Broker {
    let builder = Broker::builder().auto_create_topics(false);
    builder.start().await.expect("a broker")
}

/// The order service as a process.
pub(crate) struct Order {
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    reader: Option<JoinHandle<()>>,
    url: String,
    bootstrap: String,
    client: reqwest::Client,
    _state: tempfile::TempDir,
}

impl Drop for Order {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The binary, with nothing of this process's environment that means anything to it.
pub(crate) fn command(bootstrap: &str, state: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_order"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KOLO_")) {
        command.env_remove(name);
    }
    command
        .env("KOLO_BOOTSTRAP", bootstrap)
        .env("KOLO_PARTITIONS", "2")
        .env("KOLO_SESSION_TIMEOUT_MS", "2000")
        .env("KOLO_CHECK_INTERVAL_MS", "500")
        .env("KOLO_STATE_DIR", state)
        .env("ORDER_HTTP", "127.0.0.1:0")
        .stderr(Stdio::piped())
        .stdout(Stdio::null());
    command
}

impl Order {
    /// Starts one, and waits until it says where it listens.
    pub(crate) async fn start(broker: &Broker) -> Order {
        Order::start_with(broker, &[]).await
    }

    /// The same, with settings of its own.
    pub(crate) async fn start_with(broker: &Broker, settings: &[(&str, &str)]) -> Order {
        let state = tempfile::tempdir().unwrap();
        let mut command = command(&broker.bootstrap(), state.path());
        let mut child = command.envs(settings.iter().copied()).spawn().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (lines, stderr) = (Arc::clone(&log), child.stderr.take().unwrap());
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                lines.lock().unwrap().push(line);
            }
        });
        let mut order = Order {
            child,
            log,
            reader: Some(reader),
            url: String::new(),
            bootstrap: broker.bootstrap(),
            client: reqwest::Client::new(),
            _state: state,
        };
        order.url = eventually("it listens", async || {
            let line = order.log_line("the HTTP API listens on ")?;
            let (_, url) = line.split_once("listens on ")?;
            url.split_once(';').map(|(url, _)| url.to_owned())
        })
        .await;
        order
    }

    /// The first line of its log with these words.
    pub(crate) fn log_line(&self, words: &str) -> Option<String> {
        let log = self.log.lock().unwrap();
        log.iter().find(|line| line.contains(words)).cloned()
    }

    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// As `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// As an operator does.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").arg(id).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it has ended; all that it said is in its log then.
    pub(crate) async fn exit(&mut self) -> ExitStatus {
        let child = &mut self.child;
        let status = eventually("it has ended", async || child.try_wait().unwrap()).await;
        self.reader.take().unwrap().join().unwrap();
        status
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// Places an order, again under its key where it is not known in time whether it was accepted: a machine may be slow.
    pub(crate) async fn place(&self, key: &str, body: &Value) -> Answer {
        eventually("it is known whether it was accepted", async || {
            let answer = self.place_at("/orders", key, body).await;
            (!answer.is_unacknowledged()).then_some(answer)
        })
        .await
    }

    pub(crate) async fn place_at(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).json(body);
        Answer::to(request.header("Idempotency-Key", key)).await
    }

    pub(crate) async fn cancel(&self, order_id: &str, query: &str) -> Answer {
        let path = format!("/orders/{order_id}/cancel{query}");
        Answer::to(self.request(Method::POST, &path)).await
    }

    /// Waits until this is so of what is answered about an order.
    pub(crate) async fn until(&self, order_id: &str, is_so: impl Fn(&Answer) -> bool) -> Answer {
        eventually("the order is as it is waited for", async || {
            let answer = self.get(&format!("/orders/{order_id}")).await;
            is_so(&answer).then_some(answer)
        })
        .await
    }

    /// What the payment service says once an order is paid.
    pub(crate) fn pay(&self, order_id: &str) {
        let order_id: OrderId = order_id.parse().unwrap();
        let paid = PaymentAuthorized {
            order_id,
            amount_cents: 900,
            currency: "EUR".into(),
            authorization_id: AuthorizationId("a-1".into()),
        };
        let id = EventId::foreign(&format!("paid {order_id}")).to_string();
        let mut value = Vec::new();
        paid.encode(&mut value);
        let kind = PaymentAuthorized::TYPE;
        let config = kolo::Config::new(&self.bootstrap);
        let producer: ThreadedProducer<DefaultProducerContext> =
            intake::client(&config, AT_MOST).create().unwrap();
        let key = paid.key().text();
        let record = BaseRecord::to(kind.topic)
            .key(&key)
            .payload(&value)
            .headers(intake::headers(&id, "/payment", kind.name, None));
        producer.send(record).map_err(|(error, _)| error).unwrap();
        producer.flush(AT_MOST).unwrap();
    }

    /// How the values of this type begin in a topic.
    pub(crate) fn frames(&self, topic: &str, short_name: &str) -> Vec<u8> {
        let all = records(&self.bootstrap, topic).into_iter();
        all.filter(|record| record.kind.ends_with(short_name))
            .map(|record| record.first_byte.unwrap())
            .collect()
    }

    /// How many records of this type a topic holds, and under how many ids.
    pub(crate) fn count(&self, topic: &str, short_name: &str) -> (usize, usize) {
        let all = records(&self.bootstrap, topic);
        let of_type = all
            .iter()
            .filter(|record| record.kind.ends_with(short_name));
        let mut ids: Vec<&str> = of_type.map(|record| &*record.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        (count, ids.len())
    }
}

/// What is looked at of a record.
struct Record {
    kind: String,
    id: String,
    first_byte: Option<u8>,
}

/// All that a topic holds now.
fn records(bootstrap: &str, topic: &str) -> Vec<Record> {
    let config = kolo::Config::new(bootstrap);
    let mut client = config.client();
    let reader: BaseConsumer = client.set("group.id", "looks-only").create().unwrap();
    let metadata = reader.fetch_metadata(Some(topic), AT_MOST).unwrap();
    let mut list = TopicPartitionList::new();
    let mut left = 0;
    for partition in metadata.topics()[0].partitions() {
        let (low, high) = reader
            .fetch_watermarks(topic, partition.id(), AT_MOST)
            .unwrap();
        left += high - low;
        list.add_partition_offset(topic, partition.id(), Offset::Beginning)
            .unwrap();
    }
    reader.assign(&list).unwrap();
    (0..left)
        .map(|_| {
            let message = reader.poll(AT_MOST).expect("more records").unwrap();
            let header = |name: &str| {
                let mut all = message.headers().into_iter().flat_map(|all| all.iter());
                let value = all
                    .find(|header| header.key == name)
                    .and_then(|header| header.value);
                String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
            };
            Record {
                kind: header("ce_type"),
                id: header("ce_id"),
                first_byte: message.payload().and_then(|value| value.first().copied()),
            }
        })
        .collect()
}

/// What was answered. Whatever it is, it is as the description says.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<u64>,
    pub(crate) location: Option<String>,
    pub(crate) allow: Option<String>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn to(request: RequestBuilder) -> Answer {
        let request = request.timeout(AT_MOST);
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let response = client.execute(request).await.expect("an answer");
        let header = |name: &str| {
            let value = response.headers().get(name);
            value.map(|value| value.to_str().unwrap().to_owned())
        };
        let media_type = header("content-type").expect("a media type");
        let answer = Answer {
            status: response.status().as_u16(),
            retry_after: header("retry-after").map(|text| text.parse().unwrap()),
            location: header("location"),
            allow: header("allow"),
            body: response.json().await.expect("JSON"),
        };
        contract::holds(method.as_str(), &path, &answer, &media_type);
        answer
    }

    pub(crate) fn order_id(&self) -> &str {
        self.body["order_id"]
            .as_str()
            .unwrap_or_else(|| panic!("an order id in {self:?}"))
    }

    /// How the order has come along.
    pub(crate) fn is(&self) -> &str {
        self.body["status"]
            .as_str()
            .unwrap_or_else(|| panic!("a status in {self:?}"))
    }

    /// Whether it is not known if the request was accepted.
    pub(crate) fn is_unacknowledged(&self) -> bool {
        self.status == 503 && self.problem() == "not-acknowledged"
    }

    /// Which problem it is, without the words that all have in common.
    pub(crate) fn problem(&self) -> &str {
        let kind = self.body["type"]
            .as_str()
            .unwrap_or_else(|| panic!("a problem in {self:?}"));
        kind.strip_prefix("urn:shop:problem:").unwrap_or(kind)
    }
}

/// An order of two cups.
pub(crate) fn cups() -> Value {
    json!({
        "customer_id": "c-1",
        "currency": "EUR",
        "lines": [{"sku": "cup", "quantity": 2, "unit_price_cents": 450}],
    })
}

/// Waits until something is there; fails the test with `what` when that takes too long.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + AT_MOST;
    loop {
        if let Some(there) = look().await {
            return there;
        }
        assert!(Instant::now() < until, "waited for a minute until {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
