//! Bodies of MySQL and MariaDB: which BEGIN, IF, CASE, LOOP, WHILE, REPEAT and FOR open a block, and
//! which END closes one. Most of these words are names and functions as well, so a block opens only
//! where a statement could start.

use super::{Block, Blocks, Previous, Seen};
use crate::lexer::Kind;

/// The first words of statements that hold no others.
const SIMPLE: [&str; 13] = [
    "select", "insert", "update", "delete", "replace", "set", "return", "call", "with", "values",
    "truncate", "signal", "do",
];

impl Blocks {
    pub(super) fn feed_compound(&mut self, seen: Seen<'_>) {
        if seen.token.kind == Kind::Semicolon {
            while self
                .open
                .pop_if(|(block, _)| !block.holds_statements())
                .is_some()
            {}
            self.at_start = true;
            self.in_handler = false;
            return;
        }
        match seen.text {
            "(" => return self.open.push((Block::Paren, seen.token.start)),
            ")" => {
                if self.top() == Some(Block::Paren) {
                    self.open.pop();
                }
                self.at_start = false;
                return;
            }
            _ => {}
        }
        if seen.is("case") && self.previous != Previous::End {
            let statement = self.can_start_block() && !self.in_parens();
            let block = if statement {
                Block::CaseStatement
            } else {
                Block::CaseExpression
            };
            self.open.push((block, seen.token.start));
            self.in_header = false;
            self.at_start = false;
        } else if seen.is("end") {
            self.feed_end(seen);
        } else if self.in_parens() {
            self.at_start = false;
        } else {
            self.feed_body(seen);
        }
    }

    fn top(&self) -> Option<Block> {
        self.open.last().map(|(block, _)| *block)
    }

    fn in_parens(&self) -> bool {
        self.top() == Some(Block::Paren)
    }

    fn can_start_block(&self) -> bool {
        self.previous != Previous::Dot && (self.at_start || self.in_header || self.in_handler)
    }

    /// An END closes a CASE expression wherever it stands, and a block only where a statement could
    /// start: `end` is a usual name of a column.
    fn feed_end(&mut self, seen: Seen<'_>) {
        let closes = match self.top() {
            Some(Block::CaseExpression) => !matches!(self.previous, Previous::Dot | Previous::As),
            Some(Block::Repeat) => seen.next_is_any(&["repeat"]),
            Some(Block::Paren) | None => false,
            Some(_) => self.at_start,
        };
        if closes {
            self.open.pop();
        }
        self.at_start = false;
        self.in_handler = false;
    }

    /// A token of a routine outside parentheses that is neither CASE nor END.
    fn feed_body(&mut self, seen: Seen<'_>) {
        if self.previous == Previous::End && seen.is_any(&["if", "loop", "while", "repeat", "for"])
        {
            self.at_start = false;
            return;
        }
        if let Some(block) = self.opened_by(seen) {
            self.open.push((block, seen.token.start));
            self.in_header = false;
            self.in_handler = false;
            self.at_start = matches!(block, Block::Begin | Block::Loop | Block::Repeat);
            return;
        }
        if self.in_header {
            self.feed_header(seen);
            return;
        }
        if self.in_handler && seen.is_any(&SIMPLE) {
            self.in_handler = false;
        }
        if seen.is("handler") {
            self.in_handler = true;
        }
        let leads_on = match self.top() {
            Some(Block::If | Block::CaseStatement) => seen.is_any(&["then", "else"]),
            Some(Block::Repeated) => seen.is("do"),
            _ => false,
        };
        let label = seen.next == ":" || seen.text == ":";
        let not_atomic = seen.is("not") && seen.next_is_any(&["atomic"]) || seen.is("atomic");
        self.at_start = leads_on || self.at_start && (label || not_atomic);
    }

    fn opened_by(&self, seen: Seen<'_>) -> Option<Block> {
        if !self.can_start_block() || seen.token.kind != Kind::Word {
            return None;
        }
        let outside_body = self.in_header || self.in_handler;
        if seen.is("begin") {
            Some(Block::Begin)
        } else if seen.is("if") && !(outside_body && seen.next_is_any(&["not", "exists"])) {
            Some(Block::If)
        } else if seen.is("loop") {
            Some(Block::Loop)
        } else if seen.is("while") || seen.is("for") && !outside_body {
            Some(Block::Repeated)
        } else if seen.is("repeat") && !self.in_handler {
            Some(Block::Repeat)
        } else {
            None
        }
    }

    /// Between the kind of the routine and its body.
    fn feed_header(&mut self, seen: Seen<'_>) {
        let body_starts = match self.header_of {
            // BEFORE INSERT ON t FOR EACH ROW [FOLLOWS other], after which the body stands.
            "trigger" if seen.is_any(&["follows", "precedes"]) => {
                self.header_of = "order";
                false
            }
            "trigger" => seen.is("row") && !seen.next_is_any(&["follows", "precedes"]),
            "order" => true,
            // ON SCHEDULE .. DO
            "event" => seen.is("do"),
            _ => seen.is_any(&SIMPLE) && self.previous != Previous::CharacterWord,
        };
        if body_starts {
            self.in_header = false;
            self.at_start = self.header_of != "routine";
        }
    }
}
