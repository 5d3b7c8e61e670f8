//! A reader of the map of the rooms, which is the first code block of `ARCHITECTURE.md`. A line begins with names of
//! files and folders (these end in `/`), followed by their description; lines with more indentation lie within.

/// The files and folders on the map.
pub struct Map {
    /// Paths from the project's root; a folder's ends in `/`.
    pub places: Vec<String>,
}

/// Reads the map from the page's text.
pub fn read(page: &str) -> Map {
    let block = page.split("```").nth(1).expect("the page has a map");
    let mut places = Vec::new();
    // The folders around the current line, each with its indentation.
    let mut folders: Vec<(usize, String)> = Vec::new();
    for line in block.lines().skip(1) {
        let indent = line.len() - line.trim_start().len();
        let is_name = |word: &&str| {
            word.ends_with('/')
                || word
                    .rsplit_once('.')
                    .is_some_and(|(_, end)| EXTENSIONS.contains(&end))
        };
        let names: Vec<&str> = line.split_whitespace().take_while(is_name).collect();
        if names.is_empty() {
            continue; // the rest of a description
        }
        folders.retain(|(outer, _)| *outer < indent);
        let within = folders
            .last()
            .map_or(String::new(), |(_, path)| path.clone());
        for name in names {
            let path = format!("{within}{name}");
            if name.ends_with('/') {
                folders.push((indent, path.clone()));
            }
            places.push(path);
        }
    }
    Map { places }
}

const EXTENSIONS: [&str; 5] = ["rs", "css", "toml", "md", "sh"];

impl Map {
    /// Tells whether the map covers a file: by its name, or by a folder without further details on the map. A folder
    /// with details covers only its `mod.rs`.
    pub fn covers(&self, file: &str) -> bool {
        let covers = |place: &String| {
            if place == file {
                return true;
            }
            let folder = place.ends_with('/') && file.starts_with(place.as_str());
            let shown = |inner: &String| inner != place && inner.starts_with(place.as_str());
            folder && (file == format!("{place}mod.rs") || !self.places.iter().any(shown))
        };
        self.places.iter().any(covers)
    }
}
