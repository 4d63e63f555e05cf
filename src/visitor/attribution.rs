//! Where the visitor came from: campaign parameters, click ids, the referring page.
//!
//! Direct traffic (no parameter, no external referrer) never overwrites what is known; a referrer on the same site,
//! or one that people only pass through (sign-in, payment), is no source.

use crate::{
    model::time::UnixMillis,
    text::{
        fields::{after, fields, join, up_to},
        json::{Object, push_string, push_timestamp},
    },
};

/// Parameters of campaigns.
const UTM: &[&str] = &[
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "utm_id",
    "utm_source_platform",
    "utm_creative_format",
    "utm_marketing_tactic",
];
/// Click ids of advertising networks.
const CLICK_IDS: &[&str] = &[
    "gclid",
    "gclsrc",
    "dclid",
    "gbraid",
    "wbraid",
    "gad_source",
    "gad_campaignid",
    "fbclid",
    "msclkid",
    "ttclid",
    "twclid",
    "li_fat_id",
    "igshid",
    "epik",
    "rdt_cid",
    "ScCid",
    "sccid",
    "irclickid",
    "qclid",
    "yclid",
    "mc_cid",
    "oppref",
];
/// Sites that people only pass through on their way back.
const PASSED_THROUGH: &[&str] = &[
    "accounts.google.com",
    "login.microsoftonline.com",
    "appleid.apple.com",
    "github.com/login",
    "auth0.com",
    "okta.com",
    "paypal.com",
    "stripe.com",
    "checkout.stripe.com",
    "klarna.com",
    "adyen.com",
    "pay.google.com",
];
/// Characters of a parameter at most.
const VALUE_CHARS_MAX: usize = 500;

/// What the page adds.
#[derive(Clone, Debug, Default)]
pub struct AttributionRules {
    /// Further click ids.
    pub click_ids: Vec<String>,
    /// Further sites that are no source.
    pub exclusions: Vec<String>,
}

/// Where a visit came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touch {
    /// A JSON object.
    pub json: String,
    /// It is from nowhere in particular.
    pub direct: bool,
}

impl AttributionRules {
    /// What the address that a visitor landed on and the page before it tell.
    #[must_use]
    pub fn touch(&self, url: &str, referrer: &str, at: UnixMillis) -> Touch {
        let mut out = Object::default();
        let mut direct = true;
        let query = url
            .split('#')
            .next()
            .unwrap_or("")
            .split_once('?')
            .map_or("", |(_, query)| query);
        let mut seen: Vec<&str> = Vec::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let known = UTM.contains(&name)
                || CLICK_IDS.contains(&name)
                || self.click_ids.iter().any(|id| id == name);
            // Of several of one name the first counts.
            if known && !value.is_empty() && !seen.contains(&name) {
                seen.push(name);
                direct = false;
                let value: String = decode(value).chars().take(VALUE_CHARS_MAX).collect();
                out.text(name, &value);
            }
        }
        if self.is_source(url, referrer) {
            direct = false;
            out.text("referrer", referrer);
        }
        out.text("landing", url);
        let mut iso = String::new();
        push_timestamp(&mut iso, at.0);
        out.text("at", &iso);
        let json = out.end();
        Touch { json, direct }
    }

    fn is_source(&self, url: &str, referrer: &str) -> bool {
        let host = host_of(referrer);
        if host.is_empty() || site_of(host) == site_of(host_of(url)) {
            return false;
        }
        let plain = after(referrer, "://").unwrap_or(referrer);
        let passed = |site: &str| {
            let (name, path) = site.split_once('/').unwrap_or((site, ""));
            let same = host == name || host.ends_with(&join(&[".", name]));
            same && (path.is_empty() || after(plain, &join(&["/", path])).is_some())
        };
        !PASSED_THROUGH.iter().any(|site| passed(site))
            && !self.exclusions.iter().any(|site| passed(site))
    }
}

fn host_of(url: &str) -> &str {
    let rest = after(url, "://").unwrap_or("");
    let authority = up_to(rest, b"/?#");
    up_to(fields(authority, b'@').last().unwrap_or(""), b":")
}

/// The site of a host, near enough: without `www.`.
fn site_of(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

/// Undoes percent escapes; invalid ones stay as they are.
fn decode(value: &str) -> String {
    let (bytes, mut out, mut at) = (value.as_bytes(), Vec::new(), 0);
    while let Some(byte) = bytes.get(at) {
        let hex = value.get(at + 1..at + 3).filter(|_| *byte == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(if *byte == b'+' { b' ' } else { *byte });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// A JSON string.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::new();
    push_string(&mut out, text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(url: &str, referrer: &str) -> (serde_json::Value, bool) {
        let touch = AttributionRules::default().touch(url, referrer, UnixMillis(0));
        (serde_json::from_str(&touch.json).unwrap(), touch.direct)
    }

    #[test]
    fn campaigns_count_without_a_referrer_and_the_first_of_a_name() {
        let (json, direct) = touch(
            "https://shop.example/?utm_source=a%20b+c&utm_source=d&gclid=%zz&x=1#utm_term=t",
            "",
        );
        assert!(!direct);
        assert_eq!(json["utm_source"], "a b c");
        assert_eq!(json["gclid"], "%zz");
        assert!(json.get("x").is_none() && json.get("utm_term").is_none());
    }

    #[test]
    fn a_parameter_is_cut_and_invalid_escapes_harm_nothing() {
        let (json, _) = touch(
            &format!("https://a.example/?utm_term={}%ff%fe%", "é".repeat(600)),
            "",
        );
        assert_eq!(json["utm_term"].as_str().unwrap().chars().count(), 500);
    }

    #[test]
    fn who_only_passes_through_is_no_source() {
        for (referrer, direct) in [
            ("", true),
            ("https://www.shop.example/cart", true),
            ("https://accounts.google.com/o/oauth2", true),
            ("https://www.paypal.com/pay", true),
            ("https://notpaypal.com/", false),
            ("https://news.example/article", false),
        ] {
            assert_eq!(
                touch("https://shop.example/", referrer).1,
                direct,
                "{referrer}"
            );
        }
    }
}
