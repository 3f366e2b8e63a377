//! Clients that people already have: their calls as they make them, and our answers
//! read as strictly as they read them.

mod amp;
mod svix;
mod write;
