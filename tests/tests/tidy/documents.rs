//! Code in documents is code that is compiled: a block names the file that it was copied from.
//!
//! Before the block stands `<!-- code: PATH -->`, and the file holds its lines, one after the
//! other, indented as deep as may be. A line `// ..` leaves out any number of lines.

use crate::sources::repository;

/// Documents whose every block of Rust must be compiled somewhere.
const DOCUMENTS: [&str; 2] = ["README.md", "ARCHITECTURE.md"];

/// Blocks of Rust that no file holds.
pub(crate) fn uncompiled_code() -> Vec<String> {
    let root = repository();
    let mut broken = Vec::new();
    for document in DOCUMENTS {
        let text = std::fs::read_to_string(root.join(document)).unwrap_or_default();
        for block in blocks(&text) {
            let place = format!("{document}:{}", block.line);
            match block.from {
                None => broken.push(format!("{place}: no <!-- code: PATH --> before it")),
                Some(path) => match std::fs::read_to_string(root.join(path)) {
                    Ok(file) if holds(&file, &block.code) => {}
                    Ok(_) => broken.push(format!("{place}: {path} does not hold these lines")),
                    Err(error) => broken.push(format!("{place}: {path}: {error}")),
                },
            }
        }
    }
    broken
}

struct Block<'d> {
    line: usize,
    from: Option<&'d str>,
    code: Vec<&'d str>,
}

/// The ```rust blocks of a document.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut from = None;
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        if open {
            open = line.trim() != "```";
            if let (true, Some(block)) = (open, blocks.last_mut()) {
                block.code.push(line);
            }
        } else if line.trim_start().starts_with("```rust") {
            blocks.push(Block {
                line: index + 1,
                from: from.take(),
                code: Vec::new(),
            });
            open = true;
        } else if let Some(marker) = line.trim().strip_prefix("<!-- code: ") {
            from = marker.strip_suffix(" -->");
        } else if !line.trim().is_empty() {
            from = None;
        }
    }
    blocks
}

/// Whether a file has these lines in a row, `// ..` standing for any number of lines.
fn holds(file: &str, code: &[&str]) -> bool {
    let mut rest: Vec<&str> = file.lines().map(str::trim).collect();
    for part in code.split(|line| line.trim() == "// ..") {
        let part: Vec<&str> = part
            .iter()
            .map(|line| line.trim())
            .skip_while(|line| line.is_empty())
            .collect();
        if part.is_empty() {
            continue;
        }
        let Some(at) = rest.windows(part.len()).position(|lines| lines == part) else {
            return false;
        };
        rest.drain(..at + part.len());
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_blocks_and_where_they_are_from() {
        let text = "text\n<!-- code: a.rs -->\n```rust\nfn a() {}\n```\n\n```rust\nb\n```\n```sh\nc\n```\n";
        let found: Vec<_> = blocks(text)
            .into_iter()
            .map(|b| (b.line, b.from, b.code))
            .collect();
        assert_eq!(
            found,
            [(3, Some("a.rs"), vec!["fn a() {}"]), (7, None, vec!["b"])]
        );
    }

    #[test]
    fn compares_lines_in_order() {
        let file = "mod a {\n    one\n    two\n    three\n}\n";
        assert!(holds(file, &["one", "two"]));
        assert!(holds(file, &["one", "// ..", "three"]));
        assert!(!holds(file, &["one", "three"]));
        assert!(!holds(file, &["three", "// ..", "one"]));
    }
}
