//! Literals, structures, tuples, arrays, paths and types.

fn integers() -> [u64; 8] { [0xFF, 0xff_ff, 0o17, 0b1010_0101, 1_000_000, 10u64, 0xABCDEFu64, 7_u64] }

fn floats() -> [f64; 5] { [1.0, 1e10, 2.5e-3, 1_000.5, 3f64] }

fn texts() -> Vec<&'static str> { vec!["plain", "with \"quotes\"", r"raw \ text", r#"raw "quoted" text"#, "tab\tline\n", "größe", "\u{1F980}", "one \
    line"] }

fn bytes() -> (&'static [u8], u8, char, &'static std::ffi::CStr) { (b"bytes\x00", b'a', '\'', c"text") }

fn one_tuple(x: u8) -> (u8,) { (x,) }

fn not_a_tuple(x: u8) -> u8 { (x) }

fn tuples() -> ((), (u8,), (u8, u8), ((u8,), [u8; 1])) { ((), (1,), (1, 2), ((1,), [1,])) }

fn arrays() -> usize { let a = [0; 16]; let b = [[1, 2], [3, 4],]; let c: [u8; 0] = []; a.len() + b.len() + c.len() }

fn long_array() -> [&'static str; 9] { ["monday morning", "tuesday morning", "wednesday morning", "thursday morning", "friday morning", "saturday", "sunday", "holiday", "never"] }

fn many_numbers() -> Vec<u16> { vec![100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1400, 1500, 1600, 1700, 1800, 1900, 2000, 2100, 2200, 2300] }

fn shorthand(name: String, age: u8) -> Person { let email = None; Person { name: name, age, email: email, ..Person::default() } }

fn long_struct(identifier: i64, description: String) -> Record { Record { identifier, description, created_at: Timestamp::now(), updated_at: None, labels: vec![Label::New, Label::Imported], parent: Some(Box::new(Record::root())) } }

fn empty_struct() -> Empty { Empty {} }

fn update_syntax(base: Options) -> Options { Options { retries: 3, ..base } }

fn destructure(Point { x, y: z }: Point, (a, b): (u8, u8)) -> i32 { let Point { x: x, .. } = Point { x: x, y: z }; x + z + i32::from(a) + i32::from(b) }

fn destructure_mut(p: Pair) -> u8 { let Pair { ref left, mut right } = p; right += *left; right }

fn nested_patterns(v: Value) -> Option<String> { match v { Value::Object { fields: Fields { name: Some(Text(text)), .. }, .. } => Some(text), Value::List(ref list) if !list.is_empty() => None, Value::Number(1 | 2,) | Value::Nothing => None, _ => None } }

fn turbofish(text: &str) -> Vec<u8> { text.split(',').map(str::parse::<u8>).collect::<Result<Vec<_>, _>>().unwrap_or_default() }

fn casts(a: u8) -> i64 { a as i64 + (a as u32 as i64) - -1i64 + (a as f32) as i64 }

fn generic<T: Clone + Send, const N: usize>(value: &T) -> [T; N] where T: Default + 'static, { std::array::from_fn(|_| value.clone()) }

fn lifetimes<'a, 'b: 'a>(left: &'a str, right: &'b str,) -> &'a str { if left.len() > right.len() { left } else { right } }

fn trait_objects(f: &dyn Fn(u8, &str) -> Result<(), Box<dyn std::error::Error + Send + Sync + 'static>>, g: impl FnOnce() + Send) -> Box<dyn Iterator<Item = u8> + '_> { g(); let _ = f; Box::new(std::iter::empty()) }

fn function_pointers(f: fn(u8, u8,) -> u8, g: unsafe extern "C" fn(*const u8, *mut u8)) -> u8 { let _ = g; f(1, 2) }

fn higher_ranked<F>(f: F) -> usize where F: for<'x> Fn(&'x str) -> &'x str { f("a").len() }

fn qualified() -> String { <String as From<&str>>::from("a") + &<u8 as ToString>::to_string(&1) + &<[u8]>::len(b"ab").to_string() }

fn references(mut a: u8) -> u8 { let b = &mut a; *b += 1; let c = &&*b; let d = & &**c; ***d }

fn raw_pointers(a: &u8) -> *const u8 { &raw const *a }

fn indices(v: &[Vec<u8>], i: usize) -> u8 { v[i][i + 1] + v[v.len() - 1][0] }

fn fields(p: &Outer) -> u8 { p.inner.0 + p.inner.1.0 + p.other().last.first }

fn infer(list: &[u8]) -> Vec<u8> { let v: Vec<_> = list.to_vec(); let _: () = (); let _ = v.len(); v }

fn constants() -> u32 { const LIMIT: u32 = 500; static NAMES: [&str; 2] = ["a", "b",]; LIMIT + NAMES.len() as u32 }

fn assignments(p: &mut Point) { (p.x, p.y) = (p.y, p.x); [p.x, _] = [1, 2]; Point { x: p.x, .. } = *p; _ = p; }

fn chars() -> [char; 5] { ['a', '\n', '\u{e9}', '"', '\\'] }

fn maximum(list: &[f64]) -> Option<f64> { list.iter().copied().fold(None, |best, x| match best { None => Some(x), Some(b) if x > b => Some(x), Some(b) => Some(b) }) }
