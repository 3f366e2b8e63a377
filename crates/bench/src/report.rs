//! What a program prints, and the arithmetic of it.

/// Prints a line.
#[allow(
    clippy::print_stdout,
    reason = "the programs of this crate exist for what they print"
)]
pub fn line(text: &str) {
    println!("{text}");
}

/// Prints why a program failed.
#[allow(
    clippy::print_stderr,
    reason = "the programs of this crate are used at a terminal"
)]
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}

/// The middle one, or the mean of the two in the middle; 0 of nothing.
#[must_use]
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or_default();
    if sorted.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }
}

/// A count as a figure to reckon with; counts here are far below 2^52.
#[must_use]
#[allow(
    clippy::cast_precision_loss,
    reason = "counts and bytes of a benchmark are far below 2^52"
)]
pub fn figure(count: u64) -> f64 {
    count as f64
}

/// Bytes in MB, as memory is usually told.
#[must_use]
pub fn megabytes(bytes: u64) -> f64 {
    figure(bytes) / 1e6
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_middle_of_odd_even_and_nothing() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!(median(&[]).abs() < 1e-9);
    }
}
