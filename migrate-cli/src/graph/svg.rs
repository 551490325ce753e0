//! The graph as a picture: a lane per app, time from top to bottom.
//!
//! Lanes rather than a general layout, because a history is almost a list: in its lane each app
//! reads as a column of SQL files with its data migrations beside them, and only what crosses
//! from app to app needs a curve.

mod layout;

use svg::Document;
use svg::node::element::path::Data;
use svg::node::element::{Definitions, Element, Group, Marker, Path, Rectangle, Text, Title};

use super::{Edge, Graph, Look, Node};
use layout::{Boxed, HEIGHT, LANE_HEAD, Lane, Layout, MARGIN};

const FONT: &str = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace";
const LEGEND: f64 = 34.0;
/// How far an edge that passes others of its lane swings out.
const SWING: f64 = 26.0;

/// The whole text.
pub(crate) fn render(graph: &Graph) -> String {
    let layout = Layout::of(graph);
    let legend = if graph.has_states() { LEGEND } else { 0.0 };
    let (width, height) = (layout.width, layout.height + legend);
    let mut document = Document::new()
        .set("viewBox", (0, 0, width, height))
        .set("width", width)
        .set("height", height)
        .set("font-family", FONT)
        .set("font-size", layout::FONT_SIZE)
        .add(Title::new("Migrations"))
        .add(Definitions::new().add(arrow()))
        .add(filled(0.0, 0.0, width, height, "#ffffff"));
    for lane in &layout.lanes {
        document = document.add(drawn_lane(lane, layout.height));
    }
    for edge in &graph.edges {
        document = document.add(drawn_edge(graph, &layout, *edge));
    }
    for (node, place) in graph.nodes.iter().zip(&layout.boxes) {
        document = document.add(drawn_node(node, place));
    }
    if legend > 0.0 {
        document = document.add(drawn_legend(layout.height));
    }
    format!("{document}\n")
}

fn filled(x: f64, y: f64, width: f64, height: f64, fill: &str) -> Rectangle {
    Rectangle::new()
        .set("x", x)
        .set("y", y)
        .set("width", width)
        .set("height", height)
        .set("fill", fill)
}

fn text(x: f64, y: f64, what: &str) -> Text {
    // Control characters are no XML, and a row of the ledger may have any name.
    let clean: String = what.chars().filter(|c| !c.is_control()).collect();
    Text::new(clean)
        .set("x", x)
        .set("y", y)
        .set("text-anchor", "middle")
        .set("fill", "#1f2328")
}

fn arrow() -> Marker {
    let data = Data::new()
        .move_to((0, 0))
        .line_to((8, 4))
        .line_to((0, 8))
        .close();
    Marker::new()
        .set("id", "arrow")
        .set("markerWidth", 8)
        .set("markerHeight", 8)
        .set("refX", 7)
        .set("refY", 4)
        .set("orient", "auto")
        .add(Path::new().set("d", data).set("fill", "#57606a"))
}

fn drawn_lane(lane: &Lane, height: f64) -> Group {
    let back = filled(lane.x, MARGIN, lane.width, height - 2.0 * MARGIN, "#f6f8fa")
        .set("stroke", "#d0d7de")
        .set("rx", 8);
    let label = text(
        lane.x + lane.width / 2.0,
        MARGIN + LANE_HEAD * 0.65,
        &lane.app,
    )
    .set("font-weight", "bold");
    Group::new().add(back).add(label)
}

fn drawn_edge(graph: &Graph, layout: &Layout, edge: Edge) -> Element {
    let (Some(from), Some(to)) = (layout.boxes.get(edge.from), layout.boxes.get(edge.to)) else {
        return Group::new().into();
    };
    let (x1, y1) = (from.center(), from.y + HEIGHT);
    let (x2, y2) = (to.center(), to.y);
    let passes_others = from.column == to.column && to.rank > from.rank + 1;
    let data = if passes_others {
        let (x1, x2) = (from.x, to.x);
        let (y1, y2) = (from.y + HEIGHT / 2.0, to.y + HEIGHT / 2.0);
        Data::new()
            .move_to((x1, y1))
            .cubic_curve_to((x1 - SWING, y1, x2 - SWING, y2, x2, y2))
    } else {
        let middle = (y2 - y1) / 2.0;
        Data::new()
            .move_to((x1, y1))
            .cubic_curve_to((x1, y1 + middle, x2, y2 - middle, x2, y2))
    };
    let app = |at: usize| graph.nodes.get(at).map(|node| &node.step.app);
    let crosses = app(edge.from) != app(edge.to);
    Path::new()
        .set("d", data)
        .set("fill", "none")
        .set("stroke", if crosses { "#0969da" } else { "#57606a" })
        .set("stroke-width", 1.3)
        .set("marker-end", "url(#arrow)")
        .into()
}

fn drawn_node(node: &Node, place: &Boxed) -> Group {
    let (fill, border) = node.look().colors();
    let mut shape = filled(place.x, place.y, place.width, HEIGHT, fill)
        .set("stroke", border)
        .set("stroke-width", if node.replaces > 0 { 3 } else { 1 })
        .set("rx", if node.is_data() { HEIGHT / 2.0 } else { 4.0 });
    if node.manual {
        shape = shape.set("stroke-dasharray", "4 3");
    }
    let mut group = Group::new().add(Title::new(tooltip(node))).add(shape);
    let lines = node.lines();
    let first = place.y + HEIGHT / 2.0 + 4.0 - 7.0 * (lines.len() as f64 - 1.0);
    for (at, line) in lines.iter().enumerate() {
        let label = text(place.center(), first + 14.0 * at as f64, line);
        group = group.add(match at {
            0 => label,
            _ => label.set("font-size", 10).set("fill", "#57606a"),
        });
    }
    group
}

/// What a browser shows under the mouse.
fn tooltip(node: &Node) -> String {
    let mut text: String = node
        .step
        .to_string()
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    let manual = node.manual.then_some("manual");
    let state = node.state.map(crate::render::human::status::word);
    for word in [state, manual].into_iter().flatten() {
        if !text.ends_with(word) {
            text.push_str(&format!(", {word}"));
        }
    }
    text
}

fn drawn_legend(y: f64) -> Group {
    let mut group = Group::new();
    let mut x = MARGIN;
    for look in Look::SPEAKING {
        let (fill, border) = look.colors();
        let square = filled(x, y, 12.0, 12.0, fill)
            .set("stroke", border)
            .set("rx", 2);
        let label = text(x + 18.0, y + 10.0, look.name()).set("text-anchor", "start");
        group = group.add(square).add(label);
        x += 110.0;
    }
    group
}
