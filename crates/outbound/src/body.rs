//! Reading answers without trusting their size.

use reqwest::Response;

use crate::SendError;

/// The most that is set aside because an answer says that it is so long.
const RESERVED_MAX_BYTES: usize = 1024 * 1024;

/// The whole body, at most `limit_bytes` after decompression. Counts as it
/// reads, so a small compressed body that unfolds into a huge one is let go early.
pub(crate) async fn read_whole(
    mut response: Response,
    host: &str,
    limit_bytes: usize,
) -> Result<Vec<u8>, SendError> {
    // The length that was told saves growing step by step; it is not believed
    // beyond what is usual, and nothing hangs on it.
    let told = response.content_length().unwrap_or(0);
    let told = usize::try_from(told).unwrap_or(usize::MAX);
    let mut body = Vec::with_capacity(told.min(limit_bytes).min(RESERVED_MAX_BYTES));
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit_bytes => {
                return Err(SendError::TooLarge {
                    host: host.to_owned(),
                    limit_bytes,
                });
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(SendError::from_client(&error, host)),
        }
    }
}

/// Appends the first `limit_bytes` of the body to `prefix`; the rest is left
/// unread and an end that comes too early is no error.
pub(crate) async fn read_prefix(mut response: Response, prefix: &mut Vec<u8>, limit_bytes: usize) {
    while prefix.len() < limit_bytes {
        let Ok(Some(chunk)) = response.chunk().await else {
            return;
        };
        let room = limit_bytes.saturating_sub(prefix.len());
        prefix.extend(chunk.iter().take(room));
    }
}
