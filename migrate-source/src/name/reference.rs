//! A reference from one step to another: `0002_add_email` or `billing.0002_add_email`.

use std::fmt;
use std::str::FromStr;

use super::NameError;
use super::convention::check_app_label;

/// A step by its name, and by its app where that is another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// The app; none means the app of the step that refers.
    pub app: Option<String>,
    /// The step's name.
    pub name: String,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.app {
            Some(app) => write!(f, "{app}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

impl FromStr for Reference {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (app, name) = match text.split_once('.') {
            Some((app, name)) => (Some(app), name),
            None => (None, text),
        };
        if name.ends_with(".sql") || name == "sql" {
            let stem = text.split(".").next().unwrap_or(text);
            return Err(NameError::new(
                text,
                "a step is named without `.sql`",
                Some(stem.to_owned()),
            ));
        }
        if let Some(app) = app {
            check_app_label(app)?;
        }
        let well_formed = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !well_formed {
            return Err(NameError::new(
                text,
                "a step's name has lower-case letters, digits and `_` only, with its app and one dot before it if it is another app's",
                None,
            ));
        }
        Ok(Self {
            app: app.map(str::to_owned),
            name: name.to_owned(),
        })
    }
}
