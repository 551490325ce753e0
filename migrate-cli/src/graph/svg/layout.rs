//! Where each step stands in the picture.

use std::collections::HashSet;

use migrate_core::report::State;

use super::super::Graph;

pub(super) const MARGIN: f64 = 16.0;
pub(super) const HEIGHT: f64 = 34.0;
pub(super) const LANE_HEAD: f64 = 32.0;
pub(super) const FONT_SIZE: f64 = 12.0;
/// How wide a character of a monospaced font is, for its height.
const CHARACTER: f64 = 0.62;
const PADDING: f64 = 28.0;
const ROW: f64 = HEIGHT + 30.0;
const LANE_GAP: f64 = 24.0;
const COLUMN_GAP: f64 = 22.0;
const LEAST_LANE: f64 = 140.0;

/// The whole picture.
pub(super) struct Layout {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) lanes: Vec<Lane>,
    /// As the nodes of the graph.
    pub(super) boxes: Vec<Boxed>,
}

/// The column of an app.
pub(super) struct Lane {
    pub(super) app: String,
    pub(super) x: f64,
    pub(super) width: f64,
}

/// A step's box. Its column is counted over all lanes.
#[derive(Clone, Copy, Default)]
pub(super) struct Boxed {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) rank: usize,
    pub(super) column: usize,
}

impl Boxed {
    pub(super) fn center(&self) -> f64 {
        self.x + self.width / 2.0
    }
}

impl Layout {
    pub(super) fn of(graph: &Graph) -> Self {
        let ranks = ranks(graph);
        let mut boxes = vec![Boxed::default(); graph.nodes.len()];
        let mut lanes = Vec::new();
        let mut x = MARGIN;
        let mut columns_before = 0;
        for app in &graph.apps {
            let columns = columns(graph, app, &ranks);
            let widths = widths(graph, &columns);
            let inner: f64 = widths.iter().map(|width| width + COLUMN_GAP).sum();
            let width = (inner + COLUMN_GAP).max(LEAST_LANE);
            for (node, column) in &columns {
                let left: f64 = widths
                    .iter()
                    .take(*column)
                    .map(|width| width + COLUMN_GAP)
                    .sum();
                let rank = ranks.get(*node).copied().unwrap_or_default();
                if let (Some(place), Some(width)) = (boxes.get_mut(*node), widths.get(*column)) {
                    *place = Boxed {
                        x: x + COLUMN_GAP + left,
                        y: MARGIN + LANE_HEAD + 8.0 + ROW * rank as f64,
                        width: *width,
                        rank,
                        column: columns_before + column,
                    };
                }
            }
            lanes.push(Lane {
                app: app.clone(),
                x,
                width,
            });
            x += width + LANE_GAP;
            columns_before += widths.len();
        }
        let rows = ranks.iter().max().map_or(0, |last| last + 1);
        Self {
            width: (x - LANE_GAP + MARGIN).max(LEAST_LANE),
            height: 2.0 * MARGIN + LANE_HEAD + ROW * rows as f64,
            lanes,
            boxes,
        }
    }
}

/// How many steps at least come before each: its row. Nodes are in order of execution, so every
/// parent has its rank before its children; what only the database knows stands below all.
fn ranks(graph: &Graph) -> Vec<usize> {
    let mut parents: Vec<Vec<usize>> = vec![Vec::new(); graph.nodes.len()];
    for edge in &graph.edges {
        if let Some(of) = parents.get_mut(edge.to) {
            of.push(edge.from);
        }
    }
    let mut ranks: Vec<usize> = Vec::with_capacity(parents.len());
    for of in &parents {
        let above = of.iter().filter_map(|from| ranks.get(*from));
        ranks.push(above.map(|rank| rank + 1).max().unwrap_or_default());
    }
    let mut below = ranks.iter().max().map_or(0, |last| last + 1);
    for (node, rank) in graph.nodes.iter().zip(&mut ranks) {
        if matches!(node.state, Some(State::Missing | State::OtherApp)) {
            *rank = below;
            below += 1;
        }
    }
    ranks
}

/// The column of each step within its lane: SQL files first, data migrations to their right.
fn columns(graph: &Graph, app: &str, ranks: &[usize]) -> Vec<(usize, usize)> {
    let mut taken: HashSet<(usize, usize)> = HashSet::new();
    let mut columns = Vec::new();
    let has_sql = graph.of_app(app).any(|(_, node)| !node.is_data());
    for sql in [true, false] {
        for (at, _) in graph.of_app(app).filter(|(_, node)| node.is_data() != sql) {
            let rank = ranks.get(at).copied().unwrap_or_default();
            let first = usize::from(!sql && has_sql);
            let free = (first..).find(|column| !taken.contains(&(rank, *column)));
            let column = free.unwrap_or(first);
            taken.insert((rank, column));
            columns.push((at, column));
        }
    }
    columns
}

/// How wide each column of a lane is: as its longest text.
fn widths(graph: &Graph, columns: &[(usize, usize)]) -> Vec<f64> {
    let mut widths: Vec<f64> = Vec::new();
    for (at, column) in columns {
        let lines = graph
            .nodes
            .get(*at)
            .map(|node| node.lines())
            .unwrap_or_default();
        let longest = lines.iter().map(|line| line.chars().count()).max();
        let width = longest.unwrap_or_default() as f64 * FONT_SIZE * CHARACTER + PADDING;
        if widths.len() <= *column {
            widths.resize(*column + 1, 0.0);
        }
        if let Some(widest) = widths.get_mut(*column) {
            *widest = width.ceil().max(*widest);
        }
    }
    widths
}
