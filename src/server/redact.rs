//! What may be told of a message in the log: everything but what helps to prove a password.

/// Headers whose values stay out of the log, in their long and only forms.
const SECRET: [&[u8]; 2] = [b"authorization", b"proxy-authorization"];

/// A message as one line of ASCII, credentials left out.
pub fn told(message: &[u8]) -> String {
    let mut told = String::with_capacity(message.len());
    let mut is_secret = false;
    for line in message.split_inclusive(|octet| *octet == b'\n') {
        // A folded line belongs to the header before it.
        let is_folded = line.first().is_some_and(|first| matches!(first, b' ' | b'\t'));
        if !is_folded {
            is_secret = names_secret(line);
        }
        match is_secret {
            false => told.extend(line.escape_ascii().map(char::from)),
            true if is_folded => {}
            true => told.push_str("(credentials left out)\\r\\n"),
        }
    }
    told
}

fn names_secret(line: &[u8]) -> bool {
    let name = line.split(|octet| *octet == b':').next().unwrap_or_default();
    SECRET.iter().any(|secret| name.trim_ascii().eq_ignore_ascii_case(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_left_out_however_they_are_written() {
        let message = b"PUBLISH sip:a@b SIP/2.0\r\nFrom: <sip:a@b>\r\n\
            AUTHORIZATION : Digest response=\"5ecret1\",\r\n nonce=\"5ecret2\"\r\n\tcnonce=5ecret3\r\n\
            proxy-authorization:Digest response=5ecret4\r\nCall-ID: 1\r\n\r\nbo\x00dy";
        let told = told(message);
        assert!(!told.contains("5ecret"), "{told}");
        assert_eq!(told.matches("(credentials left out)\\r\\n").count(), 2);
        assert!(told.contains("From: <sip:a@b>\\r\\n") && told.contains("Call-ID: 1\\r\\n"));
        assert!(told.ends_with("\\r\\n\\r\\nbo\\x00dy"), "{told}");
    }
}
