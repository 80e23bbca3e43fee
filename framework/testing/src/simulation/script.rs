//! Scripts: a run as text, to be run again. One line: the seed of what sagas publish, which sagas there are, and each step.

use std::fmt;
use std::str::FromStr;

use super::step::Step;

/// Everything that a run depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) seed: u64,
    pub(crate) sagas: Vec<u64>,
    pub(crate) steps: Vec<Step>,
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {} sagas", self.seed)?;
        for saga in &self.sagas {
            write!(f, " {saga}")?;
        }
        f.write_str(" steps")?;
        for step in &self.steps {
            write!(f, " {step}")?;
        }
        Ok(())
    }
}

impl FromStr for Script {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "a script is one line, `seed N sagas N … steps …`";
        let mut words = text.split_whitespace();
        let begins = (words.next(), words.next().map(str::parse));
        let (Some("seed"), Some(Ok(seed))) = begins else {
            return Err(format!("{FORM}; it does not begin with `seed N`"));
        };
        if words.next() != Some("sagas") {
            return Err(format!("{FORM}; `sagas` does not follow the seed"));
        }
        let mut sagas = Vec::new();
        loop {
            match words.next() {
                Some("steps") => break,
                Some(word) => {
                    let number = word.parse();
                    sagas.push(number.map_err(|_| format!("{FORM}; `{word}` is no saga"))?);
                }
                None => return Err(format!("{FORM}; `steps` does not follow the sagas")),
            }
        }
        let steps = words.map(str::parse);
        let steps: Result<Vec<Step>, _> = steps.collect();
        Ok(Script {
            seed,
            sagas,
            steps: steps.map_err(|problem| problem.to_string())?,
        })
    }
}
