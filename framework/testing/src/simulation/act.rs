//! What a step does to a world.

use super::owner::{Phase, Surprise};
use super::router::Router;
use super::step::{Step, Who};
use super::violation::Violation;
use super::world::{World, at_place, find};

impl World<'_> {
    /// Lets a step happen. One that is not possible here, as may be in a run of which others were taken out, changes
    /// nothing; then false.
    pub(crate) fn apply(&mut self, step: Step) -> Result<bool, Violation> {
        self.act(step)
            .map_err(|surprise| surprise.seen(&super::story::step(self.plan, step)))
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each step")]
    fn act(&mut self, step: Step) -> Result<bool, Surprise> {
        let (now, window) = (self.clock, self.plan.window);
        match step {
            Step::Publish(saga) => Ok(self.publish_next(usize::from(saga))),
            Step::Repeat(saga) => Ok(self.repeat(usize::from(saga))),
            Step::Land(who) => {
                let place = self.place(who);
                let owner = find(&mut self.owners, place, who.age);
                let landed = owner.and_then(|owner| {
                    let partition = owner.partition;
                    owner.producer.land(&mut self.log, partition)
                });
                Ok(landed.is_some())
            }
            Step::Report(who) => {
                let Some(owner) = self.owner(who) else {
                    return Ok(false);
                };
                let can = owner.alive() && owner.producer.reported() > 0;
                if can {
                    owner.take_report()?;
                    self.commit_inputs(who);
                }
                Ok(can)
            }
            Step::Restore(who) => {
                let place = self.place(who);
                let owner = find(&mut self.owners, place, who.age);
                let Some(owner) = owner else {
                    return Ok(false);
                };
                let can = matches!(owner.phase, Phase::Restoring(_));
                owner.restore(&self.log, now)?;
                if can && self.plan.broken.positions_from_stream {
                    let committed = &self.committed_inputs[place];
                    for (input, &next) in owner.inputs.iter_mut().zip(committed) {
                        input.next = next;
                    }
                }
                Ok(can)
            }
            Step::ReadGap(who) => {
                let place = self.place(who);
                let owner = find(&mut self.owners, place, who.age);
                let Some(owner) = owner.filter(|owner| owner.has_gap()) else {
                    return Ok(false);
                };
                owner.read_gap(&self.log)?;
                Ok(true)
            }
            Step::Handle(who, input) => {
                let place = self.place(who);
                let input = usize::from(input);
                let owner = find(&mut self.owners, place, who.age);
                let owner = owner.filter(|owner| {
                    input < owner.inputs.len() && owner.can_handle(input, &self.log, window)
                });
                let Some(owner) = owner else {
                    return Ok(false);
                };
                owner.handle(input, &self.log, now)?;
                self.commit_inputs(who);
                Ok(true)
            }
            Step::Mark(who) => {
                let owner = self.owner(who).filter(|owner| owner.works());
                Ok(owner.map(|owner| owner.mark(now)).is_some())
            }
            Step::Call(who) => self.call_of(who, 1),
            Step::ReplyTwice(who) => self.call_of(who, 2),
            Step::LoseReply(who) => self.call_of(who, 0),
            Step::Reply(who) => {
                let Some(owner) = self.owner(who).filter(|owner| owner.works()) else {
                    return Ok(false);
                };
                let Some((request, reply)) = owner.replies.pop_front() else {
                    return Ok(false);
                };
                owner.answer(request, reply, now)?;
                Ok(true)
            }
            Step::Ask(who) => {
                let place = self.place(who);
                let owner = find(&mut self.owners, place, who.age);
                let Some(owner) = owner else {
                    return Ok(false);
                };
                let can = owner.can_ask(now);
                if can {
                    owner.ask(&self.log, now);
                }
                Ok(can)
            }
            Step::Pass(who) => {
                let place = self.place(who);
                let at = at_place(&self.owners, place, who.age);
                at.map_or(Ok(false), |at| self.pass(place, at, window))
            }
            Step::Forward(who) => {
                let place = self.place(who);
                let router = find(&mut self.routers, place, who.age);
                let router = router.filter(|router| router.can_forward(&self.log, window));
                let Some(router) = router else {
                    return Ok(false);
                };
                let cast = &self.plan.cast;
                let member = &cast.members[router.route.member];
                let participant = member.version(self.is_deployed);
                router.forward(&self.log, &**participant, cast)?;
                Ok(true)
            }
            Step::CopyLand(who, target) => {
                let place = self.place(who);
                let router = find(&mut self.routers, place, who.age);
                let target = usize::from(target);
                let landed = router.and_then(|router| router.producer.land(&mut self.log, target));
                Ok(landed.is_some())
            }
            Step::CopyReport(who) => {
                let router = self.router(who).filter(|router| router.alive);
                let router = router.filter(|router| router.producer.reported() > 0);
                Ok(router.map(Router::take_report).is_some())
            }
            Step::Commit(who) => {
                let committed = self.router(who).and_then(Router::commit);
                let place = self.place(who);
                if let Some(committed) = committed {
                    self.committed
                        .commit(place, usize::from(who.age), committed);
                }
                Ok(committed.is_some())
            }
            Step::Run(who) => {
                let place = self.place(who);
                let at = at_place(&self.owners, place, who.age);
                at.map_or(Ok(false), |at| self.owner_goes_on(place, at))
            }
            Step::RouterRun(who) => {
                let place = self.place(who);
                let at = at_place(&self.routers, place, who.age);
                at.map_or(Ok(false), |at| self.router_goes_on(place, at))
            }
            Step::Wait => Ok(self.wait()),
            Step::TakeOver(who) => {
                let place = self.place(who);
                let can = place < self.owners.len();
                if can {
                    self.take_over(place);
                }
                Ok(can)
            }
            Step::Crash(who) => {
                let owner = self.owner(who).filter(|owner| owner.alive());
                Ok(owner.map(|owner| owner.end("crashed")).is_some())
            }
            Step::Lose(who) => {
                let owner = self.owner(who).filter(|owner| !owner.alive());
                let owner = owner.filter(|owner| owner.producer.queued() > 0);
                Ok(owner.map(|owner| owner.producer.purge()).is_some())
            }
            Step::GiveUp(who) => {
                let owner = self.owner(who).filter(|owner| owner.works());
                let owner = owner.filter(|owner| owner.producer.queued() > 1);
                Ok(owner.map(|owner| owner.producer.drop_one()).is_some())
            }
            Step::Resend(who) => {
                let place = self.place(who);
                let owner = find(&mut self.owners, place, who.age);
                let Some(owner) = owner.filter(|owner| owner.producer.can_resend()) else {
                    return Ok(false);
                };
                owner.producer.resend(&mut self.log);
                Ok(true)
            }
            Step::RouterStart(who) => {
                let place = self.place(who);
                let can = place < self.routers.len();
                if can {
                    self.router_start(place);
                }
                Ok(can)
            }
            Step::RouterCrash(who) => {
                let router = self.router(who).filter(|router| router.alive);
                Ok(router.map(Router::crash).is_some())
            }
            Step::RouterGiveUp(who) => {
                let router = self.router(who).filter(|router| router.alive);
                let router = router.filter(|router| router.producer.queued() > 1);
                Ok(router.map(|router| router.producer.drop_one()).is_some())
            }
            Step::Recreate(topic) => Ok(self.recreate(usize::from(topic))),
            Step::Deploy => {
                let can = !self.is_deployed && self.plan.has_deploy();
                self.is_deployed |= can;
                Ok(can)
            }
        }
    }

    fn call_of(&mut self, who: Who, replies: usize) -> Result<bool, Surprise> {
        let place = self.place(who);
        let at = at_place(&self.owners, place, who.age);
        at.map_or(Ok(false), |at| self.call(place, at, replies))
    }
}
