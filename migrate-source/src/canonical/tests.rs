use super::*;

fn parse(text: &str) -> ItemFn {
    syn::parse_str(text).expect(text)
}

#[track_caller]
fn same(one: &str, other: &str) {
    assert_eq!(
        canonical_function(&parse(one)),
        canonical_function(&parse(other)),
        "{one} / {other}"
    );
}

#[track_caller]
fn differ(one: &str, other: &str) {
    assert_ne!(
        canonical_function(&parse(one)),
        canonical_function(&parse(other)),
        "{one} / {other}"
    );
}

/// Bodies that count as one.
#[track_caller]
fn same_body(one: &str, other: &str) {
    same(
        &format!("fn f() {{ {one} }}"),
        &format!("fn f() {{ {other} }}"),
    );
}

#[track_caller]
fn differ_body(one: &str, other: &str) {
    differ(
        &format!("fn f() {{ {one} }}"),
        &format!("fn f() {{ {other} }}"),
    );
}

/// Fixed by publication: a change here breaks the ledger of every function step.
#[test]
fn golden_vectors() {
    let cases = [
        (
            "fn f() {}",
            "fn f ( ) { }",
            "v1:sha256:04d34bc67277082b724e154c0cb02e0dc79314408e58ebd9362590ba6535ee28",
        ),
        (
            "pub async fn lower(cx: &mut Context<'_, Postgres>,) -> Result<u64> { let n = run(cx, \"a\", 0xFF,).await?; match n { 0 => { Ok(0) } _ => Ok(n as u64,), } }",
            "async fn f ( cx : & mut Context < '_ , Postgres > ) -> Result < u64 > { let n = run ( cx , \"a\" , 255 ) . await ? ; match n { 0 => Ok ( 0 ) , _ => Ok ( n as u64 ) , } }",
            "v1:sha256:02a8a8dbe47eb1daa187492ff4a68da1c1cc8f7afc734a6629dfc55a0679d9bd",
        ),
        (
            "fn f() { println!(\"{}\", 1,); }",
            "fn f ( ) { println ! ( \"{}\" , 1 ) ; }",
            "v1:sha256:3d4e0847798e8c4fd235ac172ff0ff1626955748153d17345358bac1c93ebcc7",
        ),
    ];
    for (source, canonical, checksum) in cases {
        assert_eq!(canonical_function(&parse(source)), canonical);
        assert_eq!(checksum_of_function(&parse(source)).to_string(), checksum);
    }
}

#[test]
fn name_visibility_attributes_and_comments_are_not_covered() {
    same(
        "fn a() { x(); }",
        "/// Doc.\n#[inline]\npub(crate) fn b() { // c\n #![allow(dead_code)] x(/* d */); }",
    );
    same_body("let a = 1;", "/// Doc.\nlet a = 1;");
}

#[test]
fn signature_and_body_are_covered() {
    let base = "async fn f(a: u8) -> u8 { a }";
    for other in [
        "fn f(a: u8) -> u8 { a }",
        "async unsafe fn f(a: u8) -> u8 { a }",
        "async fn f(b: u8) -> u8 { a }",
        "async fn f(a: u16) -> u8 { a }",
        "async fn f(mut a: u8) -> u8 { a }",
        "async fn f(a: &u8) -> u8 { a }",
        "async fn f(a: u8, b: u8) -> u8 { a }",
        "async fn f(a: u8) -> u16 { a }",
        "async fn f(a: u8) { a }",
        "async fn f<T>(a: u8) -> u8 { a }",
        "async fn f(a: u8) -> u8 { a; }",
        "async fn f(a: u8) -> u8 { b }",
        "async fn f(#[cfg(x)] a: u8) -> u8 { a }",
    ] {
        differ(base, other);
    }
}

#[test]
fn freedoms_of_formatting_do_not_count() {
    for (one, other) in [
        ("f(a, b)", "f(a, b,)"),
        ("let a: A<B>;", "let a: A<B,>;"),
        (
            "match a { A => b, C => {} }",
            "match a { | A => { { b } } C => {}, }",
        ),
        ("|x| x + 1", "|x| { x + 1 }"),
        ("|x| { m!(x) }", "|x| m!(x)"),
        ("a;", ";;a;;"),
        ("return a", "return a;"),
        ("loop { break }", "loop { break; }"),
        ("loop { continue }", "loop { continue; }"),
        ("((a))", "(a)"),
        ("use a::{c, b};", "use a::b; use a::c;"),
        ("use b; use a;", "use a; use b;"),
        ("use {a::b};", "use a::b;"),
        ("extern fn g() {}", "extern \"C\" fn g() {}"),
        (
            "#[derive(A, B)] struct S;",
            "#[derive(A)] #[derive(B)] struct S;",
        ),
        ("pub(in crate) struct S;", "pub(crate) struct S;"),
        ("S { a: a, b }", "S { a, b: b }"),
        ("let S { a: a, b: ref b } = s;", "let S { a, ref b } = s;"),
        ("0xFFu8", "255_u8"),
        ("r#\"a\"#", "\"\\x61\""),
        ("b\"\\x41\"", "b\"A\""),
        ("vec!(1, 2)", "vec![1, 2,]"),
        ("m! { a }", "m!(a)"),
        ("m!(|x| { x })", "m!(|x| x,)"),
        ("m!(A<B>)", "m!(A<B,>)"),
        ("m!(for<'a> A<'a, B>)", "m!(for<'a> A<'a, B,>)"),
        ("m!(const, a)", "m!(const, a,)"),
        (
            "macro_rules! m { ($a:ty) => { f($a) } }",
            "macro_rules! m { [$a:ty] => ( f($a,) ); }",
        ),
        ("fn g() -> () {}", "fn g() {}"),
        ("fn g<T>() where T: A, {}", "fn g<T>() where T: A {}"),
        ("fn g() where {}", "fn g() {}"),
    ] {
        same_body(one, other);
    }
}

#[test]
fn what_has_a_meaning_counts() {
    for (one, other) in [
        ("(x,)", "(x)"),
        ("let (x,) = a;", "let (x) = a;"),
        ("let a: (A,);", "let a: (A);"),
        ("|x| -> u8 { x }", "|x| x"),
        ("|x| { x; }", "|x| { x }"),
        ("a;", "a"),
        ("return;", "return a;"),
        ("a && b", "a & &b"),
        ("a - -b", "a - b"),
        ("1u8", "1u16"),
        ("1", "1.0"),
        ("\"1\"", "1"),
        ("b\"a\"", "\"a\""),
        ("b'a'", "'a'"),
        ("c\"a\"", "\"a\""),
        ("\"a\\nb\"", "\"a\\r\\nb\""),
        ("'a: loop {}", "'b: loop {}"),
        ("'a: { b }", "{ b }"),
        ("unsafe { b }", "{ b }"),
        ("async { b }", "async move { b }"),
        ("match a { A => b, B => c }", "match a { B => c, A => b }"),
        ("match a { A | B => c }", "match a { A if B => c }"),
        ("use a::b;", "use a::b as c;"),
        ("use a::{self};", "use a;"),
        ("use a; x(); use b;", "use b; x(); use a;"),
        ("use a::*;", "use a::b;"),
        ("S { a, b }", "S { b, a }"),
        ("S { a: b }", "S { b: a }"),
        ("S { a, ..b }", "S { a, b }"),
        ("let S { a: b } = s;", "let S { a } = s;"),
        ("pub(in super::x) struct S;", "pub(in super) struct S;"),
        ("extern \"system\" fn g() {}", "extern \"C\" fn g() {}"),
        ("m!(a = > b)", "m!(a => b)"),
        ("m! { a } -1;", "m!(a) - 1;"),
        ("m!(x.1.10)", "m!(x.1.1)"),
        ("m!(a; b)", "m!(a, b)"),
        ("#[derive(A, B)] struct S;", "#[derive(B, A)] struct S;"),
        ("a as u8 as u16", "a as u16 as u8"),
        ("(a + b) * c", "a + b * c"),
        ("!(a == b)", "!a == b"),
        ("-(1).abs()", "(-1).abs()"),
        ("&mut a", "&a"),
        ("*a", "a"),
        ("a..b", "a..=b"),
        ("if a { b }", "if a { b } else {}"),
    ] {
        differ_body(one, other);
    }
}

#[test]
fn groups_without_delimiters_are_transparent() {
    use proc_macro2::{Delimiter, Group, TokenStream};
    use quote::quote;

    let group = |tokens: TokenStream| Group::new(Delimiter::None, tokens);
    let (ty, value) = (group(quote!(Vec<u8>)), group(quote!(a + 1)));
    let grouped: ItemFn = syn::parse2(quote!(fn f(x: #ty) { g(#value); })).expect("a function");
    assert_eq!(
        canonical_function(&grouped),
        canonical_function(&parse("fn f(x: Vec<u8>) { g(a + 1); }"))
    );
    let product: ItemFn = syn::parse2(quote!(fn f() { 2 * #value })).expect("a function");
    assert_eq!(
        canonical_function(&product),
        canonical_function(&parse("fn f() { 2 * (a + 1) }"))
    );
}

#[test]
fn line_ends_inside_literals_are_read_as_the_compiler_does() {
    same_body("r\"a\r\nb\"", "\"a\\nb\"");
    same_body("\"a\r\nb\"", "\"a\\nb\"");
}
