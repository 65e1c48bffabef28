//! The order that the study file assumes, as a directed graph: the group, the blocks one after the other, the outcome. SVG of our own.
//!
//! Every earlier node has an arrow to every later one, since nothing is assumed away; arrows from the allowables are not drawn.

use super::chart::{escape, wrap};
use std::fmt::Write;

/// A node and its colour: the position of a block, or none.
struct Node {
    label: String,
    block: Option<usize>,
}

/// The graph of `group -> blocks -> outcome`, drawn for a wide and for a narrow page.
pub struct Graph {
    nodes: Vec<Node>,
    description: String,
}

/// Nodes run along one axis, arrows that skip nodes bulge across it.
struct Layout {
    class: char,
    wide: bool,
    size: (f64, f64),
    node: (f64, f64),
    /// Along the axis: the centre of the first node, and the distance to the next.
    start: f64,
    step: f64,
    /// Across it: where the nodes stand.
    line: f64,
}

impl Graph {
    /// `blocks` in causal order, each with its position in the study file, which gives its colour.
    pub fn new(group: String, blocks: &[(String, usize)], outcome: String) -> Self {
        let mut nodes = vec![Node { label: group, block: None }];
        nodes.extend(blocks.iter().enumerate().map(|(at, (label, k))| Node { label: format!("{} {label}", at + 1), block: Some(*k) }));
        nodes.push(Node { label: outcome, block: None });
        let names: Vec<&str> = nodes.iter().map(|n| n.label.as_str()).collect();
        Self { description: format!("Arrows run from each of these to every later one: {}", names.join(", ")), nodes }
    }

    pub fn svg(&self) -> String {
        let n = self.nodes.len() as f64;
        let width = (780.0 / n - 18.0).clamp(78.0, 132.0);
        let wide = Layout {
            class: 'w',
            wide: true,
            size: (800.0, 214.0),
            node: (width, 54.0),
            start: width / 2.0 + 4.0,
            step: (792.0 - width) / (n - 1.0),
            line: 107.0,
        };
        let narrow = Layout { class: 'n', wide: false, size: (350.0, 78.0 * n), node: (126.0, 44.0), start: 30.0, step: 78.0, line: 175.0 };
        format!("{}{}", self.draw(&wide), self.draw(&narrow))
    }

    fn draw(&self, l: &Layout) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = write!(
            out,
            "<svg class=\"{c}\" viewBox=\"0 0 {w:.0} {h:.0}\" role=\"img\" aria-labelledby=\"order-{c}-t order-{c}-d\"><title id=\"order-{c}-t\">The order that \
             the study file assumes</title><desc id=\"order-{c}-d\">{d}.</desc><defs><marker id=\"head-{c}\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\"><path class=\"head\" d=\"M0 \
             0L8 4L0 8z\"/></marker></defs>",
            c = l.class,
            w = l.size.0,
            h = l.size.1,
            d = escape(&self.description)
        );
        for from in 0..self.nodes.len() {
            for to in from + 1..self.nodes.len() {
                let _ = write!(out, "<path class=\"arrow\" marker-end=\"url(#head-{})\" d=\"{}\"/>", l.class, self.arrow(l, from, to));
            }
        }
        for (at, node) in self.nodes.iter().enumerate() {
            let (x, y) = l.point(l.start + l.step * at as f64, l.line);
            let (w, h) = l.node;
            let class = node.block.map_or_else(|| "node".to_owned(), |k| format!("node n-k{}", k.min(6) + 1));
            let _ = write!(
                out,
                "<rect class=\"{class}\" x=\"{:.1}\" y=\"{:.1}\" width=\"{w:.1}\" height=\"{h:.1}\" rx=\"4\"/>",
                x - w / 2.0,
                y - h / 2.0
            );
            let lines = wrap(&node.label, ((w - 8.0) / 6.6) as usize);
            let mut line_y = y + 4.0 - (lines.len() as f64 - 1.0) * 7.0;
            for line in &lines {
                let _ = write!(out, "<text x=\"{x:.1}\" y=\"{line_y:.1}\" class=\"nd\" text-anchor=\"middle\">{}</text>", escape(line));
                line_y += 14.0;
            }
        }
        out.push_str("</svg>");
        out
    }

    /// Neighbours by a straight line; to the outcome on one side, to later blocks on the other.
    fn arrow(&self, l: &Layout, from: usize, to: usize) -> String {
        let along = |at: usize| l.start + l.step * at as f64;
        let (half_along, half_across) = if l.wide { (l.node.0 / 2.0, l.node.1 / 2.0) } else { (l.node.1 / 2.0, l.node.0 / 2.0) };
        let pair = |(x, y): (f64, f64)| format!("{x:.1} {y:.1}");
        if to == from + 1 {
            let (a, b) = (l.point(along(from) + half_along, l.line), l.point(along(to) - half_along - 2.0, l.line));
            return format!("M{}L{}", pair(a), pair(b));
        }
        let side = if to + 1 == self.nodes.len() { 1.0 } else { -1.0 };
        let span = (to - from) as f64 / (self.nodes.len() - 1) as f64;
        let edge = l.line + side * half_across;
        let room = if l.wide { l.line } else { l.size.0 - l.line } - half_across - 4.0;
        // A quadratic curve reaches half of what its control point stands out.
        let control = edge + side * room * (0.55 + 1.45 * span);
        let spread = if l.wide { 0.12 * l.node.0 } else { 4.0 };
        let (start, end) = (l.point(along(from) + spread, edge), l.point(along(to) - spread, edge + side * 2.0));
        let middle = l.point((along(from) + along(to)) / 2.0, control);
        format!("M{}Q{} {}", pair(start), pair(middle), pair(end))
    }
}

impl Layout {
    fn point(&self, along: f64, across: f64) -> (f64, f64) {
        if self.wide { (along, across) } else { (across, along) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_has_an_arrow_to_every_later_one() {
        for k in 1..=6usize {
            let blocks: Vec<(String, usize)> = (0..k).map(|b| (format!("Block <{b}> with a long name"), b)).collect();
            let svg = Graph::new("Race".into(), &blocks, "Death within 30 days".into()).svg();
            // Both drawings: k + 2 nodes, and an arrow for each pair of them.
            assert_eq!(svg.matches("<rect").count(), 2 * (k + 2));
            assert_eq!(svg.matches("class=\"arrow\"").count(), (k + 2) * (k + 1));
            assert!(!svg.contains("<0>") && !svg.contains("NaN"));
        }
    }
}
