//! Tells quickly that a text cannot hold what is looked for: whether certain words stand in it at
//! all, in code or not. Nearly every migration has none of them, and the macros read each of
//! thousands in debug builds: hence plain loops and a table.

/// Words, and for each letter which lengths the words have that begin or end with it.
pub(super) struct Words<const N: usize> {
    words: [&'static str; N],
    beginning: [u32; 256],
    ending: [u32; 256],
}

impl<const N: usize> Words<N> {
    /// The words in lower case, letters alone, each with less than 32 of them.
    pub(super) const fn new(words: [&'static str; N]) -> Self {
        let (mut beginning, mut ending) = ([0; 256], [0; 256]);
        let mut at = 0;
        while at < N {
            let word = words[at].as_bytes();
            let (first, last, length) = (word[0], word[word.len() - 1], 1 << word.len());
            beginning[first as usize] |= length;
            beginning[first.to_ascii_uppercase() as usize] |= length;
            ending[last as usize] |= length;
            ending[last.to_ascii_uppercase() as usize] |= length;
            at += 1;
        }
        Self {
            words,
            beginning,
            ending,
        }
    }

    /// Whether one of the words stands anywhere between bytes that are no letters.
    ///
    /// A database may cut a text into longer words than this (`commit_1`), never into shorter
    /// ones, but for a DELIMITER of letters, which is therefore one of the words to look for.
    pub(super) fn occur_in(&self, sql: &str) -> bool {
        let bytes = sql.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            let start = at;
            while at < bytes.len() && LETTERS[bytes[at] as usize] {
                at += 1;
            }
            let length = at - start;
            if length > 0
                && length < 32
                && self.beginning[bytes[start] as usize] & (1 << length) != 0
                && self.ending[bytes[at - 1] as usize] & (1 << length) != 0
                && self.has(sql.get(start..at).unwrap_or_default())
            {
                return true;
            }
            at += 1;
        }
        false
    }

    fn has(&self, word: &str) -> bool {
        let mut at = 0;
        while at < N {
            let known = self.words[at];
            if known.len() == word.len() && known.eq_ignore_ascii_case(word) {
                return true;
            }
            at += 1;
        }
        false
    }
}

static LETTERS: [bool; 256] = letters();

const fn letters() -> [bool; 256] {
    let mut letters = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        letters[byte as usize] = (byte as u8).is_ascii_alphabetic();
        byte += 1;
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_words_between_anything_but_letters() {
        const WORDS: Words<2> = Words::new(["commit", "xa"]);
        for sql in [
            "commit",
            "a;COMMIT--",
            "/*!50003Commit*/",
            "x_xa",
            "ü commit",
            "a commit",
        ] {
            assert!(WORDS.occur_in(sql), "{sql}");
        }
        for sql in ["", "commits", "recommit", "c om mit", "axa", "ümmit"] {
            assert!(!WORDS.occur_in(sql), "{sql}");
        }
    }
}
