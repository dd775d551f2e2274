//! A page in Markdown, as its fenced blocks.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The project's root folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the root folder")
}

/// A page that readers follow from top to bottom.
pub(crate) struct Page {
    /// Its path below the root folder.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) blocks: Vec<Block>,
}

/// A fenced block.
pub(crate) struct Block {
    /// The first word after the fence: `sh`, `rust`, `text`, …
    pub(crate) language: String,
    /// The line of the opening fence, from 1.
    pub(crate) line: usize,
    pub(crate) text: String,
    /// The file that the reader saves the block as, where the paragraph before the block says
    /// "Save this as `FILE`".
    pub(crate) file: Option<String>,
}

impl Page {
    pub(crate) fn read(name: &str) -> Self {
        let text = fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let blocks = blocks(&text);
        Self { name: name.to_owned(), text, blocks }
    }

    /// The only block of that language.
    pub(crate) fn only(&self, language: &str) -> &Block {
        let mut found = self.blocks.iter().filter(|block| block.language == language);
        let only = found.next().unwrap_or_else(|| panic!("{}: no {language} block", self.name));
        assert!(found.next().is_none(), "{}: more than one {language} block", self.name);
        only
    }
}

/// The pages of the project's root and of `docs/`, by their names.
pub(crate) fn all() -> Vec<String> {
    let mut names = vec!["README.md".to_owned()];
    for entry in fs::read_dir(root().join("docs")).expect("docs") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        if Path::new(&name).extension().is_some_and(|end| end == "md") {
            names.push(format!("docs/{name}"));
        }
    }
    names.sort();
    names
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut paragraph = String::new();
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let language = info.split([' ', ',']).next().unwrap_or_default().to_owned();
            let mut block = String::new();
            for (_, line) in lines.by_ref().take_while(|(_, line)| *line != "```") {
                block.push_str(line);
                block.push('\n');
            }
            let file = saved_as(&paragraph);
            blocks.push(Block { language, line: index + 1, text: block, file });
            paragraph.clear();
        } else if line.is_empty() {
            // A blank line parts a paragraph from the next one, but not from the block after it.
            if !paragraph.ends_with('\n') {
                paragraph.push('\n');
            }
        } else {
            if paragraph.ends_with('\n') {
                paragraph.clear();
            }
            paragraph.push_str(line);
            paragraph.push(' ');
        }
    }
    blocks
}

fn saved_as(paragraph: &str) -> Option<String> {
    let (_, rest) = paragraph.split_once("Save this as `")?;
    rest.split('`').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_has_its_language_its_line_and_the_file_that_the_paragraph_before_names() {
        let text =
            "# A\n\nSave this as `a/b.c`:\n\n```c\nint a;\n```\n\nRun `x.y`:\n\n```sh\na\nb\n```\n";
        let found: Vec<_> = blocks(text)
            .into_iter()
            .map(|block| (block.language, block.line, block.text, block.file))
            .collect();
        let c = ("c".to_owned(), 5, "int a;\n".to_owned(), Some("a/b.c".to_owned()));
        let sh = ("sh".to_owned(), 11, "a\nb\n".to_owned(), None);
        assert_eq!(found, [c, sh]);
    }
}
