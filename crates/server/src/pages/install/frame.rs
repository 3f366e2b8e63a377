//! What every page of the install flow has around it: the app's name, picture and
//! colour, and headers that let a browser load, send and tell nothing else.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use engine::actions::install_link::Theme;
use url::Url;
use uuid::Uuid;

use crate::problem::Problem;

/// Around a page.
#[derive(Debug)]
pub(super) struct Frame {
    /// Marks the style and the script that are ours.
    pub(super) nonce: String,
    /// The app's name.
    pub(super) app: String,
    pub(super) logo: Option<Url>,
    pub(super) color: Option<Color>,
}

/// The colour of buttons, and of what is written on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Color {
    pub(super) ground: String,
    pub(super) ink: &'static str,
}

impl Frame {
    /// Of nobody: where it is not known whose page it would be.
    pub(super) fn plain() -> Self {
        Self::of(&Theme::default())
    }

    pub(super) fn of(theme: &Theme) -> Self {
        let logo = theme.logo_url.as_deref();
        Self {
            nonce: Uuid::new_v4().simple().to_string(),
            app: theme.name.clone().unwrap_or_default(),
            logo: logo.and_then(|url| Url::parse(url).ok()),
            color: theme.color.as_deref().and_then(Color::of),
        }
    }

    /// The policy: our style, our script, the app's picture, and forms to here.
    fn policy(&self) -> String {
        let nonce = &self.nonce;
        let picture = self.logo.as_ref().map_or_else(
            || "'none'".to_owned(),
            |logo| {
                // These two end a directive and a policy.
                let path = logo.path().replace(';', "%3B").replace(',', "%2C");
                format!("{}{path}", logo.origin().ascii_serialization())
            },
        );
        format!(
            "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; \
             img-src {picture}; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        )
    }

    /// The page as it is sent.
    pub(super) fn page(&self, status: StatusCode, page: &impl Template) -> Response {
        let Ok(html) = page.render() else {
            return Problem::new(500, "the page could not be made").into_response();
        };
        let mut response = (status, Html(html)).into_response();
        let headers = response.headers_mut();
        if let Ok(policy) = HeaderValue::from_str(&self.policy()) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        keep_apart(headers);
        response
    }
}

/// What keeps other pages away from this one, and this one's address from them.
pub(super) fn keep_apart(headers: &mut HeaderMap) {
    let apart = [
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (header::HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    for (name, value) in apart {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

impl Color {
    /// `#rrggbb`, and black or white, whichever can be read on it: one of the two
    /// always has a contrast of 4.58 at least.
    fn of(text: &str) -> Option<Self> {
        let is_hex = |digits: &&str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let digits = text.strip_prefix('#').filter(is_hex)?;
        if digits.len() != 6 {
            return None;
        }
        let rgb = u32::from_str_radix(digits, 16).ok()?;
        let linear = |shift: u32| {
            let value = f64::from((rgb >> shift) & 0xff) / 255.0;
            match value <= 0.040_45 {
                true => value / 12.92,
                false => ((value + 0.055) / 1.055).powf(2.4),
            }
        };
        // Relative luminance, as WCAG defines it.
        let luminance = 0.2126 * linear(16) + 0.7152 * linear(8) + 0.0722 * linear(0);
        let on_white = 1.05 / (luminance + 0.05);
        let on_black = (luminance + 0.05) / 0.05;
        Some(Self {
            ground: format!("#{rgb:06x}"),
            ink: if on_white >= on_black {
                "#ffffff"
            } else {
                "#000000"
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_on_a_colour_can_be_read() {
        for (ground, ink) in [
            ("#2352b8", "#ffffff"),
            ("#ffd600", "#000000"),
            ("#000000", "#ffffff"),
            ("#FFFFFF", "#000000"),
            ("#757575", "#ffffff"),
            ("#7a7a7a", "#000000"),
        ] {
            assert_eq!(Color::of(ground).unwrap().ink, ink, "{ground}");
        }
        for none in ["", "red", "#fff", "#12345g", "#+12345"] {
            assert_eq!(Color::of(none).map(|c| c.ground), None, "{none}");
        }
    }

    #[test]
    fn a_picture_adds_itself_to_the_policy_and_nothing_else() {
        let theme = |logo: &str| Theme {
            logo_url: Some(logo.to_owned()),
            ..Theme::default()
        };
        let policy =
            Frame::of(&theme("https://a.example:8443/x;y,z.svg?v=1;script-src *")).policy();
        assert!(
            policy.contains("; img-src https://a.example:8443/x%3By%2Cz.svg; form-action"),
            "{policy}"
        );
        assert!(
            !policy.contains('*') && !policy.contains("unsafe"),
            "{policy}"
        );
        assert!(Frame::plain().policy().contains("img-src 'none'"));
    }
}
