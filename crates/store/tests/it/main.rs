//! The store's tests, every one on both databases.

#[cfg(test)]
mod archive;
#[cfg(test)]
mod budget;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod delivery_model;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod group;
#[cfg(test)]
mod health;
#[cfg(test)]
mod integration;
#[cfg(test)]
mod manifest_upload;
#[cfg(test)]
mod notification;
#[cfg(test)]
mod objects;
#[cfg(test)]
mod open;
#[cfg(test)]
mod organization;
#[cfg(test)]
mod outbox;
#[cfg(test)]
mod prune;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod reconcile;
#[cfg(test)]
mod sealing;
#[cfg(test)]
mod standing;
#[cfg(test)]
mod tenancy;
#[cfg(test)]
mod triggered;
#[cfg(test)]
mod uniqueness;
#[cfg(test)]
mod wake;
#[cfg(test)]
mod work;
#[cfg(test)]
mod work_model;
#[cfg(test)]
mod write;
