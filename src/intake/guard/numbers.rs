//! Numbers that belong to somebody: payment cards, telephones, bank accounts, network addresses.

use super::bytes::{at, before, hex, holds_digit, is_digit, is_letter, is_word, skip, unit};

/// ISO/IEC 7812.
const CARD_DIGITS_MAX: usize = 19;
/// E.164.
const PHONE_DIGITS_MAX: usize = 15;
/// Shorter ones exist, on a few islands; so do amounts and codes with a plus.
const PHONE_DIGITS_MIN: usize = 8;

/// The end of a payment card number that begins with the digit there: 13–19 digits in one or in groups
/// (the first of four), of a length that its issuer uses, with the check digit of Luhn.
pub(super) fn card(text: &[u8], floor: usize, from: usize) -> Option<usize> {
    // Behind a point these are decimals of a fraction.
    if before(text, floor, from) == b'.' && is_digit(before(text, floor, from.saturating_sub(1))) {
        return None;
    }
    let mut number = Card::default();
    let (mut place, mut separator, mut found) = (from, 0, None);
    loop {
        let group = place;
        while is_digit(at(text, place)) {
            if number.push(at(text, place) - b'0').is_none() {
                return found;
            }
            place += 1;
        }
        let next = at(text, place);
        let fraction = next == b'.' && is_digit(at(text, place + 1));
        if !is_word(next) && !fraction && number.valid() {
            found = Some(place);
        }
        let (mark, length) = unit(text, place);
        let more = matches!(mark, b' ' | b'-' | b'+') && is_digit(at(text, place + length));
        let first = separator == 0;
        let grouped = if first {
            place - from == 4
        } else {
            place - group >= 2
        };
        if !more || !grouped || !(first || mark == separator) {
            return found;
        }
        (separator, place) = (mark, place + length);
    }
}

/// A card's number, digit by digit.
#[derive(Default)]
struct Card {
    digits: usize,
    /// Its first four digits.
    issuer: u32,
    /// Luhn's sum if the last digit is not doubled, and if it is.
    sums: (u32, u32),
}

impl Card {
    fn push(&mut self, digit: u8) -> Option<()> {
        let digit = u32::from(digit);
        if self.digits < 4 {
            self.issuer = self.issuer * 10 + digit;
        }
        self.digits += 1;
        let doubled = digit * 2 - if digit > 4 { 9 } else { 0 };
        self.sums = (self.sums.1 + digit, self.sums.0 + doubled);
        // Most numbers are told from a card's by their first digits.
        let possible = self.digits != 4 || self.lengths().is_some();
        (self.digits <= CARD_DIGITS_MAX && possible).then_some(())
    }

    /// How long the numbers of this issuer may be. By its check digit alone, one number in ten is a card's.
    fn lengths(&self) -> Option<(usize, usize)> {
        Some(match self.issuer {
            // American Express.
            3400..=3499 | 3700..=3799 => (15, 15),
            // Diners Club.
            3000..=3059 | 3600..=3699 | 3800..=3999 => (14, 19),
            // JCB, Mastercard (2), Mir, UnionPay, RuPay.
            3528..=3589 | 6200..=6299 | 8100..=8299 => (16, 19),
            2200..=2204 | 2221..=2720 | 5100..=5599 => (16, 16),
            // Visa; 13 were in use until the nineties, 19 are now.
            4000..=4999 => (13, 19),
            // Maestro, Discover.
            5000..=5099 | 5600..=5899 | 6000..=6999 => (13, 19),
            _ => return None,
        })
    }

    fn valid(&self) -> bool {
        let visa = self.issuer / 1000 != 4 || matches!(self.digits, 13 | 16 | 19);
        let long = self
            .lengths()
            .is_some_and(|(min, max)| (min..=max).contains(&self.digits));
        visa && long && self.sums.0.is_multiple_of(10)
    }
}

/// The end of a telephone number in international form; `from` is behind its plus.
pub(super) fn phone(text: &[u8], from: usize) -> Option<usize> {
    let country = at(text, from + usize::from(at(text, from) == b'('));
    if !matches!(country, b'1'..=b'9') {
        return None;
    }
    let (mut place, mut digits, mut points, mut others, mut found) = (from, 0, 0, 0, None);
    loop {
        let group = place;
        place = skip(text, place, is_digit);
        digits += place - group;
        if digits > PHONE_DIGITS_MAX || is_word(at(text, place)) {
            break;
        }
        if digits >= PHONE_DIGITS_MIN {
            found = Some((place, digits));
        }
        let (next, point) = separator(text, place);
        if !is_digit(at(text, next)) {
            break;
        }
        if point {
            points += 1;
        } else if next > place {
            others += 1;
        }
        place = next;
    }
    let (end, digits) = found?;
    // One point is a decimal point: `+52.520008` is half a coordinate.
    let grouped = points == 0 || points > 1 && others == 0;
    let long = !matches!(country, b'1' | b'7') || digits == 11;
    (grouped && long).then_some(end)
}

/// Where what divides the groups of a telephone number ends (`) `, `-`, `%20` …), and whether it is a point.
fn separator(text: &[u8], from: usize) -> (usize, bool) {
    let mut place = from;
    // As in `+44 (0)20` and `+1 (555) 123-4567`.
    for _ in 0..3 {
        let (mark, length) = unit(text, place);
        if !matches!(mark, b' ' | b'-' | b'(' | b')' | b'/' | b'.') {
            break;
        }
        place += length;
    }
    (place, place == from + 1 && at(text, from) == b'.')
}

/// ISO 13616: countries, and the length of an account's number there.
const IBAN_LENGTHS: &[u8] = b"AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27\
DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20\
LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22\
RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30";

/// The end of an international bank account number that begins with the word there.
pub(super) fn iban(text: &[u8], from: usize) -> Option<usize> {
    let shaped = is_letter(at(text, from + 1))
        && is_digit(at(text, from + 2))
        && is_digit(at(text, from + 3));
    if !shaped {
        return None;
    }
    let country = [at(text, from), at(text, from + 1)].map(|byte| byte.to_ascii_uppercase());
    let (_, length) = IBAN_LENGTHS
        .as_chunks()
        .0
        .iter()
        .find_map(|&[a, b, tens, ones]| {
            ([a, b] == country)
                .then_some(((), usize::from(tens - b'0') * 10 + usize::from(ones - b'0')))
        })?;
    let (mut place, mut taken) = (from, 0);
    // The first four characters count last.
    let (mut rest, mut first) = (0, (0, 1));
    while taken < length {
        let (byte, size) = unit(text, place);
        if taken > 3 && matches!(byte, b' ' | b'-' | b'+') && is_word(at(text, place + size)) {
            place += size;
            continue;
        }
        let (worth, scale) = worth(byte)?;
        if taken < 4 {
            first = (first.0 * scale + worth, first.1 * scale);
        } else {
            rest = (rest * scale + worth) % 97;
        }
        taken += 1;
        place += 1;
    }
    let whole = (rest * (first.1 % 97) + first.0) % 97 == 1;
    (whole && !is_word(at(text, place))).then_some(place)
}

/// A letter counts as two digits.
fn worth(byte: u8) -> Option<(u32, u32)> {
    if is_digit(byte) {
        Some((u32::from(byte - b'0'), 10))
    } else {
        is_letter(byte).then(|| (u32::from(byte.to_ascii_uppercase() - b'A') + 10, 100))
    }
}

/// The end of an IPv4 address that begins with the digit there. `Chrome/120.0.0.0` is none.
pub(super) fn ipv4(text: &[u8], floor: usize, from: usize) -> Option<usize> {
    let previous = before(text, floor, from);
    if previous == b'.' || previous == b'/' && is_word(before(text, floor, from - 1)) {
        return None;
    }
    let mut place = from;
    for octet in 0..4 {
        if octet > 0 {
            place = (at(text, place) == b'.').then_some(place + 1)?;
        }
        let end = skip(text, place, is_digit);
        let digits = text.get(place..end)?;
        let value = digits.iter().fold(0_u32, |sum, digit| {
            (sum * 10 + u32::from(digit - b'0')).min(999)
        });
        if digits.is_empty() || value > 255 {
            return None;
        }
        place = end;
    }
    let more = at(text, place) == b'.' && is_digit(at(text, place + 1));
    (!more && !is_word(at(text, place))).then_some(place)
}

/// The end of an IPv6 address that begins there: eight groups, or fewer about one `::`.
pub(super) fn ipv6(text: &[u8], floor: usize, from: usize) -> Option<usize> {
    if matches!(before(text, floor, from), b':' | b'.') {
        return None;
    }
    let (mut place, mut groups, mut gaps, mut number) = (from, 0, 0, false);
    while groups < 8 {
        let end = skip(text, place, |byte| hex(byte).is_some());
        if end == place || end - place > 4 {
            break;
        }
        number |= holds_digit(text, place, end);
        groups += 1;
        place = end;
        let (colon, size) = unit(text, place);
        let (second, more) = unit(text, place + size);
        if colon != b':' || groups == 8 {
            break;
        }
        if second == b':' {
            gaps += 1;
            place += size + more;
        } else if hex(second).is_some() {
            place += size;
        } else {
            // The colon of a sentence.
            break;
        }
    }
    let whole = gaps == 0 && groups == 8 || gaps == 1 && (2..8).contains(&groups);
    (whole && number && !is_word(at(text, place))).then_some(place)
}
