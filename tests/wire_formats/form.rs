//! Bodies of vendors that want their JSON as the value of a form.

/// The JSON in a body: of a form, its field `data`.
pub(crate) fn json_of(body: &str) -> String {
    let Some(mut rest) = body.strip_prefix("data=") else {
        return body.to_owned();
    };
    let mut bytes = Vec::new();
    while let Some(at) = rest.find('%') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        bytes.push(u8::from_str_radix(&rest[at + 1..at + 3], 16).unwrap());
        rest = &rest[at + 3..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).unwrap()
}
