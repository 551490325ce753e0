//! The graph in Graphviz's language.

use super::{Graph, Node};

/// The whole text.
pub(crate) fn render(graph: &Graph) -> String {
    let mut out = String::from(
        "digraph migrations {\n  \
         node [shape=box, style=filled, fontname=\"Helvetica\", fontsize=11];\n  \
         edge [color=\"#57606a\", arrowsize=0.7];\n",
    );
    for (number, app) in graph.apps.iter().enumerate() {
        out.push_str(&format!(
            "\n  subgraph cluster_{number} {{\n    label={}; fontname=\"Helvetica-Bold\"; color=\"#d0d7de\";\n",
            quoted(app)
        ));
        for (_, node) in graph.of_app(app) {
            out.push_str(&format!("    {};\n", declared(node)));
        }
        out.push_str("  }\n");
    }
    if !graph.edges.is_empty() {
        out.push('\n');
    }
    for edge in &graph.edges {
        if let (Some(from), Some(to)) = (graph.nodes.get(edge.from), graph.nodes.get(edge.to)) {
            out.push_str(&format!("  {} -> {};\n", name(from), name(to)));
        }
    }
    out.push_str("}\n");
    out
}

fn declared(node: &Node) -> String {
    let (fill, border) = node.look().colors();
    let label: Vec<String> = node.lines().iter().map(|line| escaped(line)).collect();
    let mut attributes = format!(
        "label=\"{}\", fillcolor=\"{fill}\", color=\"{border}\"",
        label.join("\\n")
    );
    if node.is_data() {
        attributes.push_str(", shape=ellipse");
    }
    if node.manual {
        attributes.push_str(", style=\"filled,dashed\"");
    }
    if node.replaces > 0 {
        attributes.push_str(", peripheries=2");
    }
    format!("{} [{attributes}]", name(node))
}

fn name(node: &Node) -> String {
    quoted(&node.step.to_string())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A row of the ledger may have any text as its name.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_cannot_leave_its_quotes() {
        assert_eq!(super::quoted("a\"b\\\n"), "\"a\\\"b\\\\ \"");
    }
}
