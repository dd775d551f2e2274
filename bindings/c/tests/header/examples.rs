//! The example at each group of functions, from a program that the tests compile and run.

use std::fs;

use crate::{SOURCES, crate_folder, source};

const PROGRAMS: [&str; 2] = ["tests/c/header_examples.c", "tests/c/header_examples_hosts.c"];

/// The groups that the example of machines uses.
const OF_MACHINES: [&str; 5] = ["machine_call", "effect", "request", "answer", "outcome"];

/// Returns the first function of each group, and the comment with its example.
pub(crate) fn before_each_group() -> Vec<(String, String)> {
    let programs = PROGRAMS.map(|name| fs::read_to_string(crate_folder().join(name)).unwrap());
    let program = programs.concat();
    let groups = SOURCES.iter().filter(|group| !OF_MACHINES.contains(group));
    let groups = groups.filter_map(|group| Some((group, first_function(group)?)));
    groups.map(|(group, function)| (function, comment(group, &example(&program, group)))).collect()
}

fn first_function(group: &str) -> Option<String> {
    let text = source(group);
    let (_, rest) = text.split_once("#[unsafe(no_mangle)]")?;
    let (_, rest) = rest.split_once("fn ")?;
    Some(rest.split('(').next()?.to_owned())
}

/// Returns the lines between `/* example: GROUP */` and `/* end */`, without their indentation.
fn example(program: &str, group: &str) -> String {
    let begin = format!("/* example: {group} */\n");
    let missing = || panic!("{PROGRAMS:?} have no {begin}: each group of functions has an example");
    let (_, rest) = program.split_once(&begin).unwrap_or_else(missing);
    let (lines, _) = rest.split_once("/* end */").expect("the end of an example");
    let indentation = lines.len() - lines.trim_start_matches(' ').len();
    let lines = lines.trim_end().lines().map(|line| line.get(indentation..).unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

fn comment(group: &str, example: &str) -> String {
    assert!(!example.contains("*/"), "{group}: a comment would end the example's own");
    let mut text = format!("/*\n * {}. For example:\n *\n", group.to_uppercase().replace('_', " "));
    for line in example.lines() {
        text.push_str(format!(" *     {line}").trim_end());
        text.push('\n');
    }
    text + " */\n\n"
}
