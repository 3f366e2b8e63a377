//! One simulation from a seed: what goes wrong is drawn, at every boundary there
//! is; then it ends, and everything must come right.
//!
//! The faults are the seed's. In which order two tasks reach the database is not,
//! so a seed repeats what it does to the product, and not each step of it.

mod account;
#[cfg(test)]
mod tests;
mod world;

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::receiver::Answer;
use world::World;

/// Steps in which something may go wrong.
const STEPS: u32 = 40;
/// Looks that everything has to come right in.
const MOST_LOOKS: u32 = 6_000;

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// A file, and one node.
    Sqlite,
    /// A server, and two nodes.
    Postgres,
}

/// How a simulation went.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What went wrong, in order.
    pub faults: Vec<String>,
    /// What should not have happened.
    pub failure: Option<String>,
    /// How long it took.
    pub took: Duration,
    /// Messages that came more than once.
    pub duplicates: u32,
    /// How often everything was checked.
    pub looks: u32,
    /// Times that the provider refused a refresh token, so that the customer had
    /// to connect again.
    pub refusals: u32,
}

/// Simulates. `None` where the database is not installed.
///
/// # Errors
/// When the simulation itself cannot be set up.
pub async fn run(seed: u64, database: Database) -> anyhow::Result<Option<Outcome>> {
    let begun = Instant::now();
    let Some(mut world) = World::start(seed, database).await? else {
        return Ok(None);
    };
    let mut random = SmallRng::seed_from_u64(seed);
    let mut failure = None;
    for step in 0..STEPS {
        let gone_wrong = match disturb(&mut world, &mut random, step).await {
            Ok(()) => work_on(&mut world).await.err(),
            Err(error) => Some(error),
        };
        if let Some(error) = gone_wrong {
            failure = Some(format!("step {step}: {error:#}"));
            break;
        }
    }
    if failure.is_none() {
        let settled = settle(&mut world).await;
        failure = settled.err().map(|error| format!("afterwards: {error:#}"));
    }
    Ok(Some(world.outcome(seed, failure, begun.elapsed()).await))
}

/// Lets the nodes do something before the next thing goes wrong.
async fn work_on(world: &mut World) -> anyhow::Result<()> {
    for _ in 0..4 {
        if !world.step(SignedDuration::from_millis(120)).await?.is_busy {
            break;
        }
    }
    Ok(())
}

/// Draws what goes wrong at this step, if anything does.
async fn disturb(world: &mut World, random: &mut SmallRng, step: u32) -> anyhow::Result<()> {
    if step == 0 {
        world.rate(150, 40);
    }
    let node = random.random_range(0..world.nodes.len());
    match random.random_range(0..100_u32) {
        0..=17 => {
            let (path, action) = refusal(random);
            let times = if action["kind"] == "expired_token" {
                1
            } else {
                random.random_range(1..4)
            };
            world.fault(path, &action, times).await?;
        }
        18..=22 => {
            world.note("access tokens end");
            world.expire_access().await?;
        }
        23..=39 => {
            let answer = match random.random_range(0..3) {
                0 => Answer::Refuse,
                1 => Answer::HangUp,
                _ => Answer::TakeAndHangUp,
            };
            let times = random.random_range(1..4);
            world.note(&format!("receiver: {answer:?} {times}×"));
            world.receiver.inbox().answer_next(answer, times);
        }
        40..=45 => {
            world.note(&format!("node {node} is killed"));
            world.nodes[node].injector.dead.cancel();
        }
        46..=51 => {
            world.note(&format!("node {node} is frozen beyond its lease"));
            world.nodes[node].injector.freeze(true);
            world.step(SignedDuration::from_secs(31)).await?;
            world.step(SignedDuration::from_secs(1)).await?;
            world.nodes[node].injector.freeze(false);
        }
        52..=54 => {
            world.note(&format!("node {node} is cut off from the database"));
            world.nodes[node].injector.cut_off(true);
            for _ in 0..3 {
                world.step(SignedDuration::from_secs(12)).await?;
            }
            world.nodes[node].injector.cut_off(false);
        }
        55..=64 => {
            let (kind, count) = if random.random_range(0..4) == 0 {
                ("add", 1)
            } else {
                ("churn", random.random_range(1..5))
            };
            world.note(&format!("{count} repositories: {kind}"));
            world.provider.mutate(kind, count).await?;
        }
        65..=94 => {
            let seconds = [7, 61, 330, 620, 620, 620][random.random_range(0..6_usize)];
            world.note(&format!("{seconds} s pass at once"));
            world.provider.mutate("churn", 2).await?;
            world.step(SignedDuration::from_secs(seconds)).await?;
        }
        _ => {}
    }
    Ok(())
}

/// Something that the provider does wrong: where, and what.
fn refusal(random: &mut SmallRng) -> (&'static str, Value) {
    let keep_bytes = random.random_range(0..400);
    match random.random_range(0..10) {
        0 => ("/2.0", json!({ "kind": "close" })),
        1 => (
            "/2.0",
            json!({ "kind": "truncate", "keep_bytes": keep_bytes }),
        ),
        2 => ("/2.0", json!({ "kind": "html_error" })),
        3 => (
            "/2.0",
            json!({ "kind": "respond", "status": 503, "body": "down" }),
        ),
        4 => ("/2.0", json!({ "kind": "rate_limited" })),
        5 => ("/2.0", json!({ "kind": "rate_limited", "retry_after": 5 })),
        6 => ("/2.0", json!({ "kind": "expired_token" })),
        // The refresh token is rotated, and the answer is lost.
        7 | 8 => (
            "/site/oauth2/access_token",
            json!({ "kind": "truncate", "keep_bytes": 0 }),
        ),
        _ => (
            "/site/oauth2/access_token",
            json!({ "kind": "respond", "status": 502, "body": "down" }),
        ),
    }
}

/// The faults are over: everything must come right, whatever there is to wait for.
async fn settle(world: &mut World) -> anyhow::Result<()> {
    world.mend().await?;
    let mut waits = 0_u32;
    let mut look = world.look().await?;
    for _ in 0..MOST_LOOKS {
        if look.is_over && world.missing().is_none() {
            return Ok(());
        }
        // Nothing happens but by the clock: go where something will.
        let by = if look.is_busy {
            waits += 1;
            match waits {
                0..8 => SignedDuration::from_millis(250),
                _ if waits.is_multiple_of(4) => SignedDuration::from_secs(5),
                _ => SignedDuration::from_millis(500),
            }
        } else {
            waits = 0;
            look.next_due_in.max(SignedDuration::from_millis(300))
        };
        look = world.step(by).await?;
    }
    let missing = world.missing().unwrap_or_else(|| "nothing".to_owned());
    anyhow::bail!(
        "it does not come to rest; missing: {missing}; {}",
        world.state().await?
    )
}
