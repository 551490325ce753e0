//! The graph in Mermaid's language, which GitHub draws.

use super::{Graph, Look, Node};

/// The whole text.
pub(crate) fn render(graph: &Graph) -> String {
    let mut out = String::from("flowchart TD\n");
    for (number, app) in graph.apps.iter().enumerate() {
        out.push_str(&format!("  subgraph app{number}[\"{}\"]\n", escaped(app)));
        for (at, node) in graph.of_app(app) {
            out.push_str(&format!("    {}\n", declared(at, node)));
        }
        out.push_str("  end\n");
    }
    for edge in &graph.edges {
        out.push_str(&format!("  n{} --> n{}\n", edge.from, edge.to));
    }
    for look in Look::SPEAKING {
        let (fill, border) = look.colors();
        let members = places(graph, |node| node.look() == look);
        if !members.is_empty() {
            let name = look.name();
            out.push_str(&format!(
                "  classDef {name} fill:{fill},stroke:{border},color:#1f2328\n  class {members} {name}\n"
            ));
        }
    }
    let manual = places(graph, |node| node.manual);
    if !manual.is_empty() {
        out.push_str(&format!(
            "  classDef manual stroke-dasharray:4\n  class {manual} manual\n"
        ));
    }
    out
}

fn declared(at: usize, node: &Node) -> String {
    let lines: Vec<String> = node.lines().iter().map(|line| escaped(line)).collect();
    let label = lines.join("<br>");
    match (node.is_data(), node.replaces) {
        (true, _) => format!("n{at}([\"{label}\"])"),
        (false, 0) => format!("n{at}[\"{label}\"]"),
        (false, _) => format!("n{at}[[\"{label}\"]]"),
    }
}

fn places(graph: &Graph, wanted: impl Fn(&Node) -> bool) -> String {
    let nodes = graph.nodes.iter().enumerate();
    let names: Vec<String> = nodes
        .filter(|(_, node)| wanted(node))
        .map(|(at, _)| format!("n{at}"))
        .collect();
    names.join(",")
}

/// Mermaid reads HTML entities, with a `#` where HTML has an `&`.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '<' | '>' | '&' | '#' | ';' | '`' => {
                out.push_str(&format!("#{};", u32::from(c)));
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_cannot_become_markup() {
        assert_eq!(super::escaped("a\"<b>;"), "a#34;#60;b#62;#59;");
    }
}
