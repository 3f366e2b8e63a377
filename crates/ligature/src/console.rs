//! What a person at a terminal reads. Results go to standard output, everything
//! else to standard error.

use std::io::{self, IsTerminal as _, Write as _};

/// A line of a command's result.
///
/// # Errors
/// When standard output is closed.
pub(crate) fn line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// A line about how things go. That nobody reads it is no reason to stop.
pub(crate) fn error(text: &str) {
    writeln!(io::stderr().lock(), "{text}").ok();
}

/// Whether a person watches standard error.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Whether standard output takes colours: a person watches, and has not said no
/// (<https://no-color.org>).
pub(crate) fn is_coloured() -> bool {
    io::stdout().is_terminal() && wants_colours()
}

/// The same of standard error.
pub(crate) fn is_error_coloured() -> bool {
    is_watched() && wants_colours()
}

fn wants_colours() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
