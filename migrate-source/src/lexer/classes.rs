//! What each byte of SQL can be, as a table and as functions.

pub(super) const BLANK: u8 = 1;
pub(super) const WORD_START: u8 = 2;
pub(super) const WORD_PART: u8 = 4;

/// What each byte can be.
pub(super) static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        let at = byte as usize;
        if is_blank(byte) {
            classes[at] |= BLANK;
        }
        if is_word_start(byte) {
            classes[at] |= WORD_START;
        }
        if is_word_part(byte) {
            classes[at] |= WORD_PART;
        }
        if byte == u8::MAX {
            return classes;
        }
        byte += 1;
    }
}

pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

pub(super) const fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

pub(super) const fn is_word_part(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}
