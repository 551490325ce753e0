//! Closures, chains of calls, iterators, async blocks.

fn one_expression(list: &[u32]) -> Vec<u32> { list.iter().map(|x| { x + 1 }).collect() }

fn no_block(list: &[u32]) -> Vec<u32> { list.iter().map(|x| x + 1).collect() }

fn with_type(list: &[u32]) -> Vec<u32> { list.iter().map(|x: &u32| -> u32 { x + 1 }).collect() }

fn block_with_statement(list: &[u32]) -> u32 { let mut n = 0; list.iter().for_each(|x| { n += x; }); n }

fn nested(list: &[Vec<u32>]) -> Vec<u32> { list.iter().flat_map(|inner| { inner.iter().map(|x| { x * 2 }) }).collect() }

fn moves(text: String) -> impl Fn() -> usize { move || { text.len() } }

fn two_arguments(list: &[u32]) -> u32 { list.iter().fold(0, |sum, x| { sum + x },) }

fn closure_of_match(list: &[Option<u8>]) -> Vec<u8> { list.iter().map(|x| { match x { Some(n) => *n, None => { 0 } } }).collect() }

fn closure_of_if(list: &[u8]) -> Vec<u8> { list.iter().map(|x| if *x > 3 { 1 } else { 2 }).collect() }

fn closure_of_macro(list: &[u8]) -> Vec<String> { list.iter().map(|x| { format!("<{x}>") }).collect() }

fn closure_of_struct(list: &[i32]) -> Vec<Point> { list.iter().map(|&x| { Point { x, y: x } }).collect() }

fn closure_of_unsafe(list: &[u8]) -> Vec<u8> { list.iter().map(|x| { unsafe { read(x) } }).collect() }

fn patterns(list: &[(u8, (u8, u8))]) -> u8 { list.iter().map(|&(a, (b, _))| a + b).sum() }

fn ignored(list: &[u8]) -> usize { list.iter().map(|_| ()).count() }

fn long_chain(text: &str) -> Vec<String> { text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(|line| line.split_once('=').map_or_else(|| line.to_owned(), |(key, value)| format!("{}={}", key.trim(), value.trim()))).rev().take(100).collect() }

fn chain_with_question(text: &str) -> Result<u64, Error> { Ok(text.split(':').nth(1).ok_or(Error::Missing)?.trim().parse::<u64>().map_err(Error::Number)?.checked_mul(1000).ok_or_else(|| Error::TooLarge)?) }

fn sort_keys(mut list: Vec<(String, u32)>) -> Vec<(String, u32)> { list.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| { a.0.cmp(&b.0) })); list.dedup_by_key(|entry| entry.0.clone()); list }

fn call_of_call(f: impl Fn(u8) -> Box<dyn Fn(u8) -> u8>) -> u8 { f(1)(2) + (f)(3)((4)) }

fn immediately() -> u32 { (|| { 5 })() + (|x: u32| x)(3) }

fn returns_closure(n: u8) -> Box<dyn Fn(u8) -> u8> { Box::new(move |m| { if m > n { m } else { n } }) }

fn recursive_type(n: u8) -> Option<Box<dyn FnOnce(u8) -> Result<Vec<Option<u8>>, String>>> { let _ = n; None }

async fn async_block(n: u8) -> u8 { let task = async move { n + 1 }; let other = async { { 2 } }; task.await + other.await }

async fn async_closure(list: Vec<u8>) -> Vec<u8> { let f = async |x: u8| { x + 1 }; let mut out = vec![]; for x in list { out.push(f(x).await); } out }

async fn boxed(n: u8) -> std::pin::Pin<Box<dyn Future<Output = u8> + Send>> { Box::pin(async move { n }) }

async fn spawned() -> Result<(), Error> { tokio::spawn(async move { work().await; }).await.map_err(|_| Error::Gone)?; Ok(()) }

async fn awaits(client: &Client) -> Result<String, Error> { client.get("https://example.org/a/rather/long/address").header("accept", "text/plain").timeout(Duration::from_secs(30)).send().await?.error_for_status()?.text().await.map_err(Into::into) }

fn zip(a: &[u8], b: &[u8]) -> Vec<(u8, u8)> { a.iter().zip(b).map(|(a, b)| (*a, *b)).collect() }

fn windows(list: &[i32]) -> bool { list.windows(2).all(|pair| { pair[0] <= pair[1] }) }

fn and_then(a: Option<u8>) -> Option<u8> { a.and_then(|a| a.checked_add(1)).or_else(|| { Some(0) }).filter(|a| { *a > 0 }).map(u8::saturating_neg_one) }

fn try_fold(list: &[&str]) -> Result<u32, std::num::ParseIntError> { list.iter().try_fold(0_u32, |sum, text| { Ok(sum + text.parse::<u32>()?) }) }

fn partition(list: Vec<u32>) -> (Vec<u32>, Vec<u32>) { list.into_iter().partition(|x| x % 2 == 0) }

fn many_arguments() -> Report { build_report("a title that is long enough to wrap", 2026, 11, Some("subtitle"), &["first", "second"], |row| row.len() > 3, Style { bold: true, color: None }) }
