//! Items inside functions, attributes, imports and macros.

fn imports() -> usize {
    use std::fmt::Write;
    use std::collections::{HashMap, BTreeMap, hash_map::{Entry, self}};
    use std::{io};
    use crate::b; use crate::a as c;
    use super::*;
    let map: HashMap<u8, u8> = HashMap::new();
    map.len()
}

fn imports_with_attributes() {
    #[cfg(unix)] use std::os::unix::fs::PermissionsExt;
    #[allow(unused_imports)]
    use std::io::{Write as _, Read,};
    use self::inner::Thing;
    pub(in crate) use self::inner::{Other};
    mod inner { use std::rc::Rc; use std::cell::Cell; pub(in crate) struct Thing; pub(super) struct Other(pub(in self) u8,); }
}

fn inner_struct() -> usize {
    #[derive(Debug, Clone, PartialEq)]
    #[derive(Eq)]
    struct Row { /** The key. */ id: i64, #[serde(rename = "n", default,)] name: Option<String>, }
    #[derive(Default)] struct Unit;
    struct Pair(u8, pub u16);
    enum Shape { Circle { radius: f64 }, Square(f64,), Nothing, Last = 9 }
    impl Row { const NAME: &'static str = "row"; fn key(&self) -> i64 { return self.id; } pub fn name(&self) -> &str { self.name.as_deref().unwrap_or("") } }
    impl<T> From<T> for Pair where T: Into<u8>, { fn from(value: T) -> Self { Self(value.into(), 0,) } }
    trait Area: Sized { type Unit: Copy; fn area(&self,) -> f64; fn double(&self) -> f64 { 2.0 * self.area() } }
    type Rows = Vec<(i64, Row,)>;
    std::mem::size_of::<Rows>()
}

fn inner_function(n: u64) -> u64 { fn square(n: u64,) -> u64 { return n * n; } const fn zero() -> u64 { 0 } square(n) + zero() }

fn inner_extern() -> u8 { extern "C" { fn getpid() -> i32; } extern fn callback(_: u8) {} unsafe extern "system" fn other() {} let _ = callback as extern fn(u8); 0 }

fn attributes(list: &[u8]) -> u8 { #[allow(clippy::needless_range_loop)] for i in 0..list.len() { #[cfg(test)] log(i); #[rustfmt::skip] let a = list[i]; drop(a); } #[expect(unused, reason = "shown")] let b = 1; match b { #[cfg(unix)] 1 => 2, _ => 3 } }

/// Documented.
#[inline(always)]
#[must_use = "a reason"]
fn documented(/* here */ a: u8, #[cfg(unix)] b: u8) -> u8 {
    // A comment.
    let c = a; /* another */
    /// Even this.
    let d = c;
    d
}

fn format_macros(name: &str, n: usize) -> String { print!("{name}"); eprintln!("{:>width$} {0:?} {}", n, name, width = 8,); let s = format!("{}-{}", name, n,); assert!(n > 0, "n is {n}"); assert_eq!(s.len(), name.len() + 1 + n.to_string().len(), "{} and {}", s, name); s }

fn vectors() -> Vec<Vec<u8>> { let a = vec![1, 2, 3,]; let b = vec!(4, 5); let c = vec! {6}; let d = vec![0; 10]; let e: Vec<u8> = vec![]; vec![a, b, c, d, e] }

fn matching(x: Option<u8>) -> bool { matches!(x, Some(1 | 2) | None) && matches!(x, Some(n) if n > 3) && !matches!(x, Some(_)) }

fn conditional() -> bool { cfg!(all(unix, not(target_os = "macos"),)) && option_env!("HOME").is_some() && !include_str!("control.rs").is_empty() && concat!("a", 1, true).len() == 6 }

fn unreachable_macros(n: u8) -> u8 { match n { 0 => todo!(), 1 => unimplemented!("later: {}", n), 2 => panic!("no"), 3 => { unreachable!() } _ => { panic!("never: {n}",) } } }

fn json() -> Value { json!({ "name": "a", "list": [1, 2, 3], "nested": { "null": null, "yes": true } }) }

fn blocks_in_macros(list: &[u8]) -> bool { assert!(list.iter().all(|x| { *x > 1 })); debug_assert!({ let n = list.len(); n < 10 }, "long"); dbg!(list.iter().map(|x| { x + 1 }).sum::<u8>()) > 3 }

fn local_macro(n: u8) -> u8 {
    macro_rules! twice { ($e:expr) => { $e + $e }; ($e:expr, $($rest:tt)*) => ( twice!($e) + twice!($($rest)*) ) }
    macro_rules! call { ($f:ident, $a:expr $(,)?) => { { let result = $f($a, 1,); match result { 0 => { 1 } other => other } } } }
    twice!(n) + call!(max, n) + twice![1, 2]
}

fn brace_macro() { thread_local! { static SLOT: std::cell::Cell<u8> = const { std::cell::Cell::new(0) }; } quick! { a => b, c } lazy!(x; y); }

fn macro_with_types() -> usize { size!(Vec<Vec<u8>>, &'static str, [u8; 4], fn(u8) -> u8) + offset!(const, Row, name) }

fn statement_macros(n: u8) { log!("a"); log! { "b" } log!["c"]; if n > 0 { log!("d") } else { log!("e"); } }

fn visibility() { pub(in crate) struct A; pub(crate) struct B; pub(in super) struct C; pub(in crate::deep::path) struct D; pub struct E { pub(in self) a: u8 } }

fn generics_inside() { struct W<'a, T: 'a + ?Sized, const N: usize = 3>(&'a T, [u8; N]) where T: Clone + 'a; fn f<T>(_: T) where T: Iterator, T::Item: Into<u8> + Copy, {} impl<'a, T: ?Sized> W<'a, T> where T: Clone {} }

fn unions() { union U { a: u32, b: f32, } static mut S: U = U { a: 1 }; const _: () = { assert!(true); }; }

unsafe fn unsafely(p: *const u8) -> u8 { unsafe { *p.add(1) } }

const fn constant(a: u8) -> u8 { a + const { 3 } }

extern "C" fn exported(a: u8) -> u8 { a }

pub(crate) async unsafe fn qualifiers() {}

fn impl_trait(a: impl Into<String> + Clone, b: impl for<'a> Fn(&'a str) -> &'a str) -> impl Iterator<Item = u8> + use<> { let _ = (a.into(), b("x").len()); std::iter::once(1) }

fn wrapped_arguments(first_argument_of_this: &str, second_argument_of_this: Option<&str>, third_argument_of_this: &mut Vec<String>, fourth: u8) -> Result<Vec<String>, Box<dyn std::error::Error>> { let _ = (first_argument_of_this, second_argument_of_this, third_argument_of_this, fourth); Ok(vec![]) }
