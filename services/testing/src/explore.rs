//! Every order of steps.

use std::collections::HashSet;

use crate::world::{Step, World};

/// Takes the steps of `world` in every order, each state once. `always` looks at every state, `finally` at those in which
/// nothing more can happen. Returns how many states there are.
///
/// # Panics
/// When a check does; what led there is printed then.
pub fn explore(world: &World, always: impl Fn(&World), finally: impl Fn(&World)) -> usize {
    let mut seen = HashSet::from([world.digest()]);
    let mut open: Vec<(World, Vec<Step>)> = vec![(world.clone(), Vec::new())];
    while let Some((world, taken)) = open.pop() {
        let steps = world.steps();
        check(&world, &taken, &always);
        if steps.is_empty() {
            check(&world, &taken, &finally);
        }
        for step in steps {
            let mut next = world.clone();
            next.take(step);
            if seen.insert(next.digest()) {
                let taken = taken.iter().copied().chain([step]).collect();
                open.push((next, taken));
            }
        }
    }
    seen.len()
}

/// Runs a check, and says what led to the state if it fails.
pub(crate) fn check(world: &World, taken: &[Step], check: impl Fn(&World)) {
    let _told = Told(world, taken);
    world.check_log();
    check(world);
}

struct Told<'a>(&'a World, &'a [Step]);

impl Drop for Told<'_> {
    #[expect(
        clippy::print_stderr,
        reason = "a failing test tells how it came to fail"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("after {:?}:\n{}", self.1, self.0.story());
        }
    }
}
