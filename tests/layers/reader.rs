//! A reader of the paths and literals in a Rust file. It reads tokens, so that comments and texts do not count as
//! paths, but paths within macros do. Items under `#[cfg(test)]` are left out.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The paths and literals of a file.
#[derive(Default)]
pub struct Code {
    pub paths: Vec<Found>,
    /// The line and text of each literal.
    pub literals: Vec<(usize, String)>,
}

/// A path as written: `a::b`. Each path of a `use` with braces is one.
#[derive(Debug, PartialEq, Eq)]
pub struct Found {
    pub line: usize,
    pub segments: Vec<String>,
    /// The modules within the file that enclose the path.
    modules: Vec<String>,
}

impl Found {
    /// Returns the path from the crate's root, if it begins with `crate::`, `super::` or `self::`, or, in the program,
    /// with the library's name. `module` is the file's own module.
    pub fn in_crate(&self, module: &[String]) -> Option<Vec<String>> {
        let here = || [module, &self.modules].concat();
        let (mut path, mut rest) = match self.segments.split_first()? {
            (first, rest) if first == "crate" || first == "refundry" => (Vec::new(), rest),
            (first, rest) if first == "self" => (here(), rest),
            (first, _) if first == "super" => (here(), &self.segments[..]),
            _ => return None,
        };
        while let Some((first, after)) = rest.split_first()
            && first == "super"
        {
            path.pop();
            rest = after;
        }
        path.extend_from_slice(rest);
        (self.segments.len() > 1 && !path.is_empty()).then_some(path)
    }
}

/// Reads a file's text.
pub fn read(text: &str) -> Result<Code, proc_macro2::LexError> {
    let mut code = Code::default();
    let tokens: TokenStream = text.parse()?;
    code.read(tokens, &[]);
    Ok(code)
}

impl Code {
    fn read(&mut self, tokens: TokenStream, modules: &[String]) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' && is_test(tokens.get(at)) => {
                    let ends = |token: &TokenTree| match token {
                        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                        TokenTree::Punct(punct) => punct.as_char() == ';',
                        _ => false,
                    };
                    at += tokens[at..].iter().position(ends).map_or(0, |end| end + 1);
                }
                TokenTree::Ident(word) if word == "pub" && is_scope(tokens.get(at)) => at += 1,
                TokenTree::Ident(word) if word == "mod" => {
                    if let [TokenTree::Ident(name), TokenTree::Group(body), ..] = &tokens[at..] {
                        let inner = [modules, &[name.to_string()]].concat();
                        self.read(body.stream(), &inner);
                        at += 2;
                    }
                }
                TokenTree::Ident(_) => at = self.path(&tokens, at - 1, &[], modules),
                TokenTree::Group(group) => self.read(group.stream(), modules),
                TokenTree::Literal(literal) => {
                    let line = literal.span().start().line;
                    self.literals.push((line, literal.to_string()));
                }
                TokenTree::Punct(_) => {}
            }
        }
    }

    /// Reads the path that begins at a word, below a prefix, and returns the position of its end.
    fn path(
        &mut self,
        tokens: &[TokenTree],
        mut at: usize,
        prefix: &[String],
        modules: &[String],
    ) -> usize {
        let line = tokens[at].span().start().line;
        let mut segments = prefix.to_vec();
        while let Some(TokenTree::Ident(word)) = tokens.get(at) {
            if word != "self" || segments.is_empty() {
                segments.push(word.to_string());
            }
            at += 1;
            if !is_colons(&tokens[at..]) {
                break;
            }
            if let Some(TokenTree::Group(group)) = tokens.get(at + 2)
                && group.delimiter() == Delimiter::Brace
            {
                let within: Vec<TokenTree> = group.stream().into_iter().collect();
                for piece in within.split(is_comma).filter(|piece| !piece.is_empty()) {
                    self.path(piece, 0, &segments, modules);
                }
                return at + 3;
            }
            if !matches!(tokens.get(at + 2), Some(TokenTree::Ident(_))) {
                break; // a `*`, or arguments of types
            }
            at += 2;
        }
        self.paths.push(Found {
            line,
            segments,
            modules: modules.to_vec(),
        });
        at
    }
}

fn is_colons(tokens: &[TokenTree]) -> bool {
    let colon =
        |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ':');
    matches!(tokens, [first, second, ..] if colon(first) && colon(second))
}

fn is_comma(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')
}

fn is_test(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(group)) if group.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// Tells whether these are the parentheses of `pub(crate)`, `pub(super)` or `pub(in ...)`.
fn is_scope(token: Option<&TokenTree>) -> bool {
    let Some(TokenTree::Group(group)) = token else {
        return false;
    };
    let text = group.stream().to_string();
    matches!(text.as_str(), "crate" | "super" | "self") || text.starts_with("in ")
}

#[test]
fn paths_are_read_wherever_they_stand() {
    let text = r##"
        //! crate::in_a::comment
        use crate::a::{self, b::{C, D as E}, f::*};
        pub(in crate::scope) use super::super::g;
        #[cfg(test)]
        mod tests { use crate::in_a::test; }
        #[cfg(test)]
        pub mod testing;
        mod inner { use super::h; fn f() { macro_call! { <X/> crate::i::<u8>::j() } } }
        fn body() { let t = "crate::in_a::text"; std::f(self.x, refundry::k(r#"raw"#, 1.5)); }
    "##;
    let code = read(text).unwrap();
    let module = ["x".to_owned(), "y".to_owned()];
    let in_crate = |found: &Found| found.in_crate(&module).map(|path| path.join("::"));
    let paths: Vec<String> = code.paths.iter().filter_map(in_crate).collect();
    assert_eq!(
        paths,
        ["a", "a::b::C", "a::b::D", "a::f", "g", "x::y::h", "i", "k"]
    );
    let lines: Vec<usize> = code
        .paths
        .iter()
        .filter(|found| in_crate(found).is_some())
        .map(|found| found.line)
        .collect();
    assert_eq!(lines, [3, 3, 3, 3, 4, 9, 9, 10]);
    let literals: Vec<&str> = code
        .literals
        .iter()
        .map(|(_, text)| text.as_str())
        .collect();
    assert!(
        literals.ends_with(&["\"crate::in_a::text\"", "r#\"raw\"#", "1.5"]),
        "{literals:?}"
    );
}
