//! The state of one sandbox, shared by all requests.

use crate::control::{Barriers, Faults, Settings};
use crate::data::World;
use crate::limits::Limits;
use crate::oauth::Tokens;
use crate::stats::Stats;
use crate::{Clock, Options};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;

pub(crate) type Shared = Arc<App>;

/// Each part has its own lock; no code holds two at once.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) options: Options,
    pub(crate) clock: Clock,
    /// Origin for links when neither the options nor the request names one.
    pub(crate) fallback_origin: String,
    /// Becomes true when the server is to stop: parked and waiting requests go on.
    pub(crate) stopping: watch::Sender<bool>,
    world: RwLock<World>,
    settings: RwLock<Settings>,
    tokens: Mutex<Tokens>,
    limits: Mutex<Limits>,
    faults: Mutex<Faults>,
    barriers: Mutex<Barriers>,
    stats: Mutex<Stats>,
}

impl App {
    pub(crate) fn new(options: Options, fallback_origin: String) -> Self {
        Self {
            clock: options.clock.clone(),
            fallback_origin,
            stopping: watch::Sender::new(false),
            world: RwLock::new(World::generate(&options)),
            settings: RwLock::new(Settings::from_options(&options)),
            tokens: Mutex::default(),
            limits: Mutex::default(),
            faults: Mutex::default(),
            barriers: Mutex::default(),
            stats: Mutex::default(),
            options,
        }
    }

    /// Back to the state of the start: data, settings, tokens, faults, barriers, numbers.
    pub(crate) fn reset(&self) {
        *self.world_mut() = World::generate(&self.options);
        *self.settings_mut() = Settings::from_options(&self.options);
        *self.tokens() = Tokens::default();
        *self.limits() = Limits::default();
        *self.faults() = Faults::default();
        self.barriers().release_all();
        *self.stats() = Stats::default();
    }

    pub(crate) fn world(&self) -> RwLockReadGuard<'_, World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn world_mut(&self) -> RwLockWriteGuard<'_, World> {
        self.world.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn settings(&self) -> Settings {
        self.settings
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn settings_mut(&self) -> RwLockWriteGuard<'_, Settings> {
        self.settings
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        locked(&self.tokens)
    }

    pub(crate) fn limits(&self) -> MutexGuard<'_, Limits> {
        locked(&self.limits)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    pub(crate) fn barriers(&self) -> MutexGuard<'_, Barriers> {
        locked(&self.barriers)
    }

    pub(crate) fn stats(&self) -> MutexGuard<'_, Stats> {
        locked(&self.stats)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
