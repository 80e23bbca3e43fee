//! The drawing in Mermaid.

use std::collections::BTreeMap;

use super::sketch::{Line, Node, Shape, Sketch, Stroke};

const CLASSES: &str = "\
classDef aggregate fill:#eef4ff,stroke:#4a6fa5,color:#000
classDef event fill:#fff,stroke:#999,color:#000
classDef intake fill:#fff8dc,stroke:#b58900,color:#000
classDef success fill:#e3f6e3,stroke:#3a8f3a,color:#000
classDef failure fill:#fde8e8,stroke:#c0392b,color:#000
classDef port fill:#f3e8fd,stroke:#7d3cb5,color:#000
";

pub(super) fn write(sketch: &Sketch) -> String {
    let mut text = "flowchart LR\n".to_owned();
    for node in &sketch.loose {
        text += &format!("    {}\n", shape(node));
    }
    for (number, (service, nodes)) in sketch.groups.iter().enumerate() {
        text += &format!("    subgraph s{number}[\"{}\"]\n", escape(service));
        for node in nodes {
            text += &format!("        {}\n", shape(node));
        }
        text += "    end\n";
    }
    for line in &sketch.lines {
        let arrow = match line.stroke {
            Stroke::Ahead | Stroke::Failure => "-->",
            Stroke::Undo => "-.->",
            Stroke::Call => "<-.->",
        };
        let label = if line.text.is_empty() {
            String::new()
        } else {
            format!("|\"{}\"|", label(&line.text))
        };
        text += &format!("    {} {arrow}{label} {}\n", line.from, line.to);
    }
    for line in CLASSES.lines() {
        text += &format!("    {line}\n");
    }
    if sketch.highlights {
        let nodes = sketch.groups.iter().flat_map(|(_, nodes)| nodes);
        let nodes = nodes.chain(&sketch.loose).filter(|node| !node.lit);
        let dim: Vec<&str> = nodes.map(|node| node.id.as_str()).collect();
        text += "    classDef dim opacity:0.3\n";
        if !dim.is_empty() {
            text += &format!("    class {} dim\n", dim.join(","));
        }
    }
    let mut styles: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (number, line) in sketch.lines.iter().enumerate() {
        let style = style(line, sketch.highlights);
        styles.entry(style).or_default().push(number.to_string());
    }
    for (style, lines) in styles.iter().filter(|(style, _)| !style.is_empty()) {
        text += &format!("    linkStyle {} {style}\n", lines.join(","));
    }
    text
}

fn style(line: &Line, highlights: bool) -> String {
    let color = match line.stroke {
        Stroke::Ahead => None,
        Stroke::Failure | Stroke::Undo => Some("stroke:#c0392b"),
        Stroke::Call => Some("stroke:#7d3cb5"),
    };
    let weight = match (highlights, line.lit) {
        (true, true) => Some("stroke-width:3px"),
        (true, false) => Some("opacity:0.3"),
        (false, _) => None,
    };
    let parts: Vec<&str> = color.into_iter().chain(weight).collect();
    parts.join(",")
}

fn shape(node: &Node) -> String {
    let text = label(&node.text);
    let (open, close, class) = match node.shape {
        Shape::Aggregate => ("[\"", "\"]", "aggregate"),
        Shape::Event => ("(\"", "\")", "event"),
        Shape::Intake => ("([\"", "\"])", "intake"),
        Shape::Success => ("([\"", "\"])", "success"),
        Shape::Failure => ("([\"", "\"])", "failure"),
        Shape::Port => ("{{\"", "\"}}", "port"),
    };
    format!("{}{open}{text}{close}:::{class}", node.id)
}

fn label(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escape(line)).collect();
    lines.join("<br/>")
}

/// Names come from manifests, which anybody may write: nothing of them is markup.
fn escape(text: &str) -> String {
    let escaped = |char: char| match char {
        '"' | '<' | '>' | '&' | '#' | ';' | '`' => format!("#{};", u32::from(char)),
        char if char.is_control() => " ".into(),
        char => char.to_string(),
    };
    text.chars().map(escaped).collect()
}
