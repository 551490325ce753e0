//! Branches, loops, matches, early ends.

fn sign(n: i64) -> i8 { if n < 0 { -1 } else if n > 0 { 1 } else { 0 } }

fn kind(code: u8) -> &'static str {
    match code {
        | 0 => { "none" }
        1 | 2 | 3 => "few",
        4..=9 => { "some" },
        10.. => "many",
    }
}

fn kind_with_blocks(code: Option<u32>) -> Result<u32, String> {
    match code {
        Some(n) if n > 10 && n < 100 => {
            let m = n * 2;
            Ok(m)
        }
        Some(n @ (1 | 2)) => Ok(n),
        Some(0) => { return Err("zero".to_owned()) }
        Some(_) => { Err(format!("out of range")) }
        None => { Err(String::from("nothing at all was given here, and that is not enough")) }
    }
}

fn empty_arms(x: Option<bool>) { match x { Some(true) => {}, Some(false) => (), None => { {} } } }

fn unit() -> () { () }

fn early(list: &[i32]) -> Option<i32> { for &x in list { if x < 0 { return None; } if x > 100 { return Some(x) } } None }

fn labelled(grid: &[Vec<u8>]) -> usize {
    let mut n = 0;
    'rows: for row in grid { for cell in row { if *cell == 0 { continue 'rows } if *cell == 255 { break 'rows; } n += 1; } }
    n
}

fn loop_value() -> u32 { let mut i = 0; let r = loop { i += 1; if i == 10 { break i * 2; } }; r }

fn block_value(a: u32) -> u32 { let b = { let c = a + 1; c * c }; let d = 'x: { if b > 3 { break 'x b } 0 }; b + d }

fn while_chain(mut n: u64) -> u32 { let mut steps = 0; while n != 1 { n = if n % 2 == 0 { n / 2 } else { 3 * n + 1 }; steps += 1; } steps }

fn let_else(text: &str) -> Result<u32, Error> { let Some(rest) = text.strip_prefix("v") else { return Err(Error::Prefix) }; let Ok(n) = rest.parse() else { return Err(Error::Number { text: rest.to_owned() }); }; Ok(n) }

fn if_let_chain(a: Option<&str>, b: Result<u8, ()>) -> bool { if let Some(a) = a && let Ok(b) = b && a.len() == usize::from(b) { true } else { false } }

fn nested_if(a: bool, b: bool, c: bool) -> u8 { if a { if b { 1 } else { 2 } } else { if c { 3 } else { 4 } } }

fn semicolons() { ; let a = 1;; let b = 2; ;; drop((a, b)); }

fn never() -> ! { loop { std::hint::spin_loop(); } }

fn stray(a: u8) -> u8 { if a > 3 { log(a); }; match a { 1 => log(1), _ => {} }; a }

fn parens(a: i32, b: i32) -> i32 { ((a + b)) * (((b))) - (a) }

fn long_condition(user: &User, limit: usize) -> bool { user.is_active() && !user.is_blocked() && user.roles().iter().any(|role| role.name() == "administrator" || role.name() == "operator") && user.sessions().len() < limit }

fn long_sum(first_operand: i64, second_operand: i64, third_operand: i64) -> i64 { first_operand * 1_000_000 + second_operand * 1_000 + third_operand - (first_operand & 0xFF) + (second_operand << 3) - (third_operand >> 1) }

fn comparisons(a: u32, b: u32) -> (bool, bool, bool) { (a < b, (a as u64) < b as u64, a == b || a >= b && a != 0) }

fn ranges(v: &[u8]) -> usize { v[1..].len() + v[..2].len() + v[..].len() + v[1..=2].len() + (0..v.len()).count() }

fn assigns(mut a: u32) -> u32 { a += 1; a -= 2; a *= 3; a /= 4; a %= 5; a ^= 6; a |= 7; a &= 8; a <<= 1; a >>= 2; a }

fn return_in_closure(list: Vec<u32>) -> Vec<u32> { list.into_iter().filter_map(|n| { if n == 0 { return None; } Some(n - 1) }).collect() }

fn match_in_match(a: Option<Result<u8, u8>>) -> u8 { match a { Some(r) => match r { Ok(n) => n, Err(n) => { n + 1 } }, None => { match 3 { 3 => 4, _ => 5 } } } }

fn arm_with_if(a: u8) -> u8 { match a { 0 => { if a == 0 { 1 } else { 2 } } 1 => { unsafe { read(a) } } 2 => { loop { break 3 } } _ => { 9 } } }

fn break_with_struct() -> P { loop { break P { x: 1, y: 2 }; } }

fn slices(v: &[u8]) -> u8 { match v { [] => 0, [one] => *one, [first, .., last] if first == last => 1, [first, rest @ ..] => first + rest.len() as u8 } }

fn refs(pair: &(u8, String)) -> usize { let &(n, ref s) = pair; let (ref a, _) = *pair; usize::from(n) + s.len() + usize::from(*a) }

fn question(a: &str) -> Option<char> { a.chars().next()?.to_uppercase().next()?.to_lowercase().next() }

fn not(a: bool) -> bool { !a && !!a || !(a && !a) }

fn negative() -> (i8, f64, i64) { (-1, -1.5, -(2 + 3)) }

fn tail_macro(a: u8) -> String { format!("{a}") }

fn tail_statement_macro(a: u8) { println!("{a}"); }

fn trailing_break(list: &[u8]) -> u8 { for x in list { match x { 0 => { continue; } 1 => continue, 2 => { break; } _ => { return *x; } } } 0 }

fn else_if_let(a: Option<u8>, b: Option<u8>) -> u8 { if let Some(a) = a { a } else if let Some(b) = b { b } else { 0 } }

fn or_patterns(pair: (u8, u8)) -> bool { match pair { (| 0 | 1, _) => true, ((2 | 3), (4)) => true, (_, 5..=6 | 9) => { false } _ => false } }

fn nested_blocks(a: u8) -> u8 { { { { a } } } }

fn assigned_blocks(a: bool) -> u8 { let x; if a { x = 1 } else { x = 2; } let y = if a { 3 } else { 4 }; x + y }

fn let_types() -> u8 { let (a, b): (u8, u8) = (1, 2,); let c: Option<Vec<(u8, String)>> = None; let d; d = 4; a + b + c.map_or(0, |c| { c.len() as u8 }) + d }
