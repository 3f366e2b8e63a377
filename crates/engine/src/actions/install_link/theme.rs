//! How a page looks. Nothing in a theme can end a style sheet, a policy or an
//! attribute, or make a browser tell anybody more than that it looks at a picture.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::ActionError;

/// The longest name on a page, in characters.
const LONGEST_NAME: usize = 100;
/// The longest URL of a logo, in bytes.
const LONGEST_URL: usize = 2_000;

/// How a page looks; what is absent is as usual.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Theme {
    /// The app's name; the project's where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// An `https` URL of a picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logo_url: Option<String>,
    /// `#rrggbb`, of buttons.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
}

/// A theme that a page can be made with.
pub(super) fn checked(theme: Theme) -> Result<Theme, ActionError> {
    let Theme {
        name,
        logo_url,
        color,
    } = theme;
    let name = name.filter(|name| !name.trim().is_empty());
    if name
        .as_ref()
        .is_some_and(|name| name.chars().count() > LONGEST_NAME)
    {
        return Err(ActionError::invalid(
            format!("`theme.name` is longer than {LONGEST_NAME} characters"),
            "Choose a shorter one",
        ));
    }
    let logo_url = logo_url.filter(|url| !url.is_empty());
    let logo_url = logo_url.map(|url| logo(&url)).transpose()?;
    let color = color.filter(|color| !color.is_empty());
    let is_color = |color: &String| {
        let digits = color.strip_prefix('#');
        digits.is_some_and(|digits| {
            digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        })
    };
    if color.as_ref().is_some_and(|color| !is_color(color)) {
        return Err(ActionError::invalid(
            "`theme.color` is not of the form #rrggbb",
            "Write it as six hexadecimal digits behind a #, such as #2352b8",
        ));
    }
    Ok(Theme {
        name,
        logo_url,
        color,
    })
}

fn logo(text: &str) -> Result<String, ActionError> {
    let url = Url::parse(text).ok().filter(|url| {
        let plain = url.username().is_empty() && url.password().is_none();
        url.scheme() == "https" && url.has_host() && plain && text.len() <= LONGEST_URL
    });
    let mut url = url.ok_or_else(|| {
        ActionError::invalid(
            "`theme.logoUrl` is not the https URL of a picture",
            "Give a URL that begins with https:// and that everybody may open",
        )
    })?;
    url.set_fragment(None);
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn theme(name: &str, logo_url: &str, color: &str) -> Theme {
        let some = |text: &str| Some(text.to_owned());
        Theme {
            name: some(name),
            logo_url: some(logo_url),
            color: some(color),
        }
    }

    #[test]
    fn a_theme_is_checked_before_it_is_kept() {
        let good = checked(theme("Acme", "https://a.example/l.svg#x", "#2352B8")).unwrap();
        assert_eq!(good, theme("Acme", "https://a.example/l.svg", "#2352B8"));
        assert_eq!(checked(theme(" ", "", "")).unwrap(), Theme::default());
        for (name, logo_url, color) in [
            ("a".repeat(101).as_str(), "", ""),
            ("", "http://a.example/l.svg", ""),
            ("", "https://user:pass@a.example/l.svg", ""),
            ("", "javascript:alert(1)", ""),
            ("", "//a.example/l.svg", ""),
            ("", "", "red"),
            ("", "", "#12345"),
            ("", "", "#12345g"),
            ("", "", "#123456;}body{display:none"),
        ] {
            let refused = checked(theme(name, logo_url, color));
            assert!(refused.is_err(), "{name:?} {logo_url:?} {color:?}");
        }
    }
}
