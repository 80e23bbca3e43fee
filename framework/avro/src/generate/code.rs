//! Lines of code with their indentation.

#[derive(Debug, Default)]
pub(super) struct Code {
    text: String,
    indent: usize,
}

impl Code {
    /// Adds lines at the current depth.
    pub(super) fn line(&mut self, lines: &str) {
        for line in lines.lines() {
            if !line.is_empty() {
                self.text.push_str(&"    ".repeat(self.indent));
                self.text.push_str(line);
            }
            self.text.push('\n');
        }
    }

    /// Adds a line; what follows stands deeper.
    pub(super) fn open(&mut self, line: &str) {
        self.line(line);
        self.indent += 1;
    }

    /// Goes back and adds a line.
    pub(super) fn close(&mut self, line: &str) {
        self.indent = self.indent.saturating_sub(1);
        self.line(line);
    }

    /// Adds a doc comment: the schema's words, or `instead` where it has none.
    pub(super) fn doc(&mut self, doc: Option<&str>, instead: &str) {
        let text = doc.filter(|doc| !doc.trim().is_empty()).unwrap_or(instead);
        for line in text.trim().lines() {
            self.line(format!("/// {}", line.trim()).trim_end());
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}
