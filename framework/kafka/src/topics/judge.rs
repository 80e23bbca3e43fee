//! Verifies what is there.

use kolo_core::Service;

use super::{Role, TopicAdmin, TopicError, Topics, roles};

impl TopicAdmin<'_> {
    /// All that is wrong with those of a service's topics that are there.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub(crate) async fn judge(
        &self,
        service: &Service,
        topics: &Topics,
    ) -> Result<Vec<TopicError>, TopicError> {
        let mut problems = Vec::new();
        for participant in service.aggregates() {
            let description = participant.description();
            let roles = roles(service, &description);
            let aggregate = format!("{}.{}", service.name(), description.aggregate);
            let stream = description.stream;
            problems.extend(check_counts(&aggregate, stream, &roles, topics));
            let is_own = |(name, role): &(String, Role)| *role == Role::Input && name == stream;
            if roles.iter().any(is_own) {
                problems.push(TopicError::OwnStream {
                    aggregate,
                    topic: stream.to_owned(),
                });
            }
            if topics.contains_key(stream) {
                problems.extend(self.check_settings(stream).await?);
            }
        }
        Ok(problems)
    }

    async fn check_settings(&self, stream: &str) -> Result<Vec<TopicError>, TopicError> {
        let settings = self.settings(stream).await?;
        let value = |name: &str| settings.get(name).map_or("", String::as_str);
        let problem = |setting: &'static str, harm, wanted| TopicError::Setting {
            topic: stream.to_owned(),
            setting,
            value: value(setting).to_owned(),
            harm,
            wanted,
        };
        let mut problems = Vec::new();
        if value("cleanup.policy").contains("compact") {
            let harm = "deletes events of the state";
            problems.push(problem("cleanup.policy", harm, "delete"));
        }
        if value("message.timestamp.type") == "LogAppendTime" {
            let harm = "changes the time that the state was folded with";
            problems.push(problem("message.timestamp.type", harm, "CreateTime"));
        }
        let deletes = value("cleanup.policy").contains("delete");
        if deletes && !matches!(value("retention.ms"), "" | "-1") {
            let harm = "will delete events of the state";
            problems.push(problem("retention.ms", harm, "-1"));
        }
        Ok(problems)
    }
}

/// Of those that are there.
fn check_counts(
    aggregate: &str,
    stream: &str,
    roles: &[(String, Role)],
    topics: &Topics,
) -> Vec<TopicError> {
    let Some(expected) = topics.get(stream).map(|topic| topic.partitions) else {
        return Vec::new();
    };
    let together = roles.iter().filter(|(_, role)| *role != Role::RouteSource);
    let found = together.filter_map(|(name, _)| Some((name, topics.get(name)?.partitions)));
    let other = found.filter(|(_, found)| *found != expected);
    let problems = other.map(|(topic, found)| TopicError::Partitions {
        aggregate: aggregate.to_owned(),
        topic: topic.clone(),
        found,
        stream: stream.to_owned(),
        expected,
    });
    problems.collect()
}

#[cfg(test)]
mod tests {
    use kolo_core::TopicId;

    use super::super::Topic;
    use super::*;

    #[test]
    fn a_difference_in_partition_counts_is_refused_with_both_counts() {
        let topic = |partitions| Topic {
            id: TopicId(uuid::Uuid::nil()),
            partitions,
        };
        let topics = Topics::from([
            ("stock".into(), topic(6)),
            ("orders".into(), topic(3)),
            ("far".into(), topic(9)),
        ]);
        let role = |name: &str, role| (name.to_owned(), role);
        let fits = [role("stock", Role::Stream), role("far", Role::RouteSource)];
        assert!(check_counts("shop.stock", "stock", &fits, &topics).is_empty());
        let roles = [role("stock", Role::Stream), role("orders", Role::Input)];
        let problems = check_counts("shop.stock", "stock", &roles, &topics);
        assert_eq!(problems.len(), 1, "{problems:?}");
        let error = problems[0].to_string();
        assert!(
            error.contains("`orders` with 3") && error.contains("`stock` with 6"),
            "{error}"
        );
    }
}
