//! The data of the pages of a notice and of a callback. The server makes all their texts, so that the browser loads
//! one component for both.

use serde::{Deserialize, Serialize};

use crate::console::view::{Cell, Stamp, Tone};

/// The data of the page of a notice or a callback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetailView {
    pub number: String,
    pub states: Vec<(Tone, String)>,
    /// The meaning of the states, in a sentence.
    pub meaning: String,
    pub facts: Vec<(String, Cell)>,
    /// The page's action; `None` for operators who may only look.
    pub action: Option<DetailAction>,
    pub sections: Vec<Section>,
}

/// The texts of the page's one action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetailAction {
    /// The consequences of the action, in whole sentences.
    pub happens: String,
    pub button: String,
}

/// A section of a [`DetailView`], shown in the order of its fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    pub title: String,
    pub sentences: Vec<String>,
    pub texts: Vec<Verbatim>,
    pub lines: Vec<DetailLine>,
}

/// A line that unfolds to its texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetailLine {
    pub when: Stamp,
    pub state: (Tone, String),
    pub summary: String,
    pub texts: Vec<Verbatim>,
}

/// A text exactly as it went over the wire, with its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verbatim {
    pub name: String,
    pub text: String,
}
