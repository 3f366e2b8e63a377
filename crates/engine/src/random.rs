//! Unguessable strings and jitter.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use rand::RngExt as _;

/// 256 random bits, safe in a URL.
#[must_use]
pub(crate) fn token() -> String {
    URL_SAFE_NO_PAD.encode(rand::rng().random::<[u8; 32]>())
}

/// A number from 0 to `most`.
#[must_use]
pub(crate) fn up_to(most: u32) -> u32 {
    rand::rng().random_range(0..=most)
}

/// `duration`, lengthened by up to a tenth, so that those who failed together
/// do not come back together.
#[must_use]
pub(crate) fn jittered(duration: SignedDuration) -> SignedDuration {
    let most = u64::try_from(duration.as_millis() / 10).unwrap_or(0);
    let extra = rand::rng().random_range(0..=most);
    duration.saturating_add(
        SignedDuration::try_from(Duration::from_millis(extra)).unwrap_or(SignedDuration::ZERO),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_never_shortens_and_adds_at_most_a_tenth() {
        for _ in 0..200 {
            let got = jittered(SignedDuration::from_secs(100));
            assert!(
                got >= SignedDuration::from_secs(100) && got <= SignedDuration::from_secs(110),
                "{got:?}"
            );
        }
        assert_eq!(jittered(SignedDuration::ZERO), SignedDuration::ZERO);
    }

    #[test]
    fn tokens_differ_and_are_url_safe() {
        let (one, two) = (token(), token());
        assert_ne!(one, two);
        assert!(
            one.len() >= 43
                && one
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
    }
}
