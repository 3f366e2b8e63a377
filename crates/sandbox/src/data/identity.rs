//! Numbers drawn from the seed, and UUIDs that can be traced back to a record's number.
//!
//! The last 32 bits of a UUID are the number under a bijection, so a lookup by UUID needs no
//! index over all records.

use std::fmt::Write;

/// A number that depends on all of `parts` and on nothing else (`SplitMix64`).
pub(crate) fn draw(parts: &[u64]) -> u64 {
    parts.iter().fold(0x5EED_u64, |state, part| {
        let mut mixed = (state ^ part).wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    })
}

/// An odd factor and its inverse modulo 2^32.
const FACTOR: u32 = 0x9E37_79B1;
const INVERSE: u32 = 0x0E8B_2F51;

/// A family of UUIDs: those of one object in one workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Identity {
    family: u64,
}

impl Identity {
    pub(crate) fn new(parts: &[u64]) -> Self {
        Self {
            family: draw(parts),
        }
    }

    fn mask(self) -> u32 {
        u32::try_from(self.family >> 32).unwrap_or_default()
    }

    /// `{xxxxxxxx-xxxx-4xxx-xxxx-xxxxxxxxxxxx}`, with the braces.
    pub(crate) fn uuid(self, number: u32) -> String {
        let random = draw(&[self.family, u64::from(number), 1]);
        let hidden = number.wrapping_mul(FACTOR) ^ self.mask();
        let variant = 0x8000 | (draw(&[random]) & 0x3fff);
        let mut text = String::with_capacity(38);
        let written = write!(
            text,
            "{{{:08x}-{:04x}-4{:03x}-{:04x}-{:04x}{:08x}}}",
            random >> 32,
            (random >> 16) & 0xffff,
            random & 0xfff,
            variant,
            draw(&[random, 2]) & 0xffff,
            hidden
        );
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
        text
    }

    /// The number whose UUID this is.
    pub(crate) fn number(self, uuid: &str) -> Option<u32> {
        let hidden = u32::from_str_radix(uuid.get(29..37)?, 16).ok()?;
        let number = (hidden ^ self.mask()).wrapping_mul(INVERSE);
        (self.uuid(number) == uuid).then_some(number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_leads_back_to_its_number() {
        assert_eq!(FACTOR.wrapping_mul(INVERSE), 1);
        let family = Identity::new(&[7, 3]);
        for number in [0, 1, 99_999, u32::MAX] {
            assert_eq!(family.number(&family.uuid(number)), Some(number));
        }
        assert_eq!(Identity::new(&[8, 3]).number(&family.uuid(5)), None);
        assert_eq!(family.number("{}"), None);
    }
}
