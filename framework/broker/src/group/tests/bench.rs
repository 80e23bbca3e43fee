//! What the tests do with a coordinator: one method a request, and the passing of time.

use super::*;

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(GroupConfig::default())
    }

    pub(super) fn with(config: GroupConfig) -> Self {
        Self {
            coordinator: Coordinator::new(config),
            now: Instant::now(),
            tokens: 0,
            open: BTreeMap::new(),
            answers: BTreeMap::new(),
            log: Vec::new(),
        }
    }

    pub(super) fn take(&mut self, output: Output) {
        for (token, answer) in output.answers {
            let version = self
                .open
                .remove(&token)
                .expect("an answer to a request that waits");
            match &answer {
                Answer::Join(response) => encodes(response, version),
                Answer::Sync(response) => encodes(response, version),
            }
            self.answers.insert(token, answer);
        }
        self.log.extend(output.entries);
    }

    pub(super) fn token(&mut self, version: i16) -> Token {
        self.tokens += 1;
        self.open.insert(Token(self.tokens), version);
        Token(self.tokens)
    }

    /// Lets time pass, waking the coordinator when it asks to be.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.coordinator.next_deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let output = self.coordinator.tick(self.now);
            self.take(output);
            assert!(
                self.coordinator
                    .next_deadline()
                    .is_none_or(|at| at > self.now),
                "a tick leaves nothing due"
            );
        }
        self.now = end;
    }

    pub(super) fn seconds(&mut self, seconds: u64) {
        self.pass(Duration::from_secs(seconds));
    }

    pub(super) fn join(&mut self, joiner: &Joiner) -> Token {
        let token = self.token(joiner.version);
        let output =
            self.coordinator
                .join(self.now, token, &context(joiner.version), &joiner.request());
        self.take(output);
        token
    }

    pub(super) fn joined(&mut self, token: Token) -> JoinGroupResponse {
        match self.answers.remove(&token) {
            Some(Answer::Join(response)) => response,
            other => panic!("a join's answer is due, not {other:?}"),
        }
    }

    pub(super) fn waits(&self, token: Token) -> bool {
        self.open.contains_key(&token)
    }

    /// A dynamic member's first join: it is told its id, and joins with it.
    pub(super) fn come(&mut self, joiner: Joiner) -> (String, Token) {
        let told = self.join(&joiner);
        let told = self.joined(told);
        assert_eq!(told.error_code, code(ResponseError::MemberIdRequired));
        let id = told.member_id.to_string();
        let token = self.join(&joiner.id(&id));
        (id, token)
    }

    pub(super) fn sync(
        &mut self,
        member: &str,
        generation: i32,
        assignments: &[(&str, &str)],
    ) -> Token {
        let assignments = assignments.iter().map(|(member, assignment)| {
            SyncGroupRequestAssignment::default()
                .with_member_id(text(member))
                .with_assignment(bytes(assignment))
        });
        self.send_sync(&sync_request(member, generation).with_assignments(assignments.collect()))
    }

    pub(super) fn send_sync(&mut self, request: &SyncGroupRequest) -> Token {
        let token = self.token(5);
        let output = self.coordinator.sync(self.now, token, &context(5), request);
        self.take(output);
        token
    }

    pub(super) fn synced(&mut self, token: Token) -> SyncGroupResponse {
        match self.answers.remove(&token) {
            Some(Answer::Sync(response)) => response,
            other => panic!("a sync's answer is due, not {other:?}"),
        }
    }

    pub(super) fn heartbeat(&mut self, member: &str, generation: i32) -> i16 {
        self.beat(member, None, generation)
    }

    pub(super) fn beat(&mut self, member: &str, instance: Option<&str>, generation: i32) -> i16 {
        let request = HeartbeatRequest::default()
            .with_group_id(group())
            .with_member_id(text(member))
            .with_group_instance_id(instance.map(text))
            .with_generation_id(generation);
        self.coordinator.heartbeat(self.now, &request).error_code
    }

    pub(super) fn leave(&mut self, member: &str) -> i16 {
        self.send_away(member, None)
    }

    pub(super) fn send_away(&mut self, member: &str, instance: Option<&str>) -> i16 {
        let identity = MemberIdentity::default()
            .with_member_id(text(member))
            .with_group_instance_id(instance.map(text));
        let request = LeaveGroupRequest::default()
            .with_group_id(group())
            .with_members(vec![identity]);
        let (response, output) = self.coordinator.leave(self.now, &context(5), &request);
        encodes(&response, 5);
        self.take(output);
        assert_eq!(response.error_code, 0);
        response.members[0].error_code
    }

    /// `count` dynamic members in generation `count`, each with its own id as assignment; the leader first.
    pub(super) fn stable(&mut self, count: usize) -> Vec<String> {
        let mut ids: Vec<String> = Vec::new();
        for _ in 0..count {
            let (id, token) = self.come(joiner());
            let rejoins: Vec<Token> = ids
                .iter()
                .map(|id| joiner().id(id))
                .map(|again| self.join(&again))
                .collect();
            ids.push(id);
            for token in rejoins.into_iter().chain([token]) {
                assert_eq!(self.joined(token).error_code, 0);
            }
            let generation = self.group().generation;
            let assignments: Vec<(&str, &str)> =
                ids.iter().map(|id| (id.as_str(), id.as_str())).collect();
            for id in &ids {
                let token = self.sync(id, generation, &assignments);
                assert_eq!(self.synced(token).assignment, bytes(id));
            }
        }
        ids
    }

    pub(super) fn group(&self) -> &Group {
        &self.coordinator.groups[GROUP]
    }

    pub(super) fn state(&self) -> &'static str {
        self.group().state.name()
    }

    pub(super) fn members(&self) -> BTreeSet<&str> {
        self.group().members.keys().map(String::as_str).collect()
    }

    pub(super) fn commit(&mut self, request: &OffsetCommitRequest) -> OffsetCommitResponse {
        let exists = |topic: &str, partition| topic != "missing" && partition < 4;
        let (response, output) = self
            .coordinator
            .commit(self.now, &context(9), request, exists);
        encodes(&response, 9);
        self.take(output);
        response
    }

    /// The error of one partition's commit.
    pub(super) fn commit_one(
        &mut self,
        member: &str,
        generation: i32,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> i16 {
        let response = self.commit(&commit_request(
            member, generation, topic, partition, offset,
        ));
        response.topics[0].partitions[0].error_code
    }

    /// All that the group committed.
    pub(super) fn committed(&self) -> Vec<OffsetFetchResponseTopics> {
        let asked = OffsetFetchRequestGroup::default()
            .with_group_id(group())
            .with_topics(None);
        let request = OffsetFetchRequest::default().with_groups(vec![asked]);
        let response = self.coordinator.fetch_offsets(&context(9), &request);
        encodes(&response, 9);
        response.groups[0].topics.clone()
    }

    /// The broker stops and starts: what was stored is read, what waited is gone.
    pub(super) fn restart(&mut self) {
        let config = GroupConfig {
            id_namespace: Uuid::new_v4(),
            ..self.coordinator.config.clone()
        };
        self.coordinator = Coordinator::new(config);
        self.coordinator
            .restore(self.now, self.log.clone())
            .unwrap();
        self.open.clear();
    }
}
