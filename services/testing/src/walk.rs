//! One order of steps, drawn from a seed, with crashes.

use crate::explore::check;
use crate::world::World;

/// Takes steps of `world` as a seed draws them until nothing more can happen. In up to `crashes` of them the owner
/// crashes, after none or some of its appends. `always` looks at every state, `finally` at the last.
///
/// # Panics
/// When a check does, or when the world does not come to rest; what led there is printed then.
pub fn walk(
    mut world: World,
    seed: u64,
    mut crashes: usize,
    always: impl Fn(&World),
    finally: impl Fn(&World),
) {
    let mut draw = Draw(seed);
    let mut taken = Vec::new();
    loop {
        check(&world, &taken, &always);
        let steps = world.steps();
        if steps.is_empty() {
            break;
        }
        assert!(
            taken.len() < MAX_STEPS,
            "the world comes to rest within {MAX_STEPS} steps"
        );
        let step = steps[draw.below(steps.len())];
        taken.push(step);
        if crashes > 0 && draw.below(5) == 0 {
            crashes -= 1;
            world.crash_in(step, draw.below(4));
        } else {
            world.take(step);
        }
    }
    check(&world, &taken, &finally);
}

const MAX_STEPS: usize = 10_000;

/// splitmix64: a sequence that a seed alone decides.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) >> 33).unwrap_or(0) % bound
    }
}
