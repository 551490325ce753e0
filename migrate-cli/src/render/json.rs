//! The JSON document, described field by field in `docs/json.md`.

use crate::failure::Failure;

/// The version of the schema: fields are added without a new one, never changed or removed.
const SCHEMA: &str = "migrate/1";

/// One document on one line.
///
/// It is put together from parts that serde wrote, so that the fields of a result keep the
/// order of the documentation.
pub(crate) fn document(command: &str, result: Option<&str>, failure: Option<&Failure>) -> String {
    let mut text = format!(
        "{{\"schema\":\"{SCHEMA}\",\"command\":\"{command}\",\"ok\":{}",
        failure.is_none()
    );
    if let Some(result) = result {
        text.push_str(",\"result\":");
        text.push_str(result);
    }
    if let Some(failure) = failure {
        // Texts, lists and the runtime's report always serialise.
        let error = serde_json::to_string(failure).unwrap_or_else(|_| "{}".to_owned());
        text.push_str(",\"error\":");
        text.push_str(&error);
    }
    text.push('}');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn a_document_is_valid_and_says_whether_it_went_well() {
        let failure = Failure::new(Exit::Drift, "step_edited", "it \"differs\"\n").help("look");
        let value: serde_json::Value =
            serde_json::from_str(&document("verify", Some("{\"a\":1}"), Some(&failure)))
                .expect("valid JSON");
        assert_eq!(value["schema"], "migrate/1");
        assert_eq!(value["ok"], false);
        assert_eq!(value["result"]["a"], 1);
        assert_eq!(value["error"]["message"], "it \"differs\"\n");
        assert_eq!(value["error"]["help"][0], "look");
        let fine = document("lock status", Some("{}"), None);
        assert_eq!(
            fine,
            r#"{"schema":"migrate/1","command":"lock status","ok":true,"result":{}}"#
        );
    }
}
