//! Calm: no faults any more, and everything comes to rest.

use kolo_core::wire::is_own_record;

use super::owner::{Phase, Surprise};

use super::violation::{Oracle, Violation};
use super::world::World;

/// How many times all may be looked at before something new happens, or it counts as a world that never comes to rest.
const ROUNDS: usize = 1_000;

/// How many deadlines may pass, one after the other: one that is set again each time never ends.
const DEADLINES: usize = 100_000;

/// How much goes on at once in a calm world: an owner need not wait for its records.
const MANY: usize = 1_000;

impl World<'_> {
    /// Lets everything happen that still can, in turn, then what is left be published, and time pass as long as anybody
    /// waits for it.
    pub(crate) fn settle(&mut self, waits: bool) -> Result<(), Violation> {
        let (mut noted, mut rounds, mut passed) = (None, 0, 0);
        while rounds < ROUNDS && passed < DEADLINES {
            rounds += 1;
            if self.go_on()? || self.replace_the_dead() || self.find_the_replaced()? {
                continue;
            }
            if self.publish_more() || waits && self.wait() {
                rounds = 0;
                passed += 1;
                continue;
            }
            // Markers are read by others, who then have something to write down: only what is more than that counts.
            let events = self.events();
            if noted == Some(events) {
                return Ok(());
            }
            noted = Some(events);
            self.mark_all();
        }
        Err(Violation::new(
            Oracle::Rest,
            "there are no faults any more, and there is no rest with one working owner for each partition",
        ))
    }

    /// Each saga publishes its next fact: what was not published so far comes late.
    fn publish_more(&mut self) -> bool {
        let mut any = false;
        for at in 0..self.sagas.len() {
            any |= self.publish_next(at);
        }
        any
    }

    /// Everybody does what they can, in turn; false if that was nothing.
    fn go_on(&mut self) -> Result<bool, Violation> {
        let mut any = false;
        for place in 0..self.owners.len() {
            for at in 0..self.owners[place].len() {
                any |= self.owner_goes_on(place, at).map_err(|surprise| {
                    let name = &self.plan.cast.members[place / self.plan.cast.partitions].name;
                    surprise.seen(name)
                })?;
            }
        }
        for place in 0..self.routers.len() {
            for at in 0..self.routers[place].len() {
                any |= self.router_goes_on(place, at).map_err(|surprise| {
                    let route = self.routers[place][at].route;
                    let name = &self.plan.cast.members[route.member].name;
                    surprise.seen(&format!("router of {name}"))
                })?;
            }
        }
        Ok(any)
    }

    pub(crate) fn owner_goes_on(&mut self, place: usize, at: usize) -> Result<bool, Surprise> {
        let now = self.clock;
        let owner = &mut self.owners[place][at];
        let mut any = owner.producer.land_all(&mut self.log);
        if !owner.alive() {
            return Ok(any);
        }
        while owner.alive() && owner.producer.reported() > 0 {
            owner.take_report()?;
            any = true;
        }
        if matches!(owner.phase, Phase::Restoring(_)) {
            owner.restore(&self.log, now)?;
            any = true;
        }
        while owner.has_gap() {
            owner.read_gap(&self.log)?;
            any = true;
        }
        for input in 0..owner.inputs.len() {
            while owner.can_handle(input, &self.log, MANY) {
                owner.handle(input, &self.log, now)?;
                any = true;
            }
        }
        if owner.can_ask(now) {
            owner.ask(&self.log, now);
        }
        any |= self.pass(place, at, MANY)?;
        while self.call(place, at, 1)? {}
        let owner = &mut self.owners[place][at];
        while owner.works()
            && let Some((request, reply)) = owner.replies.pop_front()
        {
            owner.answer(request, reply, now)?;
            any = true;
        }
        Ok(any)
    }

    pub(crate) fn router_goes_on(&mut self, place: usize, at: usize) -> Result<bool, Surprise> {
        let cast = &self.plan.cast;
        let router = &mut self.routers[place][at];
        let participant = cast.members[router.route.member].version(self.is_deployed);
        let mut any = false;
        while router.can_forward(&self.log, MANY) {
            router.forward(&self.log, &**participant, cast)?;
            any = true;
        }
        any |= router.producer.land_all(&mut self.log);
        while router.alive && router.producer.reported() > 0 {
            router.take_report();
            any = true;
        }
        let age = self.routers[place].len() - 1 - at;
        if let Some(committed) = self.routers[place][at].commit() {
            self.committed.commit(place, age, committed);
            any = true;
        }
        Ok(any)
    }

    /// Where the latest owner or router is gone, another one starts; false if none is.
    fn replace_the_dead(&mut self) -> bool {
        let mut any = false;
        for place in 0..self.owners.len() {
            if self.owners[place].last().is_none_or(|owner| !owner.alive()) {
                self.take_over(place);
                any = true;
            }
        }
        for place in 0..self.routers.len() {
            if self.routers[place]
                .last()
                .is_none_or(|router| !router.alive)
            {
                self.router_start(place);
                any = true;
            }
        }
        any
    }

    /// Where there are several owners, markers show which of them was replaced: the latest too, if its fence came before
    /// that of another. False if there is one each.
    fn find_the_replaced(&mut self) -> Result<bool, Violation> {
        let mut any = false;
        for owners in &mut self.owners {
            if owners.iter().filter(|owner| owner.alive()).count() < 2 {
                continue;
            }
            if self.plan.broken.markers {
                let message = "an owner that was replaced does not find out";
                return Err(Violation::new(Oracle::Rest, message));
            }
            let working = owners.iter_mut().filter(|owner| owner.works());
            working.for_each(|owner| owner.mark(self.clock));
            any = true;
        }
        Ok(any)
    }

    /// What was decided with nothing is made known.
    fn mark_all(&mut self) {
        for owners in &mut self.owners {
            if let Some(owner) = owners.last_mut().filter(|owner| owner.works()) {
                owner.mark(self.clock);
            }
        }
    }

    /// How many records there are beside kolo's own.
    fn events(&self) -> usize {
        let topics = 0..self.plan.cast.topics.len();
        let records = topics
            .flat_map(|topic| self.log.partitions(topic))
            .flatten();
        records
            .filter(|stored| !is_own_record(stored.event_type))
            .count()
    }
}
