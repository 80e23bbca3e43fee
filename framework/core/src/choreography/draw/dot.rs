//! The drawing in DOT.

use super::sketch::{Line, Node, Shape, Sketch, Stroke};

pub(super) fn write(sketch: &Sketch) -> String {
    let mut text = "digraph choreography {\n".to_owned();
    text += "    rankdir=LR\n    node [fontname=\"sans-serif\" style=filled]\n    edge [fontname=\"sans-serif\" fontsize=10]\n";
    for node in &sketch.loose {
        text += &format!("    {}\n", shape(node, sketch.highlights));
    }
    for (number, (service, nodes)) in sketch.groups.iter().enumerate() {
        text += &format!(
            "    subgraph cluster_{number} {{\n        label=\"{}\"\n",
            escape(service)
        );
        for node in nodes {
            text += &format!("        {}\n", shape(node, sketch.highlights));
        }
        text += "    }\n";
    }
    for line in &sketch.lines {
        text += &format!("    {}\n", arrow(line, sketch.highlights));
    }
    text + "}\n"
}

fn shape(node: &Node, highlights: bool) -> String {
    let (shape, fill, color) = match node.shape {
        Shape::Aggregate => ("box", "#eef4ff", "#4a6fa5"),
        Shape::Event => ("oval", "#ffffff", "#999999"),
        Shape::Intake => ("oval", "#fff8dc", "#b58900"),
        Shape::Success => ("oval", "#e3f6e3", "#3a8f3a"),
        Shape::Failure => ("oval", "#fde8e8", "#c0392b"),
        Shape::Port => ("hexagon", "#f3e8fd", "#7d3cb5"),
    };
    let dim = if highlights && !node.lit {
        " fontcolor=\"#bbbbbb\""
    } else {
        ""
    };
    let color = if dim.is_empty() { color } else { "#dddddd" };
    format!(
        "{} [label=\"{}\" shape={shape} fillcolor=\"{fill}\" color=\"{color}\"{dim}]",
        node.id,
        label(&node.text)
    )
}

fn arrow(line: &Line, highlights: bool) -> String {
    let (color, style) = match line.stroke {
        Stroke::Ahead => ("#333333", "solid"),
        Stroke::Failure => ("#c0392b", "solid"),
        Stroke::Undo => ("#c0392b", "dashed"),
        Stroke::Call => ("#7d3cb5", "dotted\" dir=\"both"),
    };
    let (color, width) = match (highlights, line.lit) {
        (true, true) => (color, " penwidth=3"),
        (true, false) => ("#dddddd", ""),
        (false, _) => (color, ""),
    };
    format!(
        "{} -> {} [label=\"{}\" color=\"{color}\" style=\"{style}\"{width}]",
        line.from,
        line.to,
        label(&line.text)
    )
}

fn label(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
    lines.join("\\n")
}

/// Names come from manifests, which anybody may write: nothing of them ends the text.
fn escape(text: &str) -> String {
    let escaped = |char: char| match char {
        '"' | '\\' => format!("\\{char}"),
        char if char.is_control() => " ".into(),
        char => char.to_string(),
    };
    text.chars().map(escaped).collect()
}
