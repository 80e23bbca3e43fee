//! Members that do anything at any time, and what must hold whatever they do.

use proptest::prelude::*;

use super::*;

/// Half of the clients are dynamic members, the others restart under an instance id.
const CLIENTS: usize = 6;
const INSTANCES: [Option<&str>; CLIENTS] = [None, None, None, Some("x"), Some("y"), Some("z")];

#[derive(Debug, Clone)]
enum Step {
    /// Joins with what it knows of itself, in this version and with these words.
    Join(usize, i16, u8),
    Sync(usize),
    Heartbeat(usize),
    Commit(usize, i64),
    Leave(usize),
    /// Forgets who it was, and what it waits for.
    Crash(usize),
    Expire(usize),
    Pass(u64),
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let client = 0..CLIENTS;
    prop_oneof![
        10 => (client.clone(), prop_oneof![Just(3_i16), Just(8), Just(9)], 0..3_u8).prop_map(|(c, v, w)| Step::Join(c, v, w)),
        8 => client.clone().prop_map(Step::Sync),
        3 => client.clone().prop_map(Step::Heartbeat),
        2 => (client.clone(), 0..1000_i64).prop_map(|(c, o)| Step::Commit(c, o)),
        1 => client.clone().prop_map(Step::Leave),
        1 => client.clone().prop_map(Step::Crash),
        1 => client.prop_map(Step::Expire),
        3 => prop_oneof![1..3_000_u64, 1..70_000_u64].prop_map(Step::Pass),
        1 => Just(Step::Restart),
    ]
}

#[derive(Default, Clone)]
struct Client {
    member: String,
    generation: i32,
    /// Whom to assign to, if it leads.
    members: Vec<String>,
    waiting: Option<Token>,
}

struct World {
    bench: Bench,
    clients: Vec<Client>,
    /// Who was told to assign, in each generation.
    leaders: BTreeMap<i32, String>,
    /// Whose assignment was handed out, in each generation.
    assigned: BTreeMap<i32, Bytes>,
    /// Of each sync that waits: its generation.
    syncs: BTreeMap<Token, i32>,
    generation: i32,
}

impl World {
    fn new(delay: u64) -> Self {
        let config = GroupConfig {
            initial_rebalance_delay: Duration::from_millis(delay),
            ..GroupConfig::default()
        };
        Self {
            bench: Bench::with(config),
            clients: vec![Client::default(); CLIENTS],
            leaders: BTreeMap::new(),
            assigned: BTreeMap::new(),
            syncs: BTreeMap::new(),
            generation: 0,
        }
    }

    fn run(&mut self, step: &Step) {
        match step {
            Step::Join(client, version, words) => self.join(*client, *version, *words),
            Step::Sync(client) => self.sync(*client),
            Step::Heartbeat(client) => {
                let Client {
                    member, generation, ..
                } = self.clients[*client].clone();
                self.bench.beat(&member, INSTANCES[*client], generation);
            }
            Step::Commit(client, offset) => {
                let Client {
                    member, generation, ..
                } = self.clients[*client].clone();
                self.bench.commit_one(
                    &member,
                    generation,
                    "t",
                    i32::try_from(client % 4).unwrap(),
                    *offset,
                );
            }
            Step::Leave(client) => {
                let member = std::mem::take(&mut self.clients[*client]).member;
                self.bench.send_away(&member, INSTANCES[*client]);
            }
            Step::Crash(client) => self.clients[*client] = Client::default(),
            Step::Expire(client) => {
                let output = self.bench.coordinator.expire_member(
                    self.bench.now,
                    GROUP,
                    &self.clients[*client].member,
                );
                self.bench.take(output);
            }
            Step::Pass(millis) => self.bench.pass(Duration::from_millis(*millis)),
            Step::Restart => self.restart(),
        }
        self.answered();
        self.check();
    }

    fn join(&mut self, client: usize, version: i16, words: u8) {
        // One who sends a request does not wait for another; but a joined one may join at any time.
        let version = if INSTANCES[client].is_some() {
            version.max(8)
        } else {
            version
        };
        let mut join = joiner().version(version).id(&self.clients[client].member);
        join.instance = INSTANCES[client];
        join.protocols = vec![
            ("range", vec![words].into()),
            ("sticky", vec![words].into()),
        ];
        let token = self.bench.join(&join);
        self.clients[client].waiting = Some(token);
    }

    fn sync(&mut self, client: usize) {
        let Client {
            member,
            generation,
            members,
            ..
        } = self.clients[client].clone();
        let assignments: Vec<(&str, &str)> = members
            .iter()
            .map(|to| (to.as_str(), member.as_str()))
            .collect();
        let mut request =
            sync_request(&member, generation).with_group_instance_id(INSTANCES[client].map(text));
        request.protocol_name = self
            .bench
            .coordinator
            .groups
            .get(GROUP)
            .and_then(|g| g.protocol.as_deref())
            .map(text);
        request.assignments = assignments
            .iter()
            .map(|(to, by)| {
                SyncGroupRequestAssignment::default()
                    .with_member_id(text(to))
                    .with_assignment(bytes(by))
            })
            .collect();
        let token = self.bench.send_sync(&request);
        self.syncs.insert(token, generation);
        self.clients[client].waiting = Some(token);
    }

    fn restart(&mut self) {
        let committed = self.bench.committed();
        self.bench.restart();
        assert_eq!(
            self.bench.committed(),
            committed,
            "a restart loses no committed offset"
        );
        // What came to no assignment is forgotten, and its generations are counted again.
        self.generation = self
            .bench
            .coordinator
            .groups
            .get(GROUP)
            .map_or(0, |group| group.generation);
        self.leaders.clear();
        self.assigned
            .retain(|generation, _| *generation <= self.generation);
        self.syncs.clear();
        for client in &mut self.clients {
            client.waiting = None;
        }
    }

    fn answered(&mut self) {
        for (token, answer) in std::mem::take(&mut self.bench.answers) {
            match answer {
                Answer::Join(response) => self.joined(token, &response),
                Answer::Sync(response) => self.synced(token, &response),
            }
        }
    }

    fn joined(&mut self, token: Token, response: &JoinGroupResponse) {
        if response.error_code == 0 {
            let generation = response.generation_id;
            assert!(
                generation >= self.generation,
                "generation {generation} after {}",
                self.generation
            );
            self.generation = generation;
            if response.leader == response.member_id && !response.skip_assignment {
                let leader = self
                    .leaders
                    .entry(generation)
                    .or_insert_with(|| response.member_id.to_string());
                assert_eq!(*leader, *response.member_id, "one leader a generation");
                assert!(
                    response
                        .members
                        .iter()
                        .any(|m| m.member_id == response.member_id)
                );
            } else if !response.skip_assignment {
                assert!(response.members.is_empty());
            }
        }
        let Some(client) = self.clients.iter_mut().find(|c| c.waiting == Some(token)) else {
            return;
        };
        client.waiting = None;
        match ResponseError::try_from_code(response.error_code) {
            None | Some(ResponseError::MemberIdRequired) => {
                client.member = response.member_id.to_string();
                client.generation = response.generation_id;
                client.members = response
                    .members
                    .iter()
                    .map(|m| m.member_id.to_string())
                    .collect();
            }
            Some(ResponseError::RebalanceInProgress) => {}
            Some(ResponseError::UnknownMemberId | ResponseError::FencedInstanceId) => {
                *client = Client::default();
            }
            Some(other) => panic!("no client here gives reason for {other}"),
        }
    }

    fn synced(&mut self, token: Token, response: &SyncGroupResponse) {
        let generation = self.syncs.remove(&token).unwrap();
        if response.error_code == 0 {
            let first = self
                .assigned
                .entry(generation)
                .or_insert_with(|| response.assignment.clone());
            assert_eq!(
                *first, response.assignment,
                "all assignments of a generation are one leader's"
            );
            assert!(
                !first.is_empty(),
                "a leader assigns to everybody it was told of"
            );
        }
        if let Some(client) = self.clients.iter_mut().find(|c| c.waiting == Some(token)) {
            client.waiting = None;
        }
    }

    fn check(&self) {
        let now = self.bench.now;
        let due = self.bench.coordinator.next_deadline();
        let Some(group) = self.bench.coordinator.groups.get(GROUP) else {
            assert!(self.bench.open.is_empty());
            assert_eq!(due, None);
            return;
        };
        assert_eq!(
            due,
            group.next_deadline(&self.bench.coordinator.config),
            "the coordinator finds the group in time"
        );
        assert!(due.is_none_or(|at| at > now));
        let waiting: Vec<Token> = group
            .members
            .values()
            .flat_map(|m| [m.joining, m.syncing])
            .flatten()
            .collect();
        assert_eq!(
            waiting.iter().collect::<BTreeSet<_>>(),
            self.bench.open.keys().collect(),
            "who was not answered waits"
        );
        assert_eq!(waiting.len(), self.bench.open.len(), "and waits once");
        for member in group.members.values() {
            assert!(
                member.session.is_none_or(|end| end > now),
                "no member outlives its session"
            );
            assert!(
                member.session.is_some() || member.waits(),
                "who does not wait has a session"
            );
        }
        let instances: Vec<&str> = group
            .members
            .values()
            .filter_map(|m| m.instance.as_deref())
            .collect();
        assert_eq!(
            instances.iter().collect::<BTreeSet<_>>().len(),
            instances.len(),
            "one member an instance"
        );
        match group.state.name() {
            "Empty" => assert!(group.members.is_empty()),
            "Stable" | "CompletingRebalance" => {
                assert!(
                    group
                        .leader
                        .as_ref()
                        .is_some_and(|id| group.members.contains_key(id)),
                    "the leader is a member"
                );
            }
            _ => {}
        }
        assert!(group.generation >= self.generation);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_members_do(
        delay in prop_oneof![3 => Just(0), 1 => Just(3000)],
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new(delay);
        for step in &steps {
            world.run(step);
        }
        // All fall silent: whoever still waits is answered, and nobody stays.
        for _ in 0..20 {
            world.run(&Step::Pass(60_000));
        }
        prop_assert!(world.bench.open.is_empty());
        prop_assert!(world.bench.coordinator.groups.get(GROUP).is_none_or(|group| group.members.is_empty()));
    }
}
